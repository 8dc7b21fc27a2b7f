//! What must hold of estimates, intervals, and tests whatever the numbers are: symmetry, order, and
//! bounds.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::cluster::batch_mean;
use super::plan::clusters_needed;
use super::proportion::wilson;
use super::special::{binomial_cdf, normal_cdf, student_t_cdf};
use super::*;
use crate::measure::Histogram;

const SMALL: f64 = 1e-9;

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= SMALL * (1.0 + one.abs())
}

fn flips() -> impl Strategy<Value = Flips> {
    (0..400_u64, 0..400_u64, 0..400_u64).prop_map(|(won, lost, same)| Flips {
        n: won + lost + same,
        won,
        lost,
    })
}

fn turned(flips: Flips) -> Flips {
    Flips {
        n: flips.n,
        won: flips.lost,
        lost: flips.won,
    }
}

proptest! {
    #[test]
    fn flips_seen_from_the_other_release_say_the_opposite(flips in flips(), alpha in 0.001..0.4_f64) {
        let other = turned(flips);
        prop_assert!(near(flips.estimate(), -other.estimate()));
        prop_assert!(near(flips.p_worse(), other.p_better()));
        prop_assert!(near(flips.p(), other.p()));
        prop_assert!(near(flips.lower_bound(alpha), -other.upper_bound(alpha)));
        prop_assert!(near(flips.p_worse() + flips.p_better(), 1.0));
    }

    #[test]
    fn the_bounds_of_flips_hold_their_estimate_and_close_in(flips in flips(), alpha in 0.001..0.2_f64) {
        let (low, high) = (flips.lower_bound(alpha), flips.upper_bound(alpha));
        prop_assert!((-1.0..=1.0).contains(&low) && (-1.0..=1.0).contains(&high));
        prop_assert!(low <= flips.estimate() + SMALL && flips.estimate() <= high + SMALL);
        prop_assert!(flips.lower_bound(2.0 * alpha) >= low - SMALL);
        prop_assert!(flips.upper_bound(2.0 * alpha) <= high + SMALL);
        let interval = flips.interval(1.0 - 2.0 * alpha);
        prop_assert!(near(interval.low, low) && near(interval.high, high));
    }

    #[test]
    fn one_more_case_that_is_lost_never_looks_better(flips in flips(), alpha in 0.01..0.1_f64) {
        let worse = Flips { n: flips.n + 1, lost: flips.lost + 1, ..flips };
        prop_assert!(worse.p_worse() <= flips.p_worse() + SMALL);
        prop_assert!(worse.estimate() <= flips.estimate() + SMALL);
        prop_assert!(worse.lower_bound(alpha) <= flips.lower_bound(alpha).max(-worse.estimate()) + SMALL);
    }

    #[test]
    fn a_wider_margin_is_kept_sooner_and_what_is_kept_is_within_its_bound(
        flips in flips(), margin in 0.001..0.5_f64, alpha in 0.01..0.1_f64,
    ) {
        if flips.keeps(margin, alpha) {
            prop_assert!(flips.keeps((1.5 * margin).min(0.99), alpha));
            prop_assert!(flips.lower_bound(alpha) > -margin - SMALL);
            prop_assert!(least_cases(margin, alpha).is_some_and(|least| flips.n >= least));
        }
        prop_assert!(!flips.keeps(0.0, alpha));
    }

    #[test]
    fn wilson_holds_its_share_and_mirrors_itself(hits in 0..500_u64, more in 0..500_u64, confidence in 0.5..0.999_f64) {
        let (hits, n) = (hits as f64, (hits + more) as f64);
        let found = wilson(hits, n, confidence);
        prop_assert!(0.0 <= found.low && found.low <= found.high && found.high <= 1.0);
        let mirror = wilson(n - hits, n, confidence);
        prop_assert!(near(found.low, 1.0 - mirror.high) && near(found.high, 1.0 - mirror.low));
        if n > 0.0 {
            prop_assert!(found.low <= hits / n + SMALL && hits / n <= found.high + SMALL);
            let larger = wilson(4.0 * hits, 4.0 * n, confidence);
            prop_assert!(larger.high - larger.low <= found.high - found.low);
        }
    }

    #[test]
    fn a_difference_of_shares_turned_round_is_its_opposite(
        a in 0..50_u64, b in 1..50_u64, c in 0..50_u64, d in 1..50_u64,
    ) {
        let (first, second) = ((a as f64, (a + b) as f64), (c as f64, (c + d) as f64));
        let found = newcombe(first, second, 0.95);
        let back = newcombe(second, first, 0.95);
        prop_assert!(near(found.low, -back.high) && near(found.high, -back.low));
        let change = second.0 / second.1 - first.0 / first.1;
        prop_assert!(found.low <= change && change <= found.high);
        prop_assert!(found.low >= -1.0 - SMALL && found.high <= 1.0 + SMALL);
    }

    #[test]
    fn a_share_is_shown_on_the_side_that_it_is_on(hits in 0..200_u64, more in 0..200_u64, limit in 0.01..0.99_f64, alpha in 0.001..0.4_f64) {
        let n = hits + more;
        let share = hits as f64 / n.max(1) as f64;
        match side_of(hits, n, limit, alpha) {
            Some(Ordering::Greater) => prop_assert!(share > limit),
            Some(Ordering::Less) => prop_assert!(share < limit),
            Some(Ordering::Equal) => prop_assert!(false),
            None => prop_assert!(n < 2_000),
        }
        prop_assert_eq!(side_of(0, 0, limit, alpha), None);
    }

    #[test]
    fn a_pass_rate_depends_on_no_order_and_no_label(answers in proptest::collection::vec((0..9_u32, any::<bool>()), 1..60)) {
        let found = pass_rate(answers.iter().copied(), 0.95).unwrap();
        let turned = pass_rate(answers.iter().rev().copied(), 0.95).unwrap();
        let renamed = pass_rate(answers.iter().map(|(it, ok)| (format!("case {}", 9 - it), *ok)), 0.95).unwrap();
        for other in [turned, renamed] {
            prop_assert!(near(found.value, other.value));
            prop_assert!(near(found.interval.low, other.interval.low));
            prop_assert!(near(found.interval.high, other.interval.high));
        }
        prop_assert!(found.interval.low <= found.value && found.value <= found.interval.high);
        prop_assert!(found.effective_n <= answers.len() as f64 + SMALL);
        let scores = answers.iter().map(|(it, ok)| (*it, f64::from(u8::from(*ok))));
        let score = mean_score(scores, 0.95).unwrap();
        prop_assert!(near(score.value, found.value) && near(score.interval.low, found.interval.low));
    }

    #[test]
    fn a_mean_score_stays_between_0_and_1(scores in proptest::collection::vec((0..9_u32, 0.0..=1.0_f64), 1..40)) {
        let found = mean_score(scores.iter().copied(), 0.95).unwrap();
        let (low, high) = (found.interval.low, found.interval.high);
        prop_assert!(0.0 <= low && low <= found.value + SMALL && found.value <= high + SMALL && high <= 1.0);
        // What is repeated in every case says nothing new.
        let twice = scores.iter().chain(&scores).copied();
        let twice = mean_score(twice, 0.95).unwrap();
        prop_assert!(near(twice.value, found.value));
    }

    #[test]
    fn a_difference_turned_round_is_its_opposite(changes in proptest::collection::vec((0..20_u32, -1.0..=1.0_f64), 2..60), alpha in 0.01..0.2_f64) {
        let found = clustered_difference(changes.iter().copied()).unwrap();
        let other = clustered_difference(changes.iter().map(|(it, d)| (*it, -d))).unwrap();
        prop_assert!(near(found.estimate, -other.estimate));
        prop_assert!(near(found.p_worse(), other.p_better()));
        prop_assert!(near(found.p(), other.p()));
        let (one, two) = (found.interval(0.95), other.interval(0.95));
        prop_assert!(near(one.low, -two.high) && near(one.high, -two.low));
        prop_assert!(found.upper_bound(alpha) >= found.estimate - SMALL);
        prop_assert!(found.upper_bound(alpha) <= 1.0 && found.lower_bound(alpha) >= -1.0);
        if found.keeps(0.1, alpha) {
            prop_assert!(found.keeps(0.2, alpha) && found.lower_bound(alpha) > -0.1);
        }
    }

    #[test]
    fn a_change_of_means_is_the_same_in_any_order(before in proptest::collection::vec((0..6_u32, 0.0..=1.0_f64), 1..30), after in proptest::collection::vec((0..6_u32, 0.0..=1.0_f64), 1..30)) {
        let after = after.iter().map(|(key, value)| (*key, *key % 3, *value));
        let found = change_of_means(before.iter().copied(), after.clone());
        let turned = change_of_means(before.iter().rev().copied(), after.rev());
        prop_assert_eq!(found.is_some(), turned.is_some());
        if let Some((found, turned)) = found.zip(turned) {
            prop_assert!(near(found.estimate, turned.estimate));
            prop_assert_eq!((found.n, found.clusters), (turned.n, turned.clusters));
            prop_assert!(near(found.p_worse(), turned.p_worse()));
        }
    }

    /// Also of margins that nobody can show, for which a search once went on for ever.
    #[test]
    fn a_plan_ends_and_takes_more_for_a_smaller_margin(
        power in -18.0..-0.01_f64, flipped in 0.0..=1.0_f64, variance in 0.0..1.0_f64, alpha in 0.001..0.5_f64,
    ) {
        let margin = 10_f64.powf(power);
        let least = least_cases(margin, alpha).unwrap();
        prop_assert!(least >= 1);
        let cases = cases_needed(flipped, margin, alpha).unwrap();
        prop_assert!(cases >= least);
        prop_assert!(cases_needed(flipped, margin / 2.0, alpha).unwrap() >= cases);
        let clusters = clusters_needed(variance, margin, alpha);
        prop_assert!(clusters.is_none_or(|it| it >= least));
        if let Some((wide, narrow)) = clusters.zip(clusters_needed(variance, margin / 2.0, alpha)) {
            prop_assert!(narrow >= wide);
        }
        prop_assert!(clusters.is_some() || margin < 1e-8);
        prop_assert_eq!(clusters_needed(f64::NAN, margin, alpha), None);
    }

    #[test]
    fn a_line_moves_with_its_points(points in proptest::collection::vec((-50.0..50.0_f64, -50.0..50.0_f64), 3..20), slope in -5.0..5.0_f64, up in -50.0..50.0_f64) {
        let spread = points.iter().map(|it| it.0).fold(f64::MIN, f64::max) - points.iter().map(|it| it.0).fold(f64::MAX, f64::min);
        prop_assume!(spread > 1.0);
        let found = line(&points).unwrap();
        let moved: Vec<(f64, f64)> = points.iter().map(|(x, y)| (*x, y + slope * x + up)).collect();
        let moved = line(&moved).unwrap();
        prop_assert!((moved.slope - found.slope - slope).abs() < 1e-6);
        prop_assert!((moved.at_zero - found.at_zero - up).abs() < 1e-6);
        prop_assert!((moved.error - found.error).abs() < 1e-6);
    }

    #[test]
    fn quantiles_undo_their_distributions(p in 0.0001..0.9999_f64, df in 1.0..200.0_f64) {
        prop_assert!((normal_cdf(normal_quantile(p)) - p).abs() < 1e-12);
        prop_assert!((student_t_cdf(student_t_quantile(p, df), df) - p).abs() < 1e-9);
        prop_assert!(near(student_t_quantile(p, df), -student_t_quantile(1.0 - p, df)));
        // Fewer degrees of freedom have heavier tails.
        prop_assert!(p < 0.5 || student_t_quantile(p, df) >= normal_quantile(p) - SMALL);
    }

    #[test]
    fn the_binomial_grows_to_1_and_mirrors_itself(n in 1..300_u64, k in 0..300_u64, p in 0.01..0.99_f64) {
        let k = k % n;
        prop_assert!(binomial_cdf(k, n, p) <= binomial_cdf(k + 1, n, p) + SMALL);
        prop_assert!(near(binomial_cdf(n, n, p), 1.0));
        let at_least = 1.0 - binomial_cdf(k, n, p);
        prop_assert!((at_least - binomial_cdf(n - k - 1, n, 1.0 - p)).abs() < 1e-9);
    }

    #[test]
    fn any_series_is_steady_from_somewhere_in_its_first_half_or_never(series in proptest::collection::vec(-1e6..1e6_f64, 0..80), least in 0.0..10.0_f64) {
        match steady(&series, least) {
            Some(Steady::From(cut)) => prop_assert!(cut <= series.len() / 2),
            Some(Steady::Never) => prop_assert!(series.len() >= 10),
            None => prop_assert!(series.len() < 10),
        }
        let level = vec![series.first().copied().unwrap_or(1.0); series.len().max(10)];
        prop_assert_eq!(steady(&level, least), Some(Steady::From(0)));
    }

    #[test]
    fn a_percentile_lies_in_its_interval(times in proptest::collection::vec(1..2_000_000_u64, 1..400), parts in 1..30_usize, share in 0.05..0.95_f64) {
        let mut whole = Histogram::default();
        let mut intervals = vec![Histogram::default(); parts];
        for (at, us) in times.iter().enumerate() {
            whole.record_us(*us);
            intervals[at * parts / times.len()].record_us(*us);
        }
        for intervals in [&[][..], &intervals] {
            let found = quantile_interval(&whole, intervals, share, 0.95).unwrap();
            prop_assert!(found.low.is_none_or(|low| low <= found.value));
            prop_assert!(found.high.is_none_or(|high| found.value <= high));
            prop_assert!(!found.too_short || (found.low.is_none() && found.high.is_none()));
            let ratio = mover_log_ratio(found, found);
            prop_assert!(ratio.is_none_or(|it| it.low <= 0.0 && it.high >= 0.0 && near(it.low, -it.high)));
        }
    }

    #[test]
    fn the_error_of_a_mean_is_at_least_that_of_independent_answers(means in proptest::collection::vec((1..50_u64, 1.0..100.0_f64, 0.0..50.0_f64), 0..40)) {
        let batches: Vec<Batch> = means.iter().map(|(count, mean, variance)| Batch { count: *count, mean: *mean, variance: *variance }).collect();
        let Some(found) = mean_error(&batches, 0.95) else { return Ok(()) };
        prop_assert!(batches.len() >= 5);
        let n: f64 = batches.iter().map(|it| it.count as f64).sum();
        let within: f64 = batches.iter().map(|it| it.count as f64 * it.variance).sum();
        prop_assert!(found.error >= within.sqrt() / n - SMALL || found.df < 20.0);
        prop_assert!(found.error.is_finite() && found.df >= 1.0);
    }

    #[test]
    fn a_share_with_memory_is_a_share(counts in proptest::collection::vec((1..50_u64, 0.0..=1.0_f64), 0..40), allowed in 0.0..=1.0_f64) {
        let counts: Vec<(u64, u64)> = counts.iter().map(|(n, share)| (*n, (*n as f64 * share) as u64)).collect();
        let n = counts.iter().map(|it| it.0).sum();
        let above = counts.iter().map(|it| it.1).sum();
        let found = share_with_memory(&counts, &counts, (above, n), allowed);
        prop_assert_eq!(found.is_some(), counts.len() >= 5);
        if let Some((share, half)) = found {
            prop_assert!(share > 0.0 && share < 1.0 && half >= 0.0 && half.is_finite());
        }
        prop_assert_eq!(share_with_memory(&[(0, 0); 9], &[], (0, 0), allowed), None);
    }

    #[test]
    fn equal_batches_have_the_plain_error_of_their_means(means in proptest::collection::vec(-9.0..9.0_f64, 2..30), count in 1..40_u64) {
        let batches: Vec<(u64, f64)> = means.iter().map(|mean| (count, *mean)).collect();
        let (mean, error) = batch_mean(&batches).unwrap();
        let j = means.len() as f64;
        let plain = means.iter().sum::<f64>() / j;
        let square: f64 = means.iter().map(|it| (it - plain).powi(2)).sum::<f64>() / (j - 1.0);
        prop_assert!(near(mean, plain) && near(error, (square / j).sqrt()));
        let with_empty: Vec<(u64, f64)> = batches.iter().copied().chain([(0, 1e9)]).collect();
        prop_assert_eq!(batch_mean(&with_empty), Some((mean, error)));
    }
}

#[test]
fn no_case_says_nothing() {
    let none = Flips {
        n: 0,
        won: 0,
        lost: 0,
    };
    assert_eq!((none.estimate(), none.share_flipped()), (0.0, 0.0));
    assert!(near(none.p_worse(), 0.5) && near(none.p(), 1.0));
    assert_eq!(
        (none.lower_bound(0.05), none.upper_bound(0.05)),
        (-1.0, 1.0)
    );
    assert!(pass_rate::<u8>([], 0.95).is_none());
    assert!(mean_score::<u8>([], 0.95).is_none());
    assert!(clustered_difference::<u8>([]).is_none());
    assert!(quantile_interval(&Histogram::default(), &[], 0.5, 0.95).is_none());
    assert!(mean_error(&[], 0.95).is_none());
}

#[test]
fn an_interval_is_cut_and_never_turned_round() {
    let interval = Interval::around(0.9, 0.3);
    assert!(near(interval.low, 0.6) && near(interval.high, 1.2));
    let cut = interval.within(0.0, 1.0);
    assert_eq!((cut.low, cut.high), (interval.low, 1.0));
    let outside = interval.within(0.0, 0.1);
    assert_eq!((outside.low, outside.high), (0.1, 0.1));
}
