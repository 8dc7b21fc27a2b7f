//! The line that a report of anything judged ends with: made of what is stored, for every format
//! that people read.

use super::super::block::{Conclusion, Outcome};
use super::super::format::{count, duration_s, plural, release};
use super::super::page::{Doubt, Page};
use super::super::text::{clean, cut};
use super::super::view::{CheckReport, View};
use super::{diff, metric, run};
use crate::record::{
    DiffDocument, EvalResult, Reason, RunKind, RunRecord, SloResult, StageResult, ValidityVerdict,
    VerdictKind,
};

/// More reasons than this are only counted.
const NAMED: usize = 2;

/// A reason that was written by a server or a machine is cut to so many columns.
const LONGEST: usize = 160;

/// Returns the line; `None` of what is only shown.
pub(in crate::report) fn of(view: &View<'_>, page: &Page) -> Option<Conclusion> {
    let line = match view {
        View::Run(run) => of_run(run),
        View::Session(runs) => of_runs(runs)?,
        View::Diff(diff) => of_diff(diff, page.doubt),
        View::Check(check) => of_check(check),
        View::Runs(_) | View::Calibration(_) | View::Error(_) => return None,
    };
    Some(Conclusion {
        next: page.next.clone().unwrap_or(line.next),
        ..line
    })
}

/// What to do next.
fn next(what: &str) -> String {
    format!("next: {what}")
}

fn of_diff(diff: &DiffDocument, doubt: Doubt) -> Conclusion {
    let outcome = diff::ended(diff);
    let say = |it: &Reason| {
        let text = cut(&clean(&it.short.replace('`', "")), LONGEST);
        match &it.owner {
            Some(owner) => format!("{text} ({owner})"),
            None => text,
        }
    };
    let (decided, beside): (Vec<&Reason>, Vec<&Reason>) =
        diff.reasons.iter().partition(|it| it.decided);
    let mut reasons: Vec<String> = decided.into_iter().map(say).collect();
    reasons.extend(beside.into_iter().map(|it| format!("also: {}", say(it))));
    if reasons.is_empty() {
        // A document of version 1.0 has its sentence alone.
        reasons.push(cut(&clean(&diff.summary), LONGEST));
    }
    let counted = match (outcome, doubt) {
        (Outcome::Judged(VerdictKind::Inconclusive), Doubt::Failed) => Some("counts as failed"),
        (Outcome::Judged(VerdictKind::Inconclusive), Doubt::Neutral) => Some("counts as passed"),
        _ => None,
    };
    reasons.extend(counted.map(str::to_owned));
    Conclusion {
        outcome,
        subject: format!(
            "{} → {}",
            diff::short_side(&diff.base),
            diff::short_side(&diff.head)
        ),
        reasons,
        next: match outcome {
            Outcome::Judged(VerdictKind::Passed) => "ship".to_owned(),
            Outcome::Judged(VerdictKind::Failed) => "do not ship".to_owned(),
            Outcome::Interrupted => next("run it again"),
            _ if diff.base.id.is_none() => next("measure another release against this one"),
            _ => next("measure what is missing, then judge again"),
        },
    }
}

fn of_check(check: &CheckReport) -> Conclusion {
    let probes: Vec<_> = check
        .stages
        .iter()
        .filter_map(|it| it.probe.as_ref())
        .collect();
    let failed = probes.iter().filter(|probe| !probe.ok).count();
    let silent = check
        .stages
        .iter()
        .filter(|it| it.probe.as_ref().is_some_and(|it| !it.ok));
    let whose = silent.map(|it| match &it.owner {
        Some(owner) => format!("{} does not answer ({owner})", it.name),
        None => format!("{} does not answer", it.name),
    });
    let told = (check.missing.len() + check.warnings.len()) as u64;
    let warned = (told > 0).then(|| plural(told, "warning"));
    let (verdict, what) = match (probes.len(), failed) {
        (0, _) => (
            VerdictKind::Passed,
            "`stagegate check --probe` calls each stage once",
        ),
        (_, 0) => (VerdictKind::Passed, "`stagegate gate`"),
        _ => (
            VerdictKind::Failed,
            "start it, or choose another environment with `-e`",
        ),
    };
    let (outcome, what) = if check.interrupted {
        (Outcome::Interrupted, "run it again")
    } else {
        (Outcome::Judged(verdict), what)
    };
    Conclusion {
        outcome,
        subject: format!("{} is valid", check.manifest),
        reasons: few(whose.collect()).into_iter().chain(warned).collect(),
        next: next(what),
    }
}

/// Joins the lines of several runs: the worst of them is how the whole ended.
fn of_runs(runs: &[RunRecord]) -> Option<Conclusion> {
    let lines: Vec<(&RunRecord, Conclusion)> = runs.iter().map(|it| (it, of_run(it))).collect();
    let (_, worst) = lines.iter().min_by_key(|(_, line)| urgency(line.outcome))?;
    let (outcome, next) = (worst.outcome, worst.next.clone());
    let mut reasons = Vec::new();
    for (run, line) in lines.iter().filter(|(_, line)| line.outcome == outcome) {
        let first = line.reasons.iter().take(1);
        reasons.extend(first.map(|it| format!("{} {}: {it}", run.kind.word(), run.name)));
    }
    Some(Conclusion {
        outcome,
        subject: plural(runs.len() as u64, "run"),
        reasons: few(reasons),
        next,
    })
}

/// The order in which outcomes count, as exit codes do.
const fn urgency(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Refused | Outcome::Interrupted => 0,
        Outcome::Unmeasured => 1,
        Outcome::Judged(VerdictKind::Failed) => 2,
        Outcome::Judged(VerdictKind::Inconclusive) => 3,
        Outcome::Judged(VerdictKind::Passed) => 4,
        Outcome::Measured => 5,
    }
}

fn of_run(run: &RunRecord) -> Conclusion {
    let outcome = run::outcome(run);
    let who = &run.release;
    let release = release(who.commit.as_deref(), who.tag.as_deref(), who.dirty);
    Conclusion {
        outcome,
        subject: format!("{} {} · {release}", run.kind.word(), run.name),
        reasons: few(reasons(run, outcome)),
        next: next_of_run(run, outcome),
    }
}

fn reasons(run: &RunRecord, outcome: Outcome) -> Vec<String> {
    let of_limit = run.limit.iter().map(|it| it.summary.replace('`', ""));
    let of_profile = run.profile.iter().filter_map(|it| it.summary.as_ref());
    let told = of_limit.chain(of_profile.map(|it| it.trim_end_matches('.').replace('`', "")));
    let cases = run.eval.iter().map(cases);
    match outcome {
        Outcome::Interrupted => vec![format!("stopped after {}", duration_s(run.duration_s))],
        Outcome::Unmeasured | Outcome::Refused => unreached(run),
        Outcome::Judged(VerdictKind::Failed) => {
            let must = run.eval.iter().flat_map(|it| &it.must_pass_broken);
            let must = must.map(|id| format!("{id} must pass and did not"));
            let all: Vec<String> = must.chain(slos(run, Some(false))).chain(told).collect();
            if all.is_empty() { unreached(run) } else { all }
        }
        Outcome::Judged(VerdictKind::Inconclusive) => {
            let invalid = run.validity.verdict == ValidityVerdict::Invalid;
            let why = run.validity.reasons.iter().filter(|_| invalid);
            let why = why.map(|it| cut(&clean(it), LONGEST));
            why.chain(slos(run, None)).chain(told).collect()
        }
        Outcome::Judged(VerdictKind::Passed) => {
            let kept = run.stages.values().flat_map(|it| &it.slo).count() as u64;
            let kept = (kept > 0).then(|| format!("{} kept", plural(kept, "SLO")));
            kept.into_iter().chain(cases).chain(told).collect()
        }
        Outcome::Measured => {
            let nothing = run
                .eval
                .is_none()
                .then(|| "no SLO to judge it by".to_owned());
            cases.chain(told).chain(nothing).collect()
        }
    }
}

fn cases(eval: &EvalResult) -> String {
    let (passed, all) = super::eval::passed(eval);
    format!("{} of {} passed", count(passed), plural(all, "case"))
}

/// Returns the SLOs that came out so, each with its stage's owner.
fn slos(run: &RunRecord, met: Option<bool>) -> Vec<String> {
    let say = |name: &str, stage: &StageResult, slo: &SloResult| {
        let unit = slo.metric.unit();
        let value = match slo.value {
            Some(value) => metric::value(unit, Some(value)),
            None if met.is_none() => "cannot be told".to_owned(),
            None => "is missed".to_owned(),
        };
        let limit = super::load::limit(slo);
        let owner = stage.owner.as_ref().map(|owner| format!(" ({owner})"));
        let owner = owner.unwrap_or_default();
        format!("{name} {} {value}, limit {limit}{owner}", slo.metric)
    };
    let mut said = Vec::new();
    for (name, stage) in &run.stages {
        let alike = stage.slo.iter().filter(|slo| slo.met == met);
        said.extend(alike.map(|slo| say(name, stage, slo)));
    }
    said
}

/// Says which stages failed with every request, and of what.
fn unreached(run: &RunRecord) -> Vec<String> {
    let all_failed = |it: &(&String, &StageResult)| it.1.attempted > 0 && it.1.ok == 0;
    let of_stage = |(name, stage): (&String, &StageResult)| {
        let kinds: Vec<&str> = stage.errors.keys().map(String::as_str).collect();
        format!(
            "every request to {name} failed: {}",
            clean(&kinds.join(", "))
        )
    };
    let stages = run.stages.iter().filter(all_failed).map(of_stage);
    let errors = run.eval.iter().filter(|it| !it.error_kinds.is_empty());
    let errors = errors.map(|eval| {
        let kinds: Vec<&str> = eval.error_kinds.keys().map(String::as_str).collect();
        let errors = plural(eval.errors, "answer");
        format!("{errors} errored: {}", clean(&kinds.join(", ")))
    });
    stages.chain(errors).collect()
}

/// Keeps the first few and counts the others.
fn few(mut all: Vec<String>) -> Vec<String> {
    if all.len() > NAMED {
        let more = all.len() - NAMED;
        all.truncate(NAMED);
        all.push(format!("and {more} more"));
    }
    all
}

fn next_of_run(run: &RunRecord, outcome: Outcome) -> String {
    match (outcome, run.kind) {
        (Outcome::Interrupted, RunKind::Eval) => next("go on with `--resume`"),
        (Outcome::Interrupted, _) => next("run it again"),
        (Outcome::Unmeasured | Outcome::Refused, _) => next("`stagegate check --probe`"),
        (Outcome::Judged(VerdictKind::Failed), RunKind::Load | RunKind::Limit) => {
            next("`stagegate profile` shows where the time goes")
        }
        (Outcome::Judged(VerdictKind::Failed), _) => next("mend it, then run it again"),
        (Outcome::Judged(VerdictKind::Inconclusive), _) => next("measure longer, or again"),
        (Outcome::Measured, RunKind::Load) => next("give a stage an `slo`, or `stagegate gate`"),
        (Outcome::Judged(VerdictKind::Passed) | Outcome::Measured, _) => next("`stagegate gate`"),
    }
}
