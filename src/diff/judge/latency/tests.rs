//! Gates that decide about latencies by sessions.

mod rounds;

use crate::diff::fixtures::{latency_gate, load, rule, stage, with_latency};
use crate::diff::{GatedBy, LatencyGate, Mode, Sessions, compare};
use crate::manifest::Rule;
use crate::measure::Growth;
use crate::metric::{Limit, Metric, Unit};
use crate::record::{Change, Comparison, DiffDocument, Machine, RunRecord, VerdictKind};

const P95: &str = "load.peak.gateway.response_time.p95";
const RETRIEVE: &str = "load.peak.retrieve.response_time.p95";

/// Returns a run on one machine in which both stages take so long at p95.
fn run(id: &str, gateway: f64, retrieve: f64) -> RunRecord {
    let stages = [
        ("gateway", stage(100, |_| gateway)),
        ("retrieve", stage(100, |_| retrieve)),
    ];
    RunRecord {
        machine: Some(Machine {
            cores: 2,
            ..Machine::default()
        }),
        plan: serde_json::json!({"seed": 7}),
        ..load(id, stages)
    }
}

/// Sessions of a base that differ by about 2 %.
fn sessions(count: usize) -> Vec<RunRecord> {
    let factors = [1.0, 1.02, 0.98, 1.01, 0.99, 1.03, 0.97, 1.0];
    let factors = factors.into_iter().take(count).enumerate();
    let one = |(at, by): (usize, f64)| run(&format!("b{at}"), 100.0 * by, 20.0 * by);
    factors.map(one).collect()
}

fn gate(sessions: Vec<RunRecord>, unruled: &[&str]) -> LatencyGate {
    LatencyGate {
        unruled: unruled
            .iter()
            .map(|it| Metric::parse(it).unwrap())
            .collect(),
        by: GatedBy::Sessions(Sessions(sessions)),
        ..latency_gate()
    }
}

fn judged(rules: &[Rule], gate: &LatencyGate, head: RunRecord) -> DiffDocument {
    let base = [run("b0", 100.0, 20.0)];
    with_latency(Mode::Gate, rules, gate, |context| {
        compare(&base, &[head], context)
    })
}

fn row<'a>(document: &'a DiffDocument, metric: &str) -> &'a Comparison {
    let of_it = |it: &&Comparison| it.metric.to_string() == metric;
    document.comparisons.iter().find(of_it).unwrap()
}

fn max_increase(metric: &str, share: f64) -> Rule {
    Rule {
        max_increase: Growth::new(share),
        ..rule(metric)
    }
}

fn max(metric: &str, ms: f64) -> Rule {
    Rule {
        max: Some(Limit {
            value: ms,
            unit: Unit::Time,
        }),
        ..rule(metric)
    }
}

fn rows(document: &DiffDocument) -> Vec<(&str, Option<VerdictKind>)> {
    let of_it = document.comparisons.iter();
    let of_it = of_it.filter(|it| it.metric.to_string() == P95);
    of_it
        .map(|it| (it.rule.as_deref().unwrap(), it.outcome))
        .collect()
}

#[test]
fn a_load_without_a_rule_is_gated_by_floor_and_margin() {
    use Change::{Improved, Inconclusive, Regressed, Unchanged};
    use VerdictKind::{Failed, Passed};

    let gate = gate(sessions(8), &[P95]);
    let of = |gateway: f64| {
        let document = judged(&[], &gate, run("h", gateway, 20.0));
        let row = row(&document, P95);
        (document.verdict, row.verdict, row.outcome)
    };
    assert_eq!(of(130.0), (Failed, Regressed, Some(Failed)));
    assert_eq!(of(97.5), (Passed, Unchanged, Some(Passed)));
    assert_eq!(of(70.0), (Passed, Improved, Some(Passed)));
    // Sessions differ by 2 %: that little tells neither.
    let open = VerdictKind::Inconclusive;
    assert_eq!(of(103.0), (open, Inconclusive, Some(open)));
}

#[test]
fn what_it_would_take_is_told() {
    let note = |sessions: Vec<RunRecord>| {
        let document = judged(&[], &gate(sessions, &[P95]), run("h", 103.0, 20.0));
        row(&document, P95).note.clone().unwrap()
    };
    insta::assert_snapshot!(note(sessions(5)), @"beside 5 sessions of the base; they spread by 1.6%: it takes about 9 to show less than 5%");
    let wild = |count: usize| {
        let one = |at: usize| run(&format!("b{at}"), [90.0, 100.0, 111.0][at % 3], 20.0);
        (0..count).map(one).collect()
    };
    insta::assert_snapshot!(note(wild(6)), @"beside 6 sessions of the base; they spread by 9.4%, too much to show less than 5% with 20 of them: longer loads and a quieter machine bring them together");
}

#[test]
fn what_decided_is_told() {
    let document = judged(&[], &gate(sessions(8), &[P95]), run("h", 130.0, 20.0));
    insta::assert_snapshot!(document.summary, @"failed: `load.peak.gateway.response_time.p95` is 130 ms, 30% above the base (floor 2%, margin 5%, owner app-team)");
    let row = row(&document, P95);
    assert_eq!((row.n, row.method.as_str()), (9, "sessions_t"));
    assert_eq!(row.rule.as_deref(), Some("floor 2%, margin 5%"));
    assert!(
        row.p_decided.unwrap() <= 0.01 && row.bound.unwrap() > 0.0,
        "{row:?}"
    );
    assert!(row.low.unwrap() < row.change.unwrap() && row.change.unwrap() < row.high.unwrap());
    insta::assert_snapshot!(row.note.as_deref().unwrap(), @"beside 8 sessions of the base");
}

#[test]
fn with_too_few_sessions_nothing_is_judged_and_the_report_counts_down() {
    let rules = [max_increase(P95, 0.05)];
    for count in [0, 2, 4] {
        let gate = gate(sessions(count), &[]);
        let document = judged(&rules, &gate, run("h", 500.0, 20.0));
        let row = row(&document, P95);
        assert_eq!((row.outcome, row.verdict), (None, Change::Insufficient));
        let counted = format!("{count} of 5 base sessions");
        assert!(row.note.as_ref().unwrap().contains(&counted), "{row:?}");
        assert_eq!(document.verdict, VerdictKind::Inconclusive);
    }
    let document = judged(&rules, &gate(sessions(5), &[]), run("h", 500.0, 20.0));
    assert_eq!(document.verdict, VerdictKind::Failed);
}

#[test]
fn sessions_of_another_workload_or_machine_are_counted_apart() {
    let mut all = sessions(8);
    all[0].machine = None;
    all[1].machine = Some(Machine::default());
    all[2].plan = serde_json::json!({"seed": 8});
    all[3].env = "eu".to_owned();
    let document = judged(&[], &gate(all, &[P95]), run("h", 130.0, 20.0));
    let note = row(&document, P95).note.clone().unwrap();
    let counted = "4 of 5 base sessions, without 3 sessions of another workload or machine";
    assert!(note.contains(counted), "{note}");
}

#[test]
fn an_allowed_increase_is_broken_only_when_more_is_shown() {
    use VerdictKind::{Failed, Inconclusive, Passed};

    let with = |most: f64, gateway: f64| {
        let rules = [max_increase(P95, most)];
        let document = judged(&rules, &gate(sessions(8), &[]), run("h", gateway, 20.0));
        document.verdict
    };
    assert_eq!(with(0.2, 130.0), Failed);
    assert_eq!(with(0.5, 130.0), Passed);
    assert_eq!(with(0.3, 130.0), Inconclusive);
    // The strictest of several counts.
    let rules = [max_increase(P95, 0.5), max_increase(P95, 0.2)];
    let document = judged(&rules, &gate(sessions(8), &[]), run("h", 130.0, 20.0));
    assert_eq!(document.verdict, Failed);
}

#[test]
fn small_changes_are_none() {
    let mut gate = gate(sessions(8), &[P95]);
    // Sessions that hardly differ show the smallest change.
    if let GatedBy::Sessions(Sessions(all)) = &mut gate.by {
        for (at, session) in all.iter_mut().enumerate() {
            *session = run(&session.id, 100.0 + 0.1 * (at % 2) as f64, 20.0);
        }
    }
    let of = |gate: &LatencyGate, gateway: f64| {
        let document = judged(&[], gate, run("h", gateway, 20.0));
        row(&document, P95).verdict
    };
    assert_eq!(of(&gate, 101.5), Change::Unchanged, "below the floor");
    assert_eq!(of(&gate, 103.0), Change::Regressed);
    gate.abs_floor_ms = 5.0;
    assert_eq!(
        of(&gate, 103.0),
        Change::Unchanged,
        "below the absolute floor"
    );
    assert_eq!(of(&gate, 106.0), Change::Regressed);
}

#[test]
fn an_absolute_limit_and_the_sessions_are_judged_in_one_row() {
    use VerdictKind::{Failed, Passed};

    for (limit, gateway, verdict) in [
        (200.0, 97.5, Passed),
        (90.0, 97.5, Failed),
        // The limit is kept, and it is slower than it was.
        (200.0, 130.0, Failed),
    ] {
        let gate = gate(sessions(8), &[]);
        let document = judged(&[max(P95, limit)], &gate, run("h", gateway, 20.0));
        assert_eq!(document.verdict, verdict, "{limit} {gateway}");
    }
}

#[test]
fn several_latencies_are_one_family() {
    let both = gate(sessions(5), &[P95, RETRIEVE]);
    let alone = gate(sessions(5), &[P95]);
    let head = || run("h", 109.5, 19.8);
    let p = |gate: &LatencyGate| {
        let document = judged(&[], gate, head());
        let row = row(&document, P95);
        (row.p_decided.unwrap(), row.method.clone())
    };
    let ((once, _), (twice, method)) = (p(&alone), p(&both));
    assert!((twice - 2.0 * once).abs() < 1e-9, "{once} {twice}");
    assert_eq!(method, "sessions_t+holm");
}

#[test]
fn a_head_without_a_value_cannot_be_told() {
    let mut head = run("h", 100.0, 20.0);
    let summary = head.stages.get_mut("gateway").unwrap().metrics.values_mut();
    summary.for_each(|it| (it.p95, it.count) = (None, 40));
    let rules = [max_increase(P95, 0.05)];
    let document = judged(&rules, &gate(sessions(8), &[]), head);
    assert_eq!(document.verdict, VerdictKind::Inconclusive);
    let note = row(&document, P95).note.clone().unwrap();
    assert!(
        note.contains("p95 takes 72 samples, there are 40"),
        "{note}"
    );
}

#[test]
fn no_owner_is_named_for_what_was_not_shown() {
    let whose = |gateway: f64| {
        let gate = gate(sessions(8), &[P95]);
        let document = judged(&[], &gate, run("h", gateway, 20.0));
        document.reasons.into_iter().find_map(|it| it.owner)
    };
    assert_eq!(whose(130.0).as_deref(), Some("app-team"));
    assert_eq!(whose(103.0), None);
}

#[test]
fn what_is_gated_and_cannot_be_judged_yet_is_listed_and_told() {
    let gate = gate(sessions(2), &[P95]);
    let document = judged(&[], &gate, run("h", 500.0, 20.0));
    let row = row(&document, P95);
    assert_eq!(
        (row.rule.as_deref(), row.outcome),
        (Some("floor 2%, margin 5%"), None)
    );
    insta::assert_snapshot!(document.summary, @"inconclusive: latencies are not judged yet, with 2 of 5 base sessions (`gate --seed-base N`); also: in this pair of runs `gateway` is 400 ms slower at p95");
    let document = judged(&[max(RETRIEVE, 900.0)], &gate, run("h", 500.0, 20.0));
    insta::assert_snapshot!(document.summary, @"passed: 1 rule kept; also: in this pair of runs `gateway` is 400 ms slower at p95; latencies are not judged yet, with 2 of 5 base sessions (`gate --seed-base N`)");
}

#[test]
fn of_several_rules_the_strictest_increase_decides_and_says_so() {
    let rules = [max_increase(P95, 0.5), max_increase(P95, 0.2)];
    let document = judged(&rules, &gate(sessions(8), &[]), run("h", 130.0, 20.0));
    let failed = Some(VerdictKind::Failed);
    assert_eq!(
        rows(&document),
        [("max_increase 50%", None), ("max_increase 20%", failed)]
    );
    assert!(
        document.summary.contains("(max_increase 20%, owner"),
        "{}",
        document.summary
    );
    // An absolute rule beside it is kept by itself.
    let rules = [max(P95, 200.0), max_increase(P95, 0.2)];
    let document = judged(&rules, &gate(sessions(8), &[]), run("h", 130.0, 20.0));
    let passed = Some(VerdictKind::Passed);
    assert_eq!(
        rows(&document),
        [("max 200 ms", passed), ("max_increase 20%", failed)]
    );
}

#[test]
fn sessions_without_the_percentile_are_no_sessions_to_come() {
    let mut all = sessions(8);
    for session in &mut all {
        for stage in session.stages.values_mut() {
            stage.metrics.values_mut().for_each(|it| it.p95 = None);
        }
    }
    let document = judged(&[], &gate(all, &[P95]), run("h", 100.0, 20.0));
    let row = row(&document, P95);
    assert_eq!(row.outcome, Some(VerdictKind::Inconclusive));
    let note = row.note.as_deref().unwrap();
    assert!(
        note.contains("only 0 of 8 sessions of the base have a p95"),
        "{note}"
    );
}

#[test]
fn the_generators_own_latency_is_not_gated() {
    let lag = "load.peak.gateway.schedule_lag.p95";
    let rules = [max_increase(lag, 0.05)];
    with_latency(Mode::Gate, &rules, &gate(sessions(8), &[]), |context| {
        assert!(!context.gates(&Metric::parse(lag).unwrap()));
        assert!(!context.gates(&Metric::parse(P95).unwrap()));
    });
}
