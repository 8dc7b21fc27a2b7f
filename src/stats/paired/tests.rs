//! Reference values of the clustered difference, and how often it errs.

use super::*;
use crate::stats::vectors::{self, Dice, near, numbers};

fn close(found: f64, expected: f64) {
    let off = (found - expected).abs();
    assert!(off < 1e-6, "found {found}, expected {expected}");
}

#[test]
fn a_change_of_means_counts_each_key_of_both_sides_once() {
    let before = [("a", 1.0), ("a", 1.0), ("b", 1.0), ("gone", 0.0)];
    let after = [
        ("a", 0, 1.0),
        ("a", 0, 0.0),
        ("b", 1, 0.0),
        ("new", 2, 0.0),
        ("a", 0, 0.0),
        ("a", 0, 0.0),
    ];
    let found = change_of_means(before, after).unwrap();
    let expected = clustered_difference([(0, -0.75), (1, -1.0)]).unwrap();
    assert_eq!(found, expected);
    assert_eq!((found.n, found.clusters), (2, 2));
    close(found.estimate, -0.875);
    assert_eq!(change_of_means([("a", 1.0)], [("b", 0, 1.0)]), None);
}

#[test]
fn the_paired_t_matches_the_reference() {
    let vector = vectors::statistics("paired_sleep");
    let (a, b) = (&vector["inputs"]["a"], &vector["inputs"]["b"]);
    let differences = numbers(a).into_iter().zip(numbers(b)).map(|(a, b)| a - b);
    let found = clustered_difference(differences.enumerate()).unwrap();
    let expected = &vector["expected"];
    near(found.estimate, &expected["delta"], 1e-9);
    near(found.se.unwrap(), &expected["se"], 1e-9);
    near(found.p(), &expected["p_two_sided"], 1e-9);
    let half = found.quantile(0.975) * found.se.unwrap();
    near(found.estimate - half, &expected["low"], 1e-9);
    near(found.estimate + half, &expected["high"], 1e-9);
}

#[test]
fn the_clustered_t_matches_the_reference() {
    let vector = vectors::statistics("paired_pc1");
    let inputs = &vector["inputs"];
    let differences = numbers(&inputs["a"])
        .into_iter()
        .zip(numbers(&inputs["b"]))
        .map(|(a, b)| a - b);
    let clusters = numbers(&inputs["clusters"]).into_iter().map(|c| c as u64);
    let found = clustered_difference(clusters.zip(differences)).unwrap();
    let expected = &vector["expected"];
    near(found.se.unwrap(), &expected["se"], 1e-9);
    near(found.p(), &expected["p_two_sided"], 1e-9);
    near(found.interval(0.95).low, &expected["low"], 1e-9);
    near(found.interval(0.95).high, &expected["high"], 1e-9);
    close(found.degrees, 3.0);
}

/// Of each cluster (size, share that was lost whole, from the front) the differences of its cases.
fn groups(
    sizes: impl IntoIterator<Item = usize>,
    change: impl Fn(usize) -> f64,
) -> Vec<(usize, f64)> {
    let cases = sizes
        .into_iter()
        .enumerate()
        .flat_map(|(group, size)| vec![group; size]);
    cases
        .enumerate()
        .map(|(case, group)| (group, change(case)))
        .collect()
}

/// statistics 7.3
#[test]
fn groups_have_the_published_bounds() {
    let lost = |to: usize| move |case: usize| if case < to { -1.0 } else { 0.0 };
    let found = clustered_difference(groups([10; 60], lost(20))).unwrap();
    close(found.interval(0.9).low, -0.072_386_2);
    close(found.upper_bound(0.05), 0.005_719_5);
    close(found.lower_bound(0.05), -0.086_164_3);
    close(
        found.guarded.mean + found.quantile(0.95) * found.guarded.se,
        0.021_648_2,
    );

    let sizes = std::iter::once(100).chain([5; 19]);
    let change = |case: usize| match case {
        0..30 => -1.0,
        100..110 => 1.0,
        _ => 0.0,
    };
    let found = clustered_difference(groups(sizes, change)).unwrap();
    close(found.se.unwrap(), 0.112_237_8);
    close(found.degrees, 2.630_071_6);
    close(found.interval(0.9).low, -0.382_556_8);
    close(found.upper_bound(0.05), 0.177_428_6);
}

#[test]
fn nothing_changed_is_no_proof_in_few_clusters() {
    let unchanged = |n: usize| clustered_difference((0..n).map(|i| (i, 0.0))).unwrap();
    assert!(unchanged(3).lower_bound(0.05) < -0.4);
    assert!(unchanged(3).interval(0.95).low < -0.4);
    assert!(!unchanged(58).keeps(0.05, 0.05) && unchanged(59).keeps(0.05, 0.05));
    close(unchanged(3).p(), 1.0);
    assert_eq!(clustered_difference(Vec::<(u8, f64)>::new()), None);
    let one = clustered_difference([("a", -1.0), ("a", -1.0)]).unwrap();
    close(one.upper_bound(0.05), 1.0);
    close(one.p_worse(), 0.5);
    let all = clustered_difference((0..12).map(|i| (i, -1.0))).unwrap();
    close(all.upper_bound(0.05), -1.0);
    close(all.p_worse(), 0.0);
}

/// Which of the simulated suites `wrong` holds for, as a share.
fn share(runs: usize, mut wrong: impl FnMut() -> bool) -> f64 {
    (0..runs).filter(|_| wrong()).count() as f64 / runs as f64
}

/// The differences of a suite whose groups are lost whole with a chance of `lost`, and won whole
/// with one of `won`.
fn whole_groups(dice: &mut Dice, sizes: &[usize], lost: f64, won: f64) -> Vec<(usize, f64)> {
    let one = |(group, size): (usize, &usize)| {
        let at = dice.share();
        let change = if at < lost {
            -1.0
        } else if at < lost + won {
            1.0
        } else {
            0.0
        };
        vec![(group, change); *size]
    };
    sizes.iter().enumerate().flat_map(one).collect()
}

/// statistics 4: at a true drop of exactly 5 % in whole groups it is kept at most as often as
/// agreed, and a little more.
#[test]
fn a_drop_of_the_margin_in_whole_groups_is_hardly_ever_kept() {
    let mut dice = Dice::seeded(4);
    for (groups, size) in [(10, 20), (20, 10), (40, 10), (60, 10), (100, 5), (200, 5)] {
        let sizes = vec![size; groups];
        let kept = share(1000, || {
            let suite = whole_groups(&mut dice, &sizes, 0.05, 0.0);
            clustered_difference(suite).unwrap().keeps(0.05, 0.05)
        });
        assert!(kept <= 0.07, "{groups} groups of {size}: kept in {kept}");
    }
}

/// statistics 12: unchanged releases whose groups flip whole, one of them much larger than the
/// rest.
#[test]
fn one_large_group_raises_no_more_false_alarms_than_agreed() {
    let mut dice = Dice::seeded(12);
    let with_one = |large: usize, rest: usize, size: usize| {
        let mut sizes = vec![size; rest];
        sizes.push(large);
        sizes
    };
    for sizes in [with_one(150, 25, 2), with_one(100, 19, 5)] {
        let alarms = share(1500, || {
            let suite = whole_groups(&mut dice, &sizes, 0.15, 0.15);
            clustered_difference(suite).unwrap().upper_bound(0.05) < 0.0
        });
        assert!(alarms <= 0.07, "{sizes:?}: called worse in {alarms}");
    }
}

/// The differences of cases that pass with chances of their own, averaged over repeats; the head's
/// are lower by `drop`.
fn repeated(dice: &mut Dice, cases: usize, repeats: u32, drop: f64) -> Vec<(usize, f64)> {
    let one = |case| {
        let p = 0.9 + 0.1 * dice.share();
        let mut rate = |p: f64| {
            let passed = (0..repeats).filter(|_| dice.share() < p).count();
            passed as f64 / f64::from(repeats)
        };
        let base = rate(p);
        (case, rate(p - drop) - base)
    };
    (0..cases).map(one).collect()
}

/// statistics 13: 50 cases of 10 repeats find a drop of 5 points that the added cases used to hide.
#[test]
fn repeats_find_a_drop_and_raise_no_false_alarms() {
    let mut dice = Dice::seeded(13);
    let mut worse = |drop: f64| {
        share(400, || {
            let suite = repeated(&mut dice, 50, 10, drop);
            clustered_difference(suite).unwrap().upper_bound(0.05) < 0.0
        })
    };
    let (unchanged, dropped) = (worse(0.0), worse(0.05));
    assert!(unchanged <= 0.07, "unchanged: {unchanged}");
    assert!(dropped >= 0.8, "a drop of 5 points: found in {dropped}");
}
