use super::*;
use crate::stats::special::normal_quantile;
use crate::stats::vectors::{Dice, latency, near, numbers};

/// Returns (base, head) of rounds with these log ratios.
fn of(log_ratios: &[f64]) -> Vec<(f64, f64)> {
    let pairs = log_ratios.iter().map(|it| (100.0, 100.0 * it.exp()));
    pairs.collect()
}

#[test]
fn evidence_and_intervals_grow_as_the_reference_has_them() {
    let pair = latency("paired_log_ratio_t");
    let of = |key: &str| numbers(&pair["inputs"][key]);
    let log_ratios: Vec<f64> = of("a")
        .iter()
        .zip(of("b"))
        .map(|(a, b)| (b / a).ln())
        .collect();
    let vector = latency("anytime_valid_t");
    for step in vector["expected"]["steps"].as_array().unwrap() {
        let n = usize::try_from(step["n"].as_u64().unwrap()).unwrap();
        let found = After::of(&log_ratios[..n], 1.0);
        near(found.mean, &step["mean"], 1e-9);
        near(found.log_e(0.0), &step["log_e"], 1e-9);
        let half = found.half(0.02);
        if step["low"].is_null() {
            assert!(half.is_infinite(), "{n}");
        } else {
            near(found.mean - half, &step["low"], 1e-9);
            near(found.mean + half, &step["high"], 1e-9);
        }
    }
}

#[test]
fn a_mean_is_refuted_where_it_leaves_the_interval() {
    let log_ratios = [0.03, 0.06, 0.05, 0.04, 0.07, 0.05, 0.02, 0.06];
    let found = Rounds::new(&of(&log_ratios)).unwrap();
    for alpha in [0.05, 0.01, 0.002] {
        for increase in [0.0, 0.01, 0.02, 0.03, 0.04, 0.05] {
            let is_shown = found.p_slower(increase) <= alpha;
            assert_eq!(
                is_shown,
                found.lower_bound(alpha) >= increase,
                "{alpha} {increase}"
            );
        }
    }
    assert!((found.p_faster() - 1.0).abs() < 1e-12);
    let mirrored = Rounds::new(&of(&log_ratios.map(|it| -it))).unwrap();
    assert!((mirrored.p_faster() - found.p_slower(0.0)).abs() < 1e-12);
    assert!((mirrored.p() - found.p()).abs() < 1e-12);
}

#[test]
fn three_rounds_are_too_few_and_equal_ones_leave_no_doubt() {
    assert_eq!(Rounds::new(&of(&[0.1; 3])), None);
    assert_eq!(
        Rounds::new(&[(1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (0.0, 1.0)]),
        None
    );
    let same = Rounds::new(&of(&[0.0; 8])).unwrap();
    assert!((same.p_slower(0.0) - 1.0).abs() < 1e-12 && same.upper_bound(0.01) == 0.0);
    let slower = Rounds::new(&of(&[0.1_f64; 8])).unwrap();
    assert!(slower.p_slower(0.05) < 0.01, "{}", slower.p_slower(0.05));
    assert!((slower.lower_bound(0.01) - 0.1_f64.exp_m1()).abs() < 1e-9);
    // So few rounds refute nothing at this level.
    let four = Rounds::new(&of(&[0.1, 0.11, 0.09, 0.1])).unwrap();
    assert!(four.upper_bound(0.01).is_infinite());
}

#[test]
fn a_round_in_which_the_machine_stood_still_is_pulled_in_and_told() {
    let mut log_ratios = vec![0.01, -0.02, 0.0, 0.02, -0.01, 0.01, 0.0];
    log_ratios.insert(3, 0.9);
    let found = Rounds::new(&of(&log_ratios)).unwrap();
    assert_eq!(found.clipped, [4]);
    assert!(found.change() < 0.02 && found.plain_change() > 0.1);
    // Equal rounds say nothing of how far others may be.
    let found = Rounds::new(&of(&[0.0, 0.0, 0.0, 0.0, 0.3])).unwrap();
    assert!(found.clipped.is_empty() && found.spread() > 0.1);
}

#[test]
fn rounds_that_hang_together_are_told() {
    let drifting: Vec<f64> = (0..16).map(|it| 0.01 * f64::from(it)).collect();
    let found = Rounds::new(&of(&drifting)).unwrap();
    assert!(found.memory().is_some_and(|it| it > 0.5));
    let turning: Vec<f64> = (0..16)
        .map(|it| if it % 2 == 0 { 0.01 } else { -0.01 })
        .collect();
    assert_eq!(Rounds::new(&of(&turning)).unwrap().memory(), None);
    assert_eq!(Rounds::new(&of(&[0.0; 6])).unwrap().memory(), None);
}

/// What a gate with the default floor, margin, and level says of rounds as they come, and after how
/// many.
#[derive(Debug, PartialEq)]
enum Said {
    Slower,
    Unchanged,
    Nothing,
}

fn gate(mut round: impl FnMut() -> f64) -> (Said, usize) {
    let mut log_ratios = Vec::new();
    for n in 1..=40 {
        log_ratios.push(round());
        let Some(found) = Rounds::new(&of(&log_ratios)) else {
            continue;
        };
        if found.p_slower(0.0) <= 0.01 && found.change() >= 0.02 {
            return (Said::Slower, n);
        }
        if found.upper_bound(0.01) < 0.05 {
            return (Said::Unchanged, n);
        }
    }
    (Said::Nothing, 40)
}

/// Returns the shares of gates that say slower and unchanged, and the mean number of rounds.
fn gates(times: u32, mut round: impl FnMut() -> f64) -> (f64, f64, f64) {
    let (mut slower, mut unchanged, mut rounds) = (0, 0, 0);
    for _ in 0..times {
        let (said, n) = gate(&mut round);
        slower += u32::from(said == Said::Slower);
        unchanged += u32::from(said == Said::Unchanged);
        rounds += n;
    }
    let times = f64::from(times);
    (
        f64::from(slower) / times,
        f64::from(unchanged) / times,
        rounds as f64 / times,
    )
}

fn normal(dice: &mut Dice) -> f64 {
    normal_quantile(dice.share().max(1e-12))
}

/// The goals of the gate: of 5,000 unchanged releases at most 25 called slower, and +5 % found in
/// at least 99 %, in 12 rounds on average.
#[test]
fn unchanged_releases_pass_and_slower_ones_fail() {
    let mut dice = Dice::seeded(81);
    let (slower, unchanged, rounds) = gates(5000, || 0.03 * normal(&mut dice));
    assert!(slower <= 0.005 && unchanged > 0.98, "{slower} {unchanged}");
    assert!(rounds < 12.0, "{rounds}");
    let (slower, _, rounds) = gates(2000, || 1.05_f64.ln() + 0.03 * normal(&mut dice));
    assert!(slower >= 0.99 && rounds <= 12.0, "{slower} {rounds}");
}

/// statistics 8.3: a tenth of the slices hit by 25 % on average.
#[test]
fn rounds_that_were_hit_hide_nothing() {
    let mut dice = Dice::seeded(83);
    let slice = |dice: &mut Dice| {
        let own = 0.03 / 2.0_f64.sqrt() * normal(dice);
        let is_hit = dice.share() < 0.1;
        own + if is_hit {
            -0.25 * (1.0 - dice.share()).ln()
        } else {
            0.0
        }
    };
    let (slower, _, _) = gates(2000, || slice(&mut dice) - slice(&mut dice));
    assert!(slower <= 0.005, "{slower}");
    let (slower, _, rounds) = gates(2000, || 1.05_f64.ln() + slice(&mut dice) - slice(&mut dice));
    assert!(slower >= 0.95 && rounds <= 18.0, "{slower} {rounds}");
}

/// Of a round by itself, as in the table of statistics 8.1.
const PAIR_SD: f64 = 0.02;

/// What measuring adds to rounds.
struct World {
    dice: Dice,
    /// Of a process, drawn anew at every restart, as it shows in a pair.
    process: f64,
    /// How much slower the second slice of a round is than the first; alike from round to round by
    /// `memory`.
    drift: f64,
    memory: f64,
    now: f64,
}

impl World {
    /// One round: a restart at each switch, and the order by coin.
    fn round(&mut self) -> f64 {
        let dice = &mut self.dice;
        let own = PAIR_SD * normal(dice) + self.process * normal(dice);
        let step = (1.0 - self.memory * self.memory).sqrt() * normal(dice);
        self.now = self.memory * self.now + step;
        let head_is_second = dice.share() < 0.5;
        let drift = self.drift * self.now;
        own + if head_is_second { drift } else { -drift }
    }
}

/// statistics 8.1, 2,000 unchanged releases each: at most 0.5 % called slower with a restart at
/// every switch and an order by coin; and +5 % is found.
#[test]
fn restarts_and_coins_break_what_hangs_together() {
    for (seed, process, drift, memory) in [
        (1, 0.02, 0.0, 0.0),
        (2, 0.0, 0.02, 0.3),
        (3, 0.0, 0.02, 0.6),
        (4, 0.007, 0.02, 0.9),
    ] {
        let mut world = World {
            dice: Dice::seeded(seed),
            process,
            drift,
            memory,
            now: 0.0,
        };
        let (slower, _, _) = gates(2000, || world.round());
        assert!(slower <= 0.005, "{slower} with {process} {drift} {memory}");
        let (slower, _, rounds) = gates(500, || 1.05_f64.ln() + world.round());
        assert!(
            slower > 0.98 && rounds < 12.0,
            "{slower} in {rounds} with {memory}"
        );
    }
}

#[test]
fn how_many_rounds_it_takes_depends_on_how_far_they_are_apart() {
    let needed = |spread: f64| {
        let log_ratios = [spread, -spread, spread, -spread, spread, -spread, 0.0, 0.0];
        let found = Rounds::new(&of(&log_ratios)).unwrap();
        (found.spread(), found.rounds_needed(0.05, 0.01, 40))
    };
    let (spread, few) = needed(0.01);
    assert!((spread - 0.01).abs() < 1e-3, "{spread}");
    assert_eq!(few, Some(6));
    assert!(needed(0.03).1.is_some_and(|it| (8..=14).contains(&it)));
    assert_eq!(needed(0.2).1, None);
}

#[test]
fn fewer_rounds_than_the_level_takes_refute_nothing() {
    for (alpha, least) in [(0.2, 4), (0.05, 4), (0.01, 6), (0.001, 7)] {
        assert_eq!(least_rounds(alpha), least, "{alpha}");
        // However clear they are.
        let clear = Rounds::new(&of(&vec![0.5; least])).unwrap();
        assert!(clear.p_slower(0.0) <= alpha);
        let one_fewer = After::of(&vec![0.5; least - 1], WIDENING);
        assert!(least == MIN_ROUNDS || one_fewer.half(2.0 * alpha).is_infinite());
    }
}
