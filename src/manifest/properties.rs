//! What must hold of manifests whatever stands in them: what is wrong is told where it stands,
//! shares are shares, and calls lead where they lead.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::key::key_at;
use super::span::line_of;
use super::table::mix::{Scenario, ShareOfArrivals};
use super::table::prompts::Tokens;
use super::table::sends::Sends;
use super::testing::{CONTRACT, SMALL, parse, with};
use super::topology::Topology;
use crate::error::Classify;
use crate::name::Name;

/// The places and messages of what is wrong with a text.
fn faults(text: &str) -> Vec<(u64, String)> {
    let Err(error) = parse(text) else {
        return Vec::new();
    };
    let faults = error.faults().into_iter();
    faults
        .map(|it| (it.line.unwrap_or(0), it.message))
        .collect()
}

#[test]
fn a_setting_takes_the_place_of_what_is_written_and_the_last_one_counts() {
    let duration = |settings: &[(&str, &str)]| {
        let manifest = with(settings).unwrap();
        format!("{:?}", manifest.load_named("peak").unwrap().until)
    };
    let key = "load.peak.duration";
    assert_eq!(duration(&[(key, "5s")]), duration(&[(key, "\"5s\"")]));
    assert_eq!(
        duration(&[(key, "9s"), (key, "5s")]),
        duration(&[(key, "5s")])
    );
    assert_ne!(duration(&[(key, "5s")]), duration(&[]));
    let rule = with(&[("gate.rule.0.max", "3s")]).unwrap();
    let max = rule.gate.unwrap().rules[0].max.unwrap();
    assert!((max.value - 3_000.0).abs() < 1e-9);
    for (key, value) in [
        ("gate.rule.1.max", "3s"),
        ("gate.rule.x.max", "3s"),
        ("gate.rule", "3s"),
        ("version.x", "1"),
        ("load..duration", "3s"),
        ("\"load", "3s"),
    ] {
        let error = with(&[(key, value)]).unwrap_err();
        let shown = format!("--set {key}={value}");
        let faults = error.faults();
        assert!(
            faults
                .iter()
                .any(|it| it.message.contains(&shown) || it.key.as_deref() == Some(key)),
            "{shown}: {faults:?}"
        );
    }
}

fn name(number: usize) -> Name {
    format!("s{number}").parse().unwrap()
}

fn scenarios(weights: &[f64]) -> Vec<Scenario> {
    let one = |(at, weight): (usize, &f64)| Scenario {
        name: name(at),
        weight: *weight,
        target: name(at),
        sends: Sends::NOTHING,
    };
    weights.iter().enumerate().map(one).collect()
}

fn tokens() -> impl Strategy<Value = Tokens> {
    prop_oneof![
        (1..9_000_u32).prop_map(Tokens::Fixed),
        (1..900_u32, 0..900_u32).prop_map(|(from, more)| Tokens::Uniform {
            from,
            to: from + more
        }),
        (1.0..5_000.0_f64, 0.01..3.0_f64).prop_map(|(mean, cv)| Tokens::Skewed { mean, cv }),
    ]
}

proptest! {
    #[test]
    fn every_arrival_and_every_user_is_of_one_scenario(
        weights in proptest::collection::vec(0.01..50.0_f64, 1..8), draw in 0.0..1.0_f64, users in 0..300_u32,
    ) {
        let shares = Scenario::shares(&scenarios(&weights));
        prop_assert_eq!(shares.iter().filter(|it| it.holds(draw)).count(), 1);
        let sum: f64 = weights.iter().sum();
        for (share, weight) in shares.iter().zip(&weights) {
            prop_assert!((share.size() - weight / sum).abs() < 1e-9);
            let ideal = share.size() * f64::from(users);
            prop_assert!((share.users(users).len() as f64 - ideal).abs() <= 1.0 + 1e-9);
        }
        let all: Vec<u32> = shares.iter().flat_map(|it| it.users(users)).collect();
        prop_assert_eq!(all, (0..users).collect::<Vec<_>>());
        prop_assert!(ShareOfArrivals::ALL.holds(draw) && ShareOfArrivals::ALL.users(users) == (0..users));
    }

    #[test]
    fn a_length_grows_with_its_share_and_has_the_mean_that_it_says(tokens in tokens(), low in 0.001..0.999_f64, high in 0.001..0.999_f64) {
        let (low, high) = (low.min(high), low.max(high));
        prop_assert!(tokens.quantile(low) >= 1 && tokens.quantile(low) <= tokens.quantile(high));
        let count = 4_000;
        let shares = (0..count).map(|i| (f64::from(i) + 0.5) / f64::from(count));
        let mean = shares.map(|it| f64::from(tokens.quantile(it))).sum::<f64>() / f64::from(count);
        // Lengths are whole, and the longest few of a skewed one are beyond the last share.
        prop_assert!((mean - tokens.mean()).abs() < 0.6 + 0.12 * tokens.mean(), "{} {}", tokens, mean);
    }

    #[test]
    fn a_length_of_any_spread_is_one(power in 0.0..300.0_f64, spread in -2.0..300.0_f64, share in 0.0001..0.9999_f64) {
        let tokens = Tokens::Skewed { mean: 10_f64.powf(power), cv: 10_f64.powf(spread) };
        prop_assert!(tokens.quantile(share) >= 1);
    }

    #[test]
    fn calls_that_only_go_on_are_no_circle_and_one_back_is(
        calls in proptest::collection::vec((0..8_usize, 0..8_usize), 0..20), from in 0..8_usize, to in 0..8_usize,
    ) {
        let forward = calls.iter().map(|(a, b)| (*a.min(b), *a.max(b))).filter(|(a, b)| a < b);
        let mut edges: BTreeSet<(usize, usize)> = forward.collect();
        let topology = |edges: &BTreeSet<(usize, usize)>| Topology::of((0..8).map(|caller| {
            let callees = edges.iter().filter(|(from, _)| *from == caller);
            (name(caller), callees.map(|(_, to)| name(*to)).collect())
        }));
        let straight = topology(&edges);
        prop_assert!(straight.cycles().is_empty());
        for caller in (0..8).map(name) {
            let below = straight.below(caller.as_str());
            let different: BTreeSet<&Name> = below.iter().copied().collect();
            prop_assert_eq!(below.len(), different.len());
            let reached = straight.reachable(caller.as_str());
            prop_assert_eq!(reached.len(), below.len() + 1);
            for stage in &reached {
                prop_assert!(straight.callees(stage).iter().all(|it| reached.contains(it.as_str())));
            }
        }
        let (from, to) = (from.min(to), from.max(to));
        edges.insert((from, to));
        edges.insert((to, from));
        let circle = topology(&edges);
        let cycles = circle.cycles();
        prop_assert!(!cycles.is_empty());
        prop_assert!(cycles.iter().all(|it| it.len() > 1 && it.first() == it.last()));
    }

    #[test]
    fn a_place_is_of_its_key(path in proptest::collection::vec("[a-z]{1,5}", 1..4), key in "[a-z]{1,5}", value in 0..1000_u32) {
        let heading = format!("[{}]\n", path.join("."));
        let text = format!("{heading}{key} = {value}\n");
        let whole = format!("{}.{key}", path.join("."));
        for at in [heading.len(), text.len() - 2] {
            prop_assert_eq!(key_at(&text, at), Some(whole.clone()));
        }
        let inline = format!("x = {{ {key} = [{value}, {value}] }}");
        prop_assert_eq!(key_at(&inline, inline.len() - 4), Some(["x.", &key, ".1"].concat()));
    }

    #[test]
    fn a_line_is_counted_from_1(text in "[a\n\u{e9}]{0,30}", at in 0..60_usize) {
        let before = text.bytes().take(at).filter(|it| *it == b'\n').count() as u64;
        prop_assert_eq!(line_of(text.as_bytes(), at), before + 1);
    }

    /// Lines that are left out, doubled, or put elsewhere: what is wrong then stands somewhere in
    /// the text.
    #[test]
    fn a_manifest_in_disorder_is_told_line_by_line(from in 0..60_usize, to in 0..60_usize, what in 0..3_u8) {
        for text in [SMALL, CONTRACT] {
            let mut lines: Vec<&str> = text.lines().collect();
            let (from, to) = (from % lines.len(), to % lines.len());
            match what {
                0 => drop(lines.remove(from)),
                1 => lines.insert(to, lines[from]),
                _ => lines.swap(from, to),
            }
            let text = lines.join("\n");
            for (line, message) in faults(&text) {
                prop_assert!(line >= 1 && line <= lines.len() as u64, "{}", message);
                prop_assert!(!message.ends_with('.'), "{}", message);
            }
        }
    }
}
