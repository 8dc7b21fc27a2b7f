//! The record of a run: begun, finished, and kept; and how a run ends, derived in one place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Experiment;
use super::machine::machine;
use super::release::add_versions;
use crate::exit::Status;
use crate::measure::Event;
use crate::record::{RunId, RunKind, RunRecord, StageResult, ValidityVerdict, VerdictKind};

/// A run that has ended and been stored, and how the command goes on.
pub(crate) struct Recorded {
    pub(crate) record: RunRecord,
    pub(crate) status: Status,
}

impl Experiment {
    /// Makes the record of a run that begins now; what was measured is filled in at its end.
    pub(super) fn begin(&self, kind: RunKind, name: &str) -> RunRecord {
        let started = self.clock.now();
        let id = RunId::new(started).to_string();
        RunRecord {
            env: self.project.env_name.clone(),
            region: self.project.environment.region.clone(),
            overrides: self.overrides.clone(),
            release: self.release.clone(),
            machine: Some(machine()),
            ..RunRecord::begun(kind, name, &id, &started.to_string())
        }
    }

    /// Adds the verdict and the versions that stages tell, and stores the run.
    pub(super) async fn finish(&self, mut record: RunRecord, status: Status) -> Recorded {
        record.verdict = verdict(status);
        let (project, client) = (&self.project, &self.client);
        add_versions(&mut record.release, project, client, self.sink.as_ref()).await;
        client.rest().await;
        self.keep(record, status)
    }

    /// Stores a run. What cannot be stored is still returned: a measurement must not be lost with
    /// the disk.
    pub(super) fn keep(&self, record: RunRecord, status: Status) -> Recorded {
        let record = record.with_warnings();
        let status = match self.store.write(&record) {
            Ok(_) => status,
            Err(error) => {
                self.sink.emit(Event::Problem(Arc::new(error.into())));
                status.and(Status::Unmeasured)
            }
        };
        Recorded { record, status }
    }
}

/// What decides how a run ends that put stages under load.
pub(super) struct Ending<'a> {
    pub(super) complete: bool,
    pub(super) never_reached: bool,
    pub(super) validity: ValidityVerdict,
    pub(super) stages: &'a BTreeMap<String, StageResult>,
}

impl Ending<'_> {
    /// Returns how a load ends, by the contract, section 2: its SLOs count.
    pub(super) fn of_load(&self) -> Status {
        let stages = || self.stages.values();
        let slos = || stages().flat_map(|stage| &stage.slo);
        let mut status = self.of_measuring();
        if slos().any(|slo| slo.met == Some(false)) {
            status = status.and(Status::Failed);
        }
        if slos().any(|slo| slo.met.is_none()) || stages().any(|stage| stage.attempted == 0) {
            status = status.and(Status::Inconclusive);
        }
        status
    }

    /// Returns how a run ends that judges no SLO: whether it is a measurement, and of something
    /// that answers at all.
    pub(super) fn of_measuring(&self) -> Status {
        let mut status = measured(self.complete, self.never_reached);
        if self.validity == ValidityVerdict::Invalid {
            status = status.and(Status::Invalid);
        }
        let every_one_failed =
            |stage: &StageResult| stage.attempted > 0 && stage.failed == stage.attempted;
        if self.stages.values().any(every_one_failed) {
            status = status.and(Status::Failed);
        }
        status
    }
}

/// Returns how a run ends by whether it came to its end, and reached anything.
pub(super) fn measured(complete: bool, never_reached: bool) -> Status {
    match (complete, never_reached) {
        (false, _) => Status::Interrupted,
        (true, true) => Status::Unmeasured,
        (true, false) => Status::Passed,
    }
}

/// Returns the verdict that a status stands for; an interrupted or unmeasured run has none.
pub(super) const fn verdict(status: Status) -> Option<VerdictKind> {
    match status {
        Status::Passed => Some(VerdictKind::Passed),
        Status::Failed => Some(VerdictKind::Failed),
        Status::Inconclusive | Status::Invalid => Some(VerdictKind::Inconclusive),
        Status::Usage | Status::Interrupted | Status::Unmeasured => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::experiment::testing::{experiment, slo};

    fn stage(attempted: u64, failed: u64, met: &[Option<bool>]) -> StageResult {
        StageResult {
            attempted,
            failed,
            slo: met.iter().map(|met| slo(100.0, None, *met)).collect(),
            ..StageResult::default()
        }
    }

    fn ends(stages: &[StageResult], change: impl FnOnce(&mut Ending<'_>)) -> (Status, Status) {
        let named = stages.iter().enumerate();
        let stages = named
            .map(|(at, stage)| (at.to_string(), stage.clone()))
            .collect();
        let mut ending = Ending {
            complete: true,
            never_reached: false,
            validity: ValidityVerdict::Valid,
            stages: &stages,
        };
        change(&mut ending);
        (ending.of_load(), ending.of_measuring())
    }

    #[test]
    fn a_run_has_the_date_of_the_clock_and_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (experiment, heard) = experiment(folder.path());
        let first = experiment.begin(RunKind::Load, "peak");
        experiment.clock.advance(Duration::from_secs(90));
        let second = experiment.begin(RunKind::Eval, "answers");
        assert_eq!(first.started_at, "2026-11-24T12:00:00Z");
        assert_eq!(second.started_at, "2026-11-24T12:01:30Z");
        assert!(first.id < second.id, "{} {}", first.id, second.id);
        assert_eq!(second.release, experiment.release);
        let kept = experiment.keep(second, Status::Failed);
        assert_eq!(kept.status, Status::Failed);
        let id = kept.record.id.parse().unwrap();
        assert_eq!(experiment.store.read(&id).unwrap(), kept.record);
        assert!(heard.events().is_empty());
    }

    #[test]
    fn what_cannot_be_stored_is_still_returned() {
        let folder = tempfile::tempdir().unwrap();
        let (experiment, heard) = experiment(folder.path());
        std::fs::write(folder.path().join(".stagegate"), "in the way").unwrap();
        let record = experiment.begin(RunKind::Load, "peak").with_warnings();
        let kept = experiment.keep(record.clone(), Status::Passed);
        assert_eq!((kept.status, kept.record), (Status::Unmeasured, record));
        assert!(matches!(heard.events()[..], [Event::Problem(_)]));
    }

    #[test]
    fn a_load_is_judged_by_its_slos_and_a_profile_is_not() {
        use Status::{Failed, Inconclusive, Passed};
        let of = |met: &[Option<bool>]| ends(&[stage(100, 3, met)], |_| ());
        assert_eq!(of(&[]), (Passed, Passed));
        assert_eq!(of(&[Some(true)]), (Passed, Passed));
        assert_eq!(of(&[Some(true), None]), (Inconclusive, Passed));
        assert_eq!(of(&[None, Some(false)]), (Failed, Passed));
        assert_eq!(ends(&[stage(100, 100, &[])], |_| ()), (Failed, Failed));
        let idle = [stage(100, 0, &[]), stage(0, 0, &[])];
        assert_eq!(ends(&idle, |_| ()), (Inconclusive, Passed));
    }

    #[test]
    fn what_is_no_measurement_counts_before_what_was_measured() {
        use Status::{Interrupted, Invalid, Unmeasured};
        let broken = [stage(100, 100, &[Some(false)])];
        let of = |change: fn(&mut Ending<'_>)| ends(&broken, change);
        let both = |status| (status, status);
        assert_eq!(
            of(|it| it.validity = ValidityVerdict::Invalid),
            both(Invalid)
        );
        assert_eq!(of(|it| it.never_reached = true), both(Unmeasured));
        assert_eq!(of(|it| it.complete = false), both(Interrupted));
    }

    #[test]
    fn a_verdict_is_of_what_was_measured() {
        use Status::{Failed, Inconclusive, Interrupted, Invalid, Passed, Unmeasured, Usage};
        for (status, expected) in [
            (Passed, Some(VerdictKind::Passed)),
            (Failed, Some(VerdictKind::Failed)),
            (Inconclusive, Some(VerdictKind::Inconclusive)),
            (Invalid, Some(VerdictKind::Inconclusive)),
            (Interrupted, None),
            (Unmeasured, None),
            (Usage, None),
        ] {
            assert_eq!(verdict(status), expected, "{status:?}");
        }
    }
}
