//! Gates that decide about latencies by rounds.

use super::{P95, RETRIEVE, max, max_increase, row, rows};
use crate::diff::fixtures::{latency_gate, stage, with_latency};
use crate::diff::{GatedBy, LatencyGate, Mode, compare};
use crate::manifest::Rule;
use crate::metric::Metric;
use crate::record::{Change, DiffDocument, Round, RunRecord, VerdictKind};

/// A run whose rounds took so long at p95, in ms.
fn in_rounds(id: &str, rounds: &[f64]) -> RunRecord {
    let round = |ms: &f64| Round {
        stages: [("gateway".to_owned(), stage(100, |_| *ms))].into(),
    };
    RunRecord {
        rounds: rounds.iter().map(round).collect(),
        ..super::run(id, rounds[0], 20.0)
    }
}

fn gate() -> LatencyGate {
    LatencyGate {
        unruled: vec![Metric::parse(P95).unwrap()],
        by: GatedBy::Rounds,
        ..latency_gate()
    }
}

fn judged(rules: &[Rule], gate: &LatencyGate, base: &[f64], head: &[f64]) -> DiffDocument {
    let (base, head) = ([in_rounds("b0", base)], [in_rounds("h0", head)]);
    with_latency(Mode::Gate, rules, gate, |context| {
        compare(&base, &head, context)
    })
}

const BASE: [f64; 8] = [100.0, 101.0, 99.0, 102.0, 98.0, 100.0, 101.0, 99.0];

fn head(by: f64) -> [f64; 8] {
    let noise = [1.0, 0.99, 1.01, 0.98, 1.01, 1.0, 1.01, 0.99];
    std::array::from_fn(|at| BASE[at] * by * noise[at])
}

#[test]
fn what_is_slower_in_every_round_fails() {
    use Change::{Improved, Regressed, Unchanged};
    use VerdictKind::{Failed, Passed};
    for (by, verdict, change) in [
        (1.1, Failed, Regressed),
        (1.0, Passed, Unchanged),
        (0.9, Passed, Improved),
    ] {
        let document = judged(&[], &gate(), &BASE, &head(by));
        let row = row(&document, P95);
        assert_eq!((document.verdict, row.verdict), (verdict, change), "{by}");
        assert_eq!((row.method.as_str(), row.n), ("rounds_t", 8));
        assert!(row.is_by_rounds() && row.bound.is_some());
        let (base, head) = (row.base.unwrap(), row.head.unwrap());
        assert!(
            (head / base - 1.0 - row.change.unwrap()).abs() < 1e-9,
            "{row:?}"
        );
        assert!((base - 100.0).abs() < 0.1);
    }
}

#[test]
fn three_rounds_decide_nothing() {
    let document = judged(&[], &gate(), &BASE[..3], &head(2.0)[..3]);
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
    let row = row(&document, P95);
    assert_eq!(row.outcome, Some(VerdictKind::Inconclusive));
    assert!(
        row.note.as_ref().unwrap().contains("3 of 6 rounds"),
        "{row:?}"
    );
    // A limit that is kept does not make up for it.
    let rules = [max_increase(P95, 0.05), max(P95, 500.0)];
    let document = judged(&rules, &gate(), &BASE[..3], &head(1.0)[..3]);
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
}

#[test]
fn what_only_explains_is_not_decided() {
    let document = judged(&[], &gate(), &BASE, &head(1.1));
    assert_eq!(row(&document, RETRIEVE).method, "mover");
}

#[test]
fn a_round_without_the_percentile_leaves_it_open() {
    let base = [in_rounds("b0", &BASE)];
    let mut slower = in_rounds("h0", &head(1.0));
    slower.rounds[2]
        .stages
        .insert("gateway".to_owned(), stage(10, |_| 100.0));
    let document = with_latency(Mode::Gate, &[], &gate(), |context| {
        compare(&base, &[slower], context)
    });
    let row = row(&document, P95);
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
    assert_eq!(row.method, "rounds_missing");
    assert_eq!(row.outcome, Some(VerdictKind::Inconclusive));
    assert!(
        row.note
            .as_ref()
            .unwrap()
            .contains("round 3 of the head has no p95"),
        "{row:?}"
    );
}

#[test]
fn a_round_that_stands_out_is_told() {
    let mut hit = head(1.0);
    hit[4] *= 2.0;
    let document = judged(&[], &gate(), &BASE, &hit);
    insta::assert_snapshot!(row(&document, P95).note.as_ref().unwrap(), @"in 8 rounds; of these 5 stood out and was pulled in (+8.9% without that)");
    assert_eq!(document.verdict, VerdictKind::Passed);
}

#[test]
fn too_few_rounds_say_how_many_it_takes() {
    let wild = |by: f64| [1.1, 0.9, 1.0, 1.12, 0.88, 1.0].map(|it| 100.0 * it * by);
    let document = judged(&[], &gate(), &[100.0; 6], &wild(1.0));
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
    insta::assert_snapshot!(row(&document, P95).note.as_ref().unwrap(), @"in 6 rounds; they spread by 10.7%: it takes about 64 to show less than 5%");
}

#[test]
fn an_absolute_limit_is_judged_by_all_rounds_together() {
    let rules = [max_increase(P95, 0.05), max(P95, 500.0)];
    let document = judged(&rules, &gate(), &BASE, &head(1.2));
    let found = rows(&document);
    assert!(
        found.contains(&("max_increase 5%", Some(VerdictKind::Failed))),
        "{found:?}"
    );
    assert!(
        found.contains(&("max 500 ms", Some(VerdictKind::Passed))),
        "{found:?}"
    );
}

#[test]
fn a_change_below_the_absolute_floor_is_none_once_that_is_shown() {
    let gate = LatencyGate {
        abs_floor_ms: 20.0,
        ..gate()
    };
    let document = judged(&[], &gate, &BASE, &head(1.1));
    assert_eq!(row(&document, P95).verdict, Change::Unchanged);
    // Six rounds that differ widely do not show it.
    let wild = [1.3, 0.8, 1.1, 0.75, 1.2, 0.9].map(|it| 100.0 * it);
    let document = judged(&[], &gate, &[100.0; 6], &wild);
    assert_eq!(row(&document, P95).verdict, Change::Inconclusive);
}
