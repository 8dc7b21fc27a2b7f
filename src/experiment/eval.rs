//! A suite against its golden set.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::Experiment;
use super::recording::{Recorded, measured};
use super::slices;
use crate::error::Result;
use crate::eval::{EvalPlan, EvalRun, Journal, JournalKey, run};
use crate::exit::Status;
use crate::manifest::Eval;
use crate::plan::{EvalOptions, eval_plan};
use crate::record::{EvalResult, RunKind, RunRecord, Validity, ValidityVerdict, VerdictKind};
use crate::template::Secrets;

/// So many reasons are said while the suite runs; every case is in the result.
const SHOWN_REASONS: usize = 5;

/// Runs one suite and stores it.
pub(crate) async fn run_eval(
    experiment: &Experiment,
    eval: &Eval,
    options: &EvalOptions,
) -> Result<Recorded> {
    let name = &eval.name;
    let plan = eval_plan(&experiment.project, eval, options, &experiment.clock)?;
    let plan = Arc::new(plan);
    for said in slices::too_many(name.as_str(), &plan.slice_by, &plan.golden.cases) {
        experiment.warn(said);
    }
    let record = experiment.begin(RunKind::Eval, name.as_str());
    let mut journal = journal(experiment, &plan, options.resume, &record)?;
    if let Some(record) = stored(experiment, &journal) {
        journal.remove()?;
        return Ok(already(experiment, record));
    }
    let told = journal.told().clone();
    journal.listen(Arc::clone(&experiment.project.heard));
    let record = RunRecord {
        id: journal.run_id().to_owned(),
        started_at: journal.started_at().to_owned(),
        plan: json!({"must_pass": plan.must_pass}),
        ..record
    };
    let sink = experiment.sink.as_ref();
    let interrupted = &experiment.interrupted;
    let run = run(&plan, &experiment.client, journal, sink, interrupted).await?;
    tell_reasons(experiment, name.as_str(), &run);
    let mut status = status_of(run.complete, run.never_reached, &run.result);
    let changed = changes(&told, &experiment.project.heard.all(), &plan.scope.secrets);
    let mut validity = validity(&run.result);
    if !changed.is_empty() {
        status = status.and(Status::Invalid);
        validity.verdict = ValidityVerdict::Invalid;
    }
    for change in &changed {
        experiment.warn(format!("eval `{name}`: {change}"));
    }
    validity.reasons.extend(changed);
    let record = RunRecord {
        duration_s: run.duration.as_secs_f64(),
        complete: run.complete,
        validity,
        eval: Some(run.result),
        ..record
    };
    let recorded = experiment.finish(record, status).await;
    if run.complete && recorded.status == status {
        // Only now: until the run is stored, the journal is all there is.
        run.journal.remove()?;
    } else {
        tell_resume(experiment, name.as_str(), options);
    }
    Ok(recorded)
}

/// Returns the run of a journal where it is stored complete: its process ended between storing it
/// and removing the journal.
fn stored(experiment: &Experiment, journal: &Journal) -> Option<RunRecord> {
    let id = journal.run_id().parse().ok()?;
    let record = experiment.store.read(&id).ok()?;
    record.complete.then_some(record)
}

/// Says that nothing is left of a run that is stored complete.
fn already(experiment: &Experiment, record: RunRecord) -> Recorded {
    let id = &record.id;
    experiment.note(format!(
        "run {id} was complete already: nothing is left to ask"
    ));
    let status = status_told(record.verdict);
    Recorded { record, status }
}

/// Returns how a run ended by the verdict that it was stored with.
fn status_told(verdict: Option<VerdictKind>) -> Status {
    match verdict {
        Some(VerdictKind::Passed) => Status::Passed,
        Some(VerdictKind::Failed) => Status::Failed,
        Some(VerdictKind::Inconclusive) => Status::Inconclusive,
        None => Status::Unmeasured,
    }
}

/// Returns what stages told differently before a run was interrupted and after, so that its answers
/// are of two releases; `told` is what they told before, by part.
fn changes(
    told: &BTreeMap<String, String>,
    heard: &BTreeMap<String, String>,
    secrets: &Secrets,
) -> Vec<String> {
    let changed = told.iter().filter_map(|(part, before)| {
        let now = heard.get(part).filter(|now| *now != before)?;
        let (before, now) = (secrets.redact(before), secrets.redact(now));
        Some(format!(
            "`release.{part}` was `{before}` before the run was interrupted and is `{now}` now, so that its \
             answers are of two releases"
        ))
    });
    changed.collect()
}

fn tell_resume(experiment: &Experiment, name: &str, options: &EvalOptions) {
    let (typed, again) = (&experiment.typed, options.typed());
    experiment.note(format!(
        "`stagegate {typed}eval {name}{again} --resume` continues this run"
    ));
}

fn tell_reasons(experiment: &Experiment, name: &str, run: &EvalRun) {
    for (case, reason) in run.reasons.iter().take(SHOWN_REASONS) {
        experiment.note(format!("eval `{name}`, {case}: {reason}"));
    }
    if run.reasons.len() > SHOWN_REASONS {
        let more = run.reasons.len() - SHOWN_REASONS;
        experiment.note(format!("eval `{name}`: and {more} more that did not pass"));
    }
}

/// Opens the journal: the newest incomplete one of the same suite, release, and golden set where
/// the run is resumed, else a new one.
fn journal(
    experiment: &Experiment,
    plan: &EvalPlan,
    resume: bool,
    record: &RunRecord,
) -> Result<Journal> {
    let folder = experiment.store.journals()?;
    let key = JournalKey {
        suite: plan.name.clone(),
        env: record.env.clone(),
        release: record.release.commit.clone().unwrap_or_default(),
        dirty: record.release.dirty,
        manifest: record.release.manifest.clone(),
        golden: plan.golden.digest.clone(),
        versions: record.release.versions.clone(),
    };
    if resume {
        if let Some(journal) = Journal::resume(&folder, &key, &plan.scope.secrets)? {
            let count = journal.answered();
            experiment.note(format!(
                "continuing: {count} answers are kept and not asked again"
            ));
            return Ok(journal);
        }
        let other = Journal::differs(&folder, &key)?;
        let why = other.map_or_else(String::new, |it| {
            format!("; the newest one of `{}` has {it}", plan.name)
        });
        experiment.note(format!(
            "there is no incomplete run of this release to continue{why}"
        ));
    }
    Ok(Journal::create(
        &folder,
        &key,
        &record.id,
        &record.started_at,
    )?)
}

/// Judges the asking itself: a machine that could not ask has measured nothing about the stage.
fn validity(result: &EvalResult) -> Validity {
    if !result.was_too_much() {
        return Validity::default();
    }
    let reason = "most requests could not be sent: this machine ran out of sockets, descriptors, \
                  or processes; lower `concurrency`, or raise `ulimit -n`";
    Validity {
        verdict: ValidityVerdict::Invalid,
        reasons: vec![reason.to_owned()],
    }
}

/// Returns how a suite ends, by the contract, section 2: failing cases alone do not fail it.
fn status_of(complete: bool, never_reached: bool, result: &EvalResult) -> Status {
    let asked = result.cases.len() as u64;
    let nothing_scored = asked > 0 && result.errors == asked;
    let status = measured(complete, never_reached);
    if result.was_too_much() {
        return status.and(Status::Invalid);
    }
    if nothing_scored || !result.must_pass_broken.is_empty() {
        status.and(Status::Failed)
    } else {
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::fixture;

    fn suite(errors: u64, must_pass_broken: &[&str]) -> EvalResult {
        EvalResult {
            errors,
            must_pass_broken: must_pass_broken.iter().map(|id| (*id).to_owned()).collect(),
            ..fixture("v1.0", "eval").eval.unwrap()
        }
    }

    #[test]
    fn failing_cases_alone_do_not_fail_a_suite() {
        use Status::{Failed, Interrupted, Invalid, Passed, Unmeasured};
        let of = |result| status_of(true, false, &result);
        // One of the three passed.
        assert_eq!(of(suite(0, &[])), Passed);
        assert_eq!(of(suite(2, &[])), Passed);
        assert_eq!(of(suite(3, &[])), Failed);
        assert_eq!(of(suite(0, &["q1"])), Failed);
        assert_eq!(status_of(true, true, &suite(3, &[])), Unmeasured);
        // security 25
        let mut own = suite(3, &["q1"]);
        let exhausted = |times| [("sockets exhausted".to_owned(), times)].into();
        own.error_kinds = exhausted(1);
        assert_eq!(
            (of(own.clone()), validity(&own)),
            (Failed, Validity::default())
        );
        own.error_kinds = exhausted(2);
        assert_eq!(of(own.clone()), Invalid);
        assert_eq!(validity(&own).verdict, ValidityVerdict::Invalid);
        assert_eq!(status_of(false, false, &suite(0, &["q1"])), Interrupted);
    }

    // security 8
    #[test]
    fn a_run_that_stages_answered_as_two_releases_is_invalid() {
        let of = |parts: &[(&str, &str)]| -> BTreeMap<String, String> {
            let parts = parts.iter();
            parts
                .map(|(part, version)| ((*part).to_owned(), (*version).to_owned()))
                .collect()
        };
        let (one, two) = (
            of(&[("model", "one")]),
            of(&[("model", "two"), ("index", "1")]),
        );
        let secrets = Secrets::default();
        for (told, heard) in [(&one, &one), (&of(&[]), &two), (&one, &of(&[]))] {
            assert_eq!(changes(told, heard, &secrets), [""; 0]);
        }
        let found = changes(&one, &two, &secrets);
        assert!(found[0].starts_with("`release.model` was `one` before"));
    }

    // security 17
    #[test]
    fn a_run_that_is_stored_ends_as_it_was_stored() {
        assert_eq!(status_told(Some(VerdictKind::Failed)), Status::Failed);
        assert_eq!(status_told(Some(VerdictKind::Passed)), Status::Passed);
        assert_eq!(
            status_told(Some(VerdictKind::Inconclusive)),
            Status::Inconclusive
        );
        assert_eq!(status_told(None), Status::Unmeasured);
    }
}
