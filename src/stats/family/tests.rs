//! The family against full enumeration, and by simulation.

use super::*;
use crate::stats::flips::Flips;
use crate::stats::paired::clustered_difference;
use crate::stats::vectors::Dice;

const ALPHA: f64 = 0.05;

/// Comparisons of single answers, given as (case, change).
fn flips(changes: &[(u32, f64)]) -> Signs {
    Signs::of_flips(changes.iter().map(|(number, change)| Cluster {
        number: *number,
        cases: 1.0,
        change: *change,
    }))
}

/// Groups, given as (group, cases, sum of their changes).
fn groups(of: &[(u32, u32, f64)]) -> Signs {
    let clusters: Vec<Cluster> = of
        .iter()
        .map(|(number, cases, change)| Cluster {
            number: *number,
            cases: f64::from(*cases),
            change: *change,
        })
        .collect();
    let observations = of.iter().flat_map(|(number, cases, change)| {
        (0..*cases).map(move |_| (*number, change / f64::from(*cases)))
    });
    let difference = clustered_difference(observations).unwrap();
    Signs::of_clusters(&clusters, difference.degrees())
}

/// The adjusted p by all sign patterns instead of draws.
fn enumerated(family: &[(usize, &Signs)], clusters: u32) -> Vec<f64> {
    let nulls = Nulls::new(family);
    let observed = nulls.p_values(&[0]);
    let mut order: Vec<usize> = (0..family.len()).collect();
    order.sort_by(|a, b| observed[*a].total_cmp(&observed[*b]));
    let all: Vec<Vec<f64>> = (0..1_u64 << clusters)
        .map(|bits| nulls.p_values(&[bits]))
        .collect();
    let mut found = vec![0.0; family.len()];
    let mut worst: f64 = 0.0;
    for (step, at) in order.iter().enumerate() {
        let weight = |drawn: &Vec<f64>| {
            let least = order[step..].iter().map(|it| drawn[*it]);
            let off = least.fold(f64::INFINITY, f64::min) - observed[*at];
            if off.abs() <= TIE {
                0.5
            } else {
                f64::from(u8::from(off < 0.0))
            }
        };
        let share = all.iter().map(weight).sum::<f64>() / all.len() as f64;
        worst = worst.max(share);
        found[*at] = worst;
    }
    found
}

fn p(family: &[(usize, &Signs)]) -> Vec<f64> {
    step_down(family, ALPHA).iter().map(|it| it.p).collect()
}

/// By fewer draws, for simulations.
fn p_by_fewer(family: &[(usize, &Signs)]) -> Vec<f64> {
    let adjusted = step_down_by(500, family, ALPHA);
    adjusted.iter().map(|it| it.p).collect()
}

#[test]
fn all_mid_p_at_once_are_those_of_the_flips_one_by_one() {
    for flipped in [0, 1, 2, 9, 60, 999] {
        let table = worse_by_flips(flipped);
        assert_eq!(table.len() as u64, flipped + 1);
        for (lost, found) in (0..).zip(table) {
            let expected = Flips {
                n: flipped,
                won: flipped - lost,
                lost,
            }
            .p_worse();
            let off = (found - expected).abs();
            assert!(off <= 1e-10 * expected.max(1e-3), "{lost} of {flipped}");
        }
    }
    // As many as no factor from one end to the other could be held by a double.
    let table = worse_by_flips(100_000);
    assert!((table[50_000] - 0.5).abs() < 1e-9 && table[100_000] == 0.0);
}

#[test]
fn draws_agree_with_all_sign_patterns() {
    let whole = flips(&[
        (0, -1.0),
        (1, -1.0),
        (2, -1.0),
        (3, -1.0),
        (4, 1.0),
        (5, -1.0),
        (6, -1.0),
    ]);
    let slice = flips(&[
        (0, -1.0),
        (1, -1.0),
        (2, -1.0),
        (3, -1.0),
        (5, -1.0),
        (6, -1.0),
    ]);
    let other = flips(&[(4, 1.0), (7, 1.0), (8, -1.0), (13, -1.0), (14, -1.0)]);
    let grouped = groups(&[
        (0, 3, -2.0),
        (1, 1, -1.0),
        (2, 4, 0.0),
        (3, 2, -0.5),
        (4, 2, 1.0),
        (5, 6, -3.0),
        (9, 1, 0.0),
        (10, 2, -1.0),
        (11, 3, 0.5),
        (12, 1, -1.0),
    ]);
    let family = [(0, &whole), (0, &slice), (0, &other), (0, &grouped)];
    let (found, expected) = (p(&family), enumerated(&family, 14));
    for (found, expected) in found.iter().zip(&expected) {
        // Four standard errors of 5,000 draws.
        let error = 4.0 * (expected * (1.0 - expected) / 5_000.0).sqrt() + 2.0 / 5_000.0;
        assert!((found - expected).abs() < error, "{found} {expected}");
    }
    // Of few clusters nothing is left to chance.
    let few = [(0, &whole), (0, &slice)];
    for (found, expected) in p(&few).iter().zip(enumerated(&few, 7)) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    // Clusters of another suite are others, whatever their numbers.
    let apart = [(0, &whole), (1, &slice)];
    assert_ne!(p(&apart), p(&[(0, &whole), (0, &slice)]));
}

#[test]
fn neither_order_nor_repetition_changes_what_is_found() {
    let one = flips(&[
        (0, -1.0),
        (1, -1.0),
        (2, -1.0),
        (3, -1.0),
        (4, -1.0),
        (5, -1.0),
    ]);
    let other = flips(&[(6, -1.0), (7, 1.0), (8, -1.0)]);
    let forth = p(&[(0, &one), (0, &other)]);
    assert_eq!(forth, p(&[(0, &one), (0, &other)]));
    let mut back = p(&[(0, &other), (0, &one)]);
    back.reverse();
    for (forth, back) in forth.iter().zip(back) {
        assert!((forth - back).abs() < 0.03, "{forth} {back}");
    }
    // The same comparison twice costs nothing: it errs together with itself.
    let alone = p(&[(0, &one)])[0];
    let twice = p(&[(0, &one), (0, &one)]);
    assert!(
        twice.iter().all(|p| (p - alone).abs() < 1e-12),
        "{twice:?} {alone}"
    );
}

#[test]
fn nothing_that_changed_and_nothing_at_all_are_no_evidence() {
    assert!(step_down(&[], ALPHA).is_empty());
    let still = flips(&[(0, 0.0), (1, 0.0)]);
    assert_eq!(p(&[(0, &still), (0, &still)]), [0.5, 0.5]);
}

#[test]
fn what_is_called_worse_is_so_at_its_own_level_too() {
    let mut dice = Dice::seeded(4);
    for _ in 0..20 {
        let suite = sliced(&mut dice, 8, 20, 0.1, 0.3);
        let family: Vec<_> = suite.iter().map(|it| (0, it)).collect();
        let raw = Nulls::new(&family).p_values(&[0; 16]);
        for (adjusted, raw) in step_down(&family, ALPHA).iter().zip(raw) {
            assert!(adjusted.p > 0.9 * raw - 0.005, "{raw} {adjusted:?}");
            if adjusted.p <= ALPHA {
                assert!(raw <= adjusted.level, "{raw} {adjusted:?}");
            }
        }
    }
}

/// The whole and its slices of `size` cases, of which a share flips either way; the first slice
/// loses a share besides.
fn sliced(dice: &mut Dice, slices: u32, size: u32, flip: f64, loss: f64) -> Vec<Signs> {
    let mut all: Vec<Vec<(u32, f64)>> = vec![Vec::new(); 1 + slices as usize];
    for case in 0..slices * size {
        let slice = case / size;
        let (draw, loss) = (dice.share(), if slice == 0 { loss } else { 0.0 });
        let change = if draw < loss + flip / 2.0 {
            -1.0
        } else {
            f64::from(u8::from(draw < loss + flip))
        };
        all[0].push((case, change));
        all[1 + slice as usize].push((case, change));
    }
    all.iter().map(|it| flips(it)).collect()
}

/// statistics 7.2: nothing changed, and one of eight slices of 20 cases lost 40 %.
#[test]
fn the_family_keeps_its_level_and_finds_a_slice_that_broke() {
    let mut dice = Dice::seeded(72);
    let runs = 300;
    let mut share = |loss: f64, which: fn(&[f64]) -> bool| {
        let hit = (0..runs).filter(|_| {
            let suite = sliced(&mut dice, 8, 20, 0.1, loss);
            let family: Vec<_> = suite.iter().map(|it| (0, it)).collect();
            which(&p_by_fewer(&family))
        });
        hit.count() as f64 / f64::from(runs)
    };
    let false_alarms = share(0.0, |p| p.iter().any(|p| *p <= ALPHA));
    let found = share(0.4, |p| p[1] <= ALPHA);
    assert!(false_alarms <= 0.05 + 2.0 * 0.0126, "{false_alarms}");
    assert!(found >= 0.6, "{found}");
}

/// statistics 8.7: a whole gate of three suites of eight slices each, nothing changed.
#[test]
fn a_gate_of_three_suites_keeps_its_level() {
    let mut dice = Dice::seeded(87);
    let runs = 150;
    let failed = (0..runs).filter(|_| {
        let suites: Vec<_> = (0..3).map(|_| sliced(&mut dice, 8, 20, 0.1, 0.0)).collect();
        let family: Vec<_> = suites
            .iter()
            .enumerate()
            .flat_map(|(at, suite)| suite.iter().map(move |it| (at, it)))
            .collect();
        p_by_fewer(&family).iter().any(|p| *p <= ALPHA)
    });
    let share = failed.count() as f64 / f64::from(runs);
    assert!(share <= 0.05 + 2.0 * 0.0178, "{share}");
}
