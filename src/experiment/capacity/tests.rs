//! The search against made-up servers.

use super::found::probe_of;
use super::*;
use crate::exit::Status;
use crate::experiment::testing::{invalid, result, slo};
use crate::metric::{Figure, LatencyMetric, Stat};
use crate::record::{StageResult, Validity, ValidityVerdict};

/// What a stage of that capacity answers at a rate, per second: it keeps its 100 ms up to there.
fn stage(capacity: f64, rate: f64) -> StageResult {
    let value = 100.0 * rate / capacity;
    StageResult {
        attempted: 1000,
        ok: 1000,
        goodput_rps: rate.min(capacity),
        owner: Some("platform".to_owned()),
        slo: vec![slo(100.0, Some(value), Some(value <= 100.0))],
        ..StageResult::default()
    }
}

pub(super) const fn course(first_rate: f64, long: bool) -> Course<'static> {
    Course {
        first_rate,
        long,
        targets: &["chat"],
    }
}

/// Searches from 10/s on; returns what was found and how often there was a pause.
fn found(mut server: impl FnMut(f64) -> LoadResult) -> (Found, u32) {
    let mut pauses = 0;
    let probe = |look: Look| Ok(server(look.rate));
    let found = search(&course(10.0, false), probe, || pauses += 1).unwrap();
    (found, pauses)
}

fn of_capacity(capacity: f64) -> (Found, u32) {
    found(|rate| result([("chat", stage(capacity, rate))]))
}

#[test]
fn the_limit_is_enclosed_and_what_gave_way_is_named() {
    let (found, pauses) = of_capacity(100.0);
    let limit = &found.limit;
    let (low, high) = (limit.low.unwrap(), limit.high.unwrap());
    assert!(
        low <= 100.0 && 100.0 < high && high / low < 1.06,
        "{limit:?}"
    );
    assert_eq!((limit.rate, found.status()), (Some(low), Status::Passed));
    assert_eq!(
        limit.gave_way,
        Some(GaveWay {
            stage: "chat".to_owned(),
            owner: Some("platform".to_owned()),
            metric: Figure::Latency(LatencyMetric::ResponseTime, Stat::P95),
            limit: 100.0,
            value: Some(high),
        })
    );
    // What is shown was measured at the highest rate that held.
    assert!((found.stages["chat"].goodput_rps - low).abs() < 1e-9);
    let broke = limit.probes.iter().filter(|it| it.held == Some(false));
    assert_eq!(u32::try_from(broke.count()).unwrap(), pauses);
    let length: f64 = limit.probes.iter().map(|it| it.duration_s).sum();
    assert!((found.duration_s - length).abs() < 1e-9);
    insta::assert_snapshot!(limit.summary, @"every SLO held at 99.3/s and broke at 104/s, by probes that are too short for an interval; `chat` (platform) gives way first: response_time.p95");
}

#[test]
fn a_stage_that_never_holds_fails_and_one_that_always_holds_is_open() {
    let (never, _) = of_capacity(0.001);
    assert_eq!((never.limit.rate, never.status()), (None, Status::Failed));
    insta::assert_snapshot!(never.limit.summary, @"not even 0.0781/s keeps every SLO; `chat` (platform) gives way first: response_time.p95");
    let (always, pauses) = of_capacity(1e9);
    assert_eq!((always.status(), pauses), (Status::Inconclusive, 0));
    assert_eq!((always.limit.high, always.limit.gave_way), (None, None));
    insta::assert_snapshot!(always.limit.summary, @"every SLO held at 328000/s, the highest rate that was tried");
}

#[test]
fn a_generator_at_its_own_limit_ends_the_search_and_is_named() {
    let (found, _) = found(|rate| LoadResult {
        validity: if rate > 30.0 {
            invalid()
        } else {
            Validity::default()
        },
        ..result([("chat", stage(1000.0, rate))])
    });
    assert_eq!(
        (found.status(), found.limit.low),
        (Status::Inconclusive, Some(20.0))
    );
    // Stumbles S28: the figures that are shown are those of a valid probe, and so is what is said
    // of them.
    assert_eq!(found.validity, Validity::default());
    assert!((found.stages["chat"].goodput_rps - 20.0).abs() < 1e-9);
    // Finding 19: a probe that the generator spoilt is made again.
    let held: Vec<Option<bool>> = found.limit.probes.iter().map(|it| it.held).collect();
    assert_eq!(held, [Some(true), Some(true), None, None, None]);
    insta::assert_snapshot!(found.limit.summary, @"the generator itself was at its limit; every SLO held at 20.0/s");
}

#[test]
fn a_generator_that_never_keeps_up_makes_the_run_invalid() {
    let (found, _) = found(|rate| LoadResult {
        validity: invalid(),
        ..result([("chat", stage(1000.0, rate))])
    });
    assert_eq!(found.status(), Status::Inconclusive);
    assert_eq!(found.validity, invalid());
    assert!(found.stages.is_empty());
}

/// Finding 19: one spoilt probe in twenty ended seven of twenty searches.
#[test]
fn a_probe_that_was_spoilt_by_a_neighbour_is_made_again() {
    let mut probes = 0;
    let (found, _) = found(|rate| {
        probes += 1;
        let spoilt = probes % 3 == 0;
        LoadResult {
            validity: if spoilt {
                invalid()
            } else {
                Validity::default()
            },
            ..result([("chat", stage(100.0, rate))])
        }
    });
    let (low, high) = (found.limit.low.unwrap(), found.limit.high.unwrap());
    assert!(low <= 100.0 && 100.0 < high, "{low} {high}");
    assert_eq!(
        (found.status(), found.validity.verdict),
        (Status::Passed, ValidityVerdict::Valid)
    );
}

#[test]
fn too_few_samples_judge_nothing() {
    let unknown = StageResult {
        slo: vec![slo(100.0, None, None)],
        ..StageResult::default()
    };
    let (found, pauses) = found(|_| result([("chat", unknown.clone())]));
    assert_eq!(
        (found.status(), found.limit.probes.len()),
        (Status::Inconclusive, 1)
    );
    assert_eq!(pauses, 0);
    insta::assert_snapshot!(found.limit.summary, @"no rate could be judged: too few samples");
}

#[test]
fn an_interrupted_search_keeps_what_it_found_and_an_unreached_stage_ends_it() {
    let (interrupted, _) = found(|rate| LoadResult {
        complete: rate < 30.0,
        ..result([("chat", stage(1000.0, rate))])
    });
    assert_eq!(interrupted.status(), Status::Interrupted);
    assert_eq!(
        (interrupted.complete, interrupted.limit.low),
        (false, Some(20.0))
    );
    let (unreached, _) = found(|rate| LoadResult {
        never_reached: true,
        ..result([("chat", stage(1000.0, rate))])
    });
    assert_eq!(unreached.status(), Status::Unmeasured);
    assert_eq!(unreached.limit.probes, []);
    assert_eq!(unreached.limit.summary, "the stage was not reached");
}

#[test]
fn the_slo_that_was_missed_by_most_gives_way_first() {
    let missed = |value: Option<f64>| StageResult {
        slo: vec![slo(100.0, value, Some(false))],
        ..StageResult::default()
    };
    let first = |stages: [(&'static str, StageResult); 2]| {
        first_to_give_way(&result(stages)).map(|it| it.stage)
    };
    let (by_little, by_much) = (missed(Some(110.0)), missed(Some(300.0)));
    let of_two = first([("a", by_little), ("b", by_much.clone())]);
    assert_eq!(of_two.as_deref(), Some("b"));
    // A percentile that falls on failed requests is worse than any time.
    let failed = first([("a", missed(None)), ("b", by_much)]);
    assert_eq!(failed.as_deref(), Some("a"));
    let kept = || stage(100.0, 50.0);
    assert_eq!(first([("a", kept()), ("b", kept())]), None);
}

#[test]
fn the_goodput_of_a_probe_is_that_of_the_targets() {
    let with_step = |rate| result([("chat", stage(50.0, rate)), ("llm", stage(50.0, rate))]);
    let at = |rate| Look {
        rate,
        long: false,
        at_least_s: 0.0,
    };
    let probe = probe_of(at(40.0), &["chat"], Held::Yes, &with_step(40.0));
    assert!((probe.goodput_rps - 40.0).abs() < 1e-9);
    let probe = probe_of(at(80.0), &["chat"], Held::No, &with_step(80.0));
    assert_eq!(
        probe.broke,
        ["chat.response_time.p95", "llm.response_time.p95"]
    );
}

#[test]
fn rates_are_shown_with_three_digits() {
    let shown: Vec<String> = [0.078_125, 1.0, 9.876, 12.34, 98.76, 1234.0, 327_680.0]
        .map(shown)
        .into();
    assert_eq!(
        shown,
        ["0.0781", "1.00", "9.88", "12.3", "98.8", "1230", "328000"]
    );
}

/// Long probes that leave an end open still overrule the short ones: no rate is said to hold that
/// broke for longer.
#[test]
fn what_broke_for_long_is_not_said_to_hold() {
    let of = |capacity: f64, open: bool| {
        let probe = |look: Look| {
            let rate = look.rate;
            let result = result([(
                "chat",
                stage(if look.long { capacity } else { 100.0 }, rate),
            )]);
            // Nothing is shown of the rates below where samples are missing.
            let is_unknown = look.long && open && rate < capacity;
            Ok(if is_unknown {
                let unknown = StageResult {
                    slo: vec![slo(100.0, None, None)],
                    ..StageResult::default()
                };
                self::result([("chat", unknown)])
            } else {
                result
            })
        };
        search(&course(10.0, true), probe, || {}).unwrap()
    };
    let found = of(70.0, true);
    let (low, high) = (found.limit.low.unwrap(), found.limit.high.unwrap());
    assert!(
        !found.limit.interval && low < high && high < 76.0,
        "{:?}",
        found.limit
    );
    let shown = found.stages["chat"].goodput_rps;
    assert!((shown - low).abs() < 1e-9, "{shown} {low}");
    insta::assert_snapshot!(found.limit.summary, @"every SLO held at 40.0/s and broke at 74.6/s, and no interval could be shown; `chat` (platform) gives way first: response_time.p95");
    // Even the lowest rung breaks: what short probes held below it is all that is known.
    let found = of(10.0, false);
    let (low, high) = (found.limit.low.unwrap(), found.limit.high.unwrap());
    assert!(
        !found.limit.interval && low < high && high < 45.0,
        "{low} {high}"
    );
}
