//! What the record of a gate says, by what could be measured and what was decided.

use super::*;
use crate::record::{Release, RunId};
use crate::store::testing::{fixture, run_at};

fn recorded(seconds: u32, status: Status) -> Recorded {
    let record = RunRecord {
        duration_s: 2.5,
        release: Release {
            tag: Some(format!("v{seconds}")),
            ..Release::default()
        },
        ..run_at(seconds, None)
    };
    Recorded { record, status }
}

fn head(statuses: &[Status]) -> HeadRuns {
    let mut head = HeadRuns {
        runs: Vec::new(),
        status: Status::Passed,
    };
    for (seconds, status) in (1..).zip(statuses) {
        head.add(recorded(seconds, *status));
    }
    head
}

fn document(verdict: VerdictKind) -> DiffDocument {
    let gate = fixture("v1.1", "gate");
    DiffDocument {
        verdict,
        ..gate.diff.unwrap()
    }
}

fn verdict_of(statuses: &[Status], decided: VerdictKind) -> Option<VerdictKind> {
    let record = run_at(9, None);
    concluded(record, &head(statuses), &document(decided)).verdict
}

#[test]
fn whether_slos_were_kept_is_for_the_comparison_to_say() {
    use Status::{Failed, Inconclusive, Interrupted, Invalid, Passed, Unmeasured};
    for (of, status) in [
        (&[Passed, Passed][..], Passed),
        (&[Failed, Inconclusive], Passed),
        (&[Passed, Invalid], Invalid),
        (&[Unmeasured, Invalid], Unmeasured),
        (&[Interrupted], Interrupted),
    ] {
        assert_eq!(head(of).status, status, "{of:?}");
    }
}

#[test]
fn the_verdict_is_the_comparisons_where_everything_was_measured() {
    use Status::{Failed, Interrupted, Invalid, Passed, Unmeasured};
    use VerdictKind as Verdict;
    for decided in [Verdict::Passed, Verdict::Failed, Verdict::Inconclusive] {
        assert_eq!(verdict_of(&[Passed, Failed], decided), Some(decided));
        // What a comparison refuses it calls inconclusive itself.
        assert_eq!(verdict_of(&[Invalid], decided), Some(decided));
        for nothing in [Interrupted, Unmeasured] {
            let verdict = verdict_of(&[Passed, nothing], decided);
            assert_eq!(verdict, Some(Verdict::Inconclusive));
        }
    }
}

#[test]
fn the_record_names_its_runs_and_holds_the_comparison() {
    let id = RunId::new("2026-11-24T12:00:00Z".parse().unwrap());
    let begun = RunRecord {
        id: id.to_string(),
        kind: RunKind::Gate,
        ..run_at(9, None)
    };
    let decided = document(VerdictKind::Failed);
    let record = concluded(begun.clone(), &head(&[Status::Passed; 2]), &decided);
    assert_eq!((record.id, record.kind), (begun.id.clone(), RunKind::Gate));
    assert_eq!(record.runs, ["run-0001", "run-0002"]);
    assert_eq!(record.release.tag.as_deref(), Some("v1"));
    assert!((record.duration_s - 5.0).abs() < 1e-9 && record.complete);
    assert_eq!(record.diff, Some(decided.clone()));
    let interrupted = concluded(begun.clone(), &head(&[Status::Interrupted]), &decided);
    assert!(!interrupted.complete);
    // Nothing was measured: the release is the one at hand.
    let nothing = concluded(begun.clone(), &head(&[]), &decided);
    assert_eq!((nothing.release, nothing.runs), (begun.release, Vec::new()));
}
