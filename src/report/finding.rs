//! What a result says passed or failed, one by one: what `junit` and `github` show.

use super::content::eval::why;
use super::format::{number, percent, time_ms};
use super::view::{CheckReport, View};
use crate::error::Fault;
use crate::manifest::IdleKey;
use crate::metric::Unit;
use crate::record::{Change, Comparison, DiffDocument, dirty_sentence};
use crate::record::{EvalResult, RunRecord, SloResult, ValidityVerdict, VerdictKind};

/// Something that was judged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    /// What it belongs to: `load peak`, `eval answers`, `gate`.
    pub(super) suite: String,
    pub(super) name: String,
    /// What it is about, as a rule of the manifest would name it.
    pub(super) subject: Subject,
    pub(super) outcome: Outcome,
    pub(super) seconds: Option<f64>,
}

/// Where in the manifest something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A dotted metric, else the stage or suite that it is of.
    Metric(String),
    Slo {
        stage: String,
        metric: String,
    },
    Eval(String),
    Load(String),
    Stage(String),
    /// A line of the manifest, counted from 1.
    Line(u64),
    /// A file, and its line where one is known.
    File(String, Option<u64>),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// It passed, and there is something to know.
    Warned(String),
    Failed(String),
    /// Too little data, or a measurement that is no good.
    Unknown(String),
    /// Nothing could be judged, because something did not answer.
    Error(String),
}

/// Returns everything that was judged; nothing for a list of runs.
pub(super) fn findings(view: &View<'_>) -> Vec<Finding> {
    match *view {
        View::Run(run) => of_run(run),
        View::Session(runs) => runs.iter().flat_map(of_run).collect(),
        View::Diff(diff) => of_diff(diff),
        View::Check(check) => {
            let probed = check
                .stages
                .iter()
                .filter_map(|stage| Some((stage, stage.probe.as_ref()?)));
            let finding = |(stage, probe): (&super::StageCheck, &super::ProbeResult)| Finding {
                suite: "check".to_owned(),
                name: format!("{} answers", stage.name),
                subject: Subject::Stage(stage.name.clone()),
                outcome: if probe.ok {
                    Outcome::Passed
                } else {
                    Outcome::Error(probe.error.clone().unwrap_or_default())
                },
                seconds: probe.response_time_ms.map(|ms| ms / 1e3),
            };
            let idle = check.missing.iter().chain(&check.warnings);
            let idle = idle.map(|idle| of_idle(idle, &check.manifest));
            let valid = std::iter::once(valid(check));
            valid.chain(probed.map(finding)).chain(idle).collect()
        }
        View::Error(document) => document.errors.iter().map(of_fault).collect(),
        View::Runs(_) | View::Calibration(_) => Vec::new(),
    }
}

/// A manifest that is wrong has no report.
fn valid(check: &CheckReport) -> Finding {
    Finding {
        suite: "check".to_owned(),
        name: format!("{} is valid", check.manifest),
        subject: Subject::Metric(String::new()),
        outcome: Outcome::Passed,
        seconds: None,
    }
}

fn of_fault(fault: &Fault) -> Finding {
    let help = fault.help.as_deref().map(|help| format!("; {help}"));
    Finding {
        suite: "stagegate".to_owned(),
        name: fault.key.clone().unwrap_or_else(|| fault.message.clone()),
        subject: match &fault.file {
            Some(file) => Subject::File(file.clone(), fault.line),
            None => Subject::Metric(String::new()),
        },
        outcome: Outcome::Error(fault.located() + help.as_deref().unwrap_or_default()),
        seconds: None,
    }
}

fn of_idle(idle: &IdleKey, manifest: &str) -> Finding {
    // A line of a `--set` is none of the manifest.
    let at_line = idle.file == manifest;
    Finding {
        suite: "check".to_owned(),
        name: idle.key.clone(),
        subject: if at_line {
            Subject::Line(idle.line)
        } else {
            Subject::Metric(String::new())
        },
        outcome: Outcome::Warned(format!("{}:{}: {}", idle.file, idle.line, idle.message)),
        seconds: None,
    }
}

fn of_run(run: &RunRecord) -> Vec<Finding> {
    let suite = format!("{} {}", run.kind.word(), run.name);
    let mut found = Vec::new();
    let subject = || Subject::Load(run.name.clone());
    if run.validity.verdict == ValidityVerdict::Invalid {
        found.push(Finding {
            suite: suite.clone(),
            name: "the measurement is valid".to_owned(),
            subject: subject(),
            outcome: Outcome::Unknown(run.validity.reasons.join("; ")),
            seconds: None,
        });
    }
    if !run.complete {
        found.push(Finding {
            suite: suite.clone(),
            name: "the run is complete".to_owned(),
            subject: subject(),
            outcome: Outcome::Error("it was interrupted".to_owned()),
            seconds: None,
        });
    }
    for (stage, result) in &run.stages {
        let answers = if result.attempted > 0 && result.failed == result.attempted {
            let kinds: Vec<&str> = result.errors.keys().map(String::as_str).collect();
            Outcome::Failed(format!("every request failed: {}", kinds.join(", ")))
        } else if result.failed > 0 && result.slo.is_empty() {
            Outcome::Warned(format!(
                "{} of {} requests failed, and no SLO judges that",
                result.failed, result.attempted
            ))
        } else {
            Outcome::Passed
        };
        found.push(Finding {
            suite: suite.clone(),
            name: format!("{stage} answers"),
            subject: Subject::Stage(stage.clone()),
            outcome: answers,
            seconds: Some(run.duration_s),
        });
        found.extend(result.slo.iter().map(|slo| of_slo(&suite, stage, slo)));
    }
    if let Some(eval) = &run.eval {
        found.extend(of_cases(&suite, &run.name, eval));
    }
    found
}

fn of_slo(suite: &str, stage: &str, slo: &SloResult) -> Finding {
    let show = |value: f64| match slo.metric.unit() {
        Unit::Time => time_ms(value),
        Unit::Share | Unit::Rate | Unit::Number => number(value),
    };
    let value = slo.value.map_or_else(|| "not known".to_owned(), show);
    let above = slo.above.filter(|_| slo.value.is_none());
    let above = above.map_or_else(String::new, |above| format!(", {above} were above it"));
    let said = format!(
        "{} of {stage} is {value}, limit {}{above}",
        slo.metric,
        show(slo.limit)
    );
    Finding {
        suite: suite.to_owned(),
        name: format!("{stage} keeps {}", slo.metric),
        subject: Subject::Slo {
            stage: stage.to_owned(),
            metric: slo.metric.to_string(),
        },
        outcome: match slo.met {
            Some(true) => Outcome::Passed,
            Some(false) => Outcome::Failed(said),
            None => Outcome::Unknown(format!(
                "{said}: too few samples, or requests that were still open"
            )),
        },
        seconds: None,
    }
}

fn of_cases(suite: &str, name: &str, eval: &EvalResult) -> Vec<Finding> {
    let several = eval.repeats > 1;
    let finding = |case: &crate::record::CaseResult| Finding {
        suite: suite.to_owned(),
        name: if several {
            format!("{} (repeat {})", case.id, case.repeat + 1)
        } else {
            case.id.clone()
        },
        subject: Subject::Eval(name.to_owned()),
        outcome: match (&case.error, case.passed) {
            (Some(error), _) => Outcome::Error(error.clone()),
            (None, true) => Outcome::Passed,
            (None, false) => Outcome::Failed(missed(case)),
        },
        seconds: case.response_time_ms.map(|ms| ms / 1e3),
    };
    eval.cases.iter().map(finding).collect()
}

fn missed(case: &crate::record::CaseResult) -> String {
    let answer = case.output.as_deref().unwrap_or("none");
    format!("{}; answer: {answer}", why(case))
}

fn of_diff(diff: &DiffDocument) -> Vec<Finding> {
    if diff.interrupted {
        return vec![of_gate("verdict", Outcome::Error(diff.summary.clone()))];
    }
    // Whatever turns the verdict is a finding: also a pass rate, of a suite or a slice, that has no
    // rule.
    let counts = |it: &&Comparison| it.rule.is_some() || is_loss(it);
    let judged = diff.comparisons.iter().filter(counts);
    let mut found: Vec<Finding> = judged.map(of_comparison).collect();
    found.extend(
        dirty_sentence(diff.head.dirty, &diff.head.dirt)
            .map(|said| of_gate("the release is its commit", Outcome::Warned(said))),
    );
    // Without a base, why there is none is part of the verdict.
    let is_alone = diff.base.runs.is_empty();
    let passed_over = diff.base.passed_over.iter().filter(|_| is_alone);
    found.extend(passed_over.map(|said| of_gate("there is a base", Outcome::Warned(said.clone()))));
    let worst = found.iter().map(|it| severity(&it.outcome)).max();
    // What no comparison accounts for, the sentence does: nothing compared, or a run that was
    // refused.
    if worst != Some(severity(&outcome(Some(diff.verdict), String::new()))) {
        found.push(of_gate(
            "verdict",
            outcome(Some(diff.verdict), diff.summary.clone()),
        ));
    }
    found
}

/// Makes a finding about a gate as a whole.
fn of_gate(name: &str, outcome: Outcome) -> Finding {
    Finding {
        suite: "gate".to_owned(),
        name: name.to_owned(),
        subject: Subject::Metric(String::new()),
        outcome,
        seconds: None,
    }
}

/// Returns whether a pass rate without a rule is shown to be lower, which fails the whole.
fn is_loss(comparison: &Comparison) -> bool {
    comparison.rule.is_none()
        && comparison.verdict == Change::Regressed
        && comparison.metric.is_pass_rate()
}

/// Orders outcomes as verdicts are: what failed counts before what cannot be told.
const fn severity(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Passed | Outcome::Warned(_) => 0,
        Outcome::Unknown(_) => 1,
        Outcome::Failed(_) | Outcome::Error(_) => 2,
    }
}

fn of_comparison(comparison: &Comparison) -> Finding {
    let in_unit = |value: f64| match comparison.metric.unit() {
        Unit::Time => time_ms(value),
        Unit::Share => percent(value),
        Unit::Rate => format!("{}/s", number(value)),
        Unit::Number => number(value),
    };
    let shown = |value: Option<f64>| value.map_or_else(|| "not known".to_owned(), in_unit);
    let loss = is_loss(comparison).then_some("no loss may be shown");
    let rule = comparison.rule.as_deref().or(loss).unwrap_or_default();
    let mut said = format!(
        "{} is {}, was {}; rule: {rule}",
        comparison.metric,
        shown(comparison.head),
        shown(comparison.base),
    );
    for more in [
        comparison.owner.as_ref().map(|it| format!("owner: {it}")),
        comparison.note.clone(),
    ]
    .into_iter()
    .flatten()
    {
        said.push_str("; ");
        said.push_str(&more);
    }
    Finding {
        suite: "gate".to_owned(),
        // Two limits on one metric are two tests.
        name: format!("{} {rule}", comparison.metric)
            .trim_end()
            .to_owned(),
        subject: Subject::Metric(comparison.metric.to_string()),
        outcome: match loss {
            Some(_) => Outcome::Failed(said),
            None => outcome(comparison.outcome, said),
        },
        seconds: None,
    }
}

fn outcome(verdict: Option<VerdictKind>, said: String) -> Outcome {
    match verdict {
        Some(VerdictKind::Passed) => Outcome::Passed,
        Some(VerdictKind::Failed) => Outcome::Failed(said),
        Some(VerdictKind::Inconclusive) | None => Outcome::Unknown(said),
    }
}
