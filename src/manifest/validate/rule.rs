//! `[[gate.rule]]` and `[[accept]]`: metrics that exist, and limits that fit them.

use toml::Spanned;

use super::{Heading, Known, exists, read, required};
use crate::manifest::document::Table;
use crate::manifest::error::Problems;
use crate::manifest::model::{Accept, Gate, Manifest, Rule, Span};
use crate::manifest::raw;
use crate::metric::{EvalPart, Limit, Metric, Unit, Written};
use crate::registry::suggest;

pub(super) fn rule(table: Table, problems: &mut Problems) -> Option<Rule> {
    let (raw, heading) = read::<raw::Rule>(table, &[], problems);
    let raw = raw?;
    let metric = required(raw.metric.clone(), "metric", &heading, problems)?;
    let name = parse(&metric, &heading, problems)?;
    let unit = name.unit();
    let mut limit = |written: Option<&Spanned<raw::Number>>, key: &str| {
        let written = written?;
        match limit(written.get_ref(), unit) {
            Ok(limit) => Some(limit),
            Err(reason) => {
                let message = format!("`{key}` of {}: {reason}", heading.what);
                problems.at(written.span(), message, None);
                None
            }
        }
    };
    let (min, max) = (
        limit(raw.min.as_ref(), "min"),
        limit(raw.max.as_ref(), "max"),
    );
    relative(&raw, unit, &heading, problems);
    let limited = raw.min.is_some()
        || raw.max.is_some()
        || raw.max_increase.is_some()
        || raw.max_drop.is_some();
    if !limited && heading.wrong.is_empty() {
        let message = format!("{} has no limit", heading.what);
        let help = match unit {
            Unit::Time => "Add `max = \"2s\"` or `max_increase = \"5%\"`.",
            Unit::Share => "Add `min`, `max`, or `max_drop = \"5%\"`.",
            Unit::Rate | Unit::Number => "Add `min` or `max`.",
        };
        problems.at(heading.span.clone(), message, Some(help.to_owned()));
    }
    if let (Some(low), Some(high), Some(written)) = (min, max, &raw.min)
        && low.value > high.value
    {
        let message = format!("`min` of {} is above its `max`", heading.what);
        problems.at(written.span(), message, None);
    }
    Some(Rule {
        metric: name,
        min,
        max,
        max_increase: raw.max_increase.map(Spanned::into_inner),
        max_drop: raw.max_drop.map(Spanned::into_inner),
        // The metric is what later checks point at.
        span: metric.span(),
    })
}

/// Times grow and shares drop; each has its own limit of change.
fn relative(raw: &raw::Rule, unit: Unit, heading: &Heading, problems: &mut Problems) {
    let wrong = [
        (&raw.max_increase, Unit::Time, "max_increase", "times"),
        (&raw.max_drop, Unit::Share, "max_drop", "shares"),
    ];
    for (written, fits, key, plural) in wrong {
        if let Some(written) = written
            && unit != fits
        {
            let message = format!("`{key}` of {} is for {plural} only", heading.what);
            let help = match unit {
                Unit::Time => "Use `max_increase`.",
                Unit::Share => "Use `max_drop`.",
                Unit::Rate | Unit::Number => "Use `min` or `max`.",
            };
            problems.at(written.span(), message, Some(help.to_owned()));
        }
    }
}

fn limit(written: &raw::Number, unit: Unit) -> Result<Limit, String> {
    let written = match written {
        raw::Number::Text(text) => Written::Text(text),
        raw::Number::Plain(number) => Written::Number(*number),
    };
    Limit::read(written, unit)
}

pub(super) fn accept(table: Table, problems: &mut Problems) -> Option<Accept> {
    let (raw, heading) = read::<raw::Accept>(table, &[], problems);
    let raw = raw?;
    let metric = required(raw.metric, "metric", &heading, problems);
    let up_to = required(raw.up_to, "up_to", &heading, problems);
    let until = required(raw.until, "until", &heading, problems);
    let reason = required(raw.reason, "reason", &heading, problems);
    let metric = metric?;
    let name = parse(&metric, &heading, problems)?;
    Some(Accept {
        up_to: up_to?,
        until: until?,
        reason: reason?,
        span: metric.span(),
        metric: name,
    })
}

fn parse(metric: &Spanned<String>, heading: &Heading, problems: &mut Problems) -> Option<Metric> {
    match Metric::parse(metric.get_ref()) {
        Ok(name) => Some(name),
        Err(wrong) => {
            let message = format!("`metric` of {}: {}", heading.what, wrong.message);
            problems.at(metric.span(), message, wrong.help);
            None
        }
    }
}

/// Checks that what rules and accepted changes speak of exists, and that the gate measures it.
pub(super) fn subjects(manifest: &Manifest, known: &Known, problems: &mut Problems) {
    if let Some(gate) = &manifest.gate {
        for rule in &gate.rules {
            if subject(&rule.metric, &rule.span, manifest, known, problems) {
                measured(&rule.metric, &rule.span, gate, problems);
            }
        }
    }
    for accept in &manifest.accept {
        subject(&accept.metric, &accept.span, manifest, known, problems);
    }
}

fn subject(
    metric: &Metric,
    span: &Span,
    manifest: &Manifest,
    known: &Known,
    problems: &mut Problems,
) -> bool {
    let by = format!("metric `{metric}`");
    match metric {
        Metric::Run { .. } | Metric::Other(_) => false,
        Metric::Load { load, stage, .. } => {
            if !exists(load, span, ("load", &known.loads), &by, problems)
                || !exists(
                    stage,
                    span,
                    ("stage or pipeline", &known.targets()),
                    &by,
                    problems,
                )
            {
                return false;
            }
            let Some(found) = manifest.load_named(load) else {
                return false;
            };
            let called = manifest.measured_by(found);
            if !called.is_empty() && !called.contains(&stage.as_str()) {
                let message = format!("{by}: load `{load}` does not call `{stage}`");
                let help = format!("Add `{stage}` to the `target` of load `{load}`.");
                problems.at(span.clone(), message, Some(help));
            }
            true
        }
        Metric::Eval { eval, part } => {
            exists(eval, span, ("eval", &known.evals), &by, problems) && {
                eval_part(eval, part, span, manifest, problems);
                true
            }
        }
        Metric::Fault { fault, expectation } => {
            let expectation = expectation.key();
            if !exists(fault, span, ("fault", &known.faults), &by, problems) {
                return false;
            }
            let found = manifest.faults.iter().find(|it| it.name == *fault.as_str());
            if found.is_some_and(|it| !it.expect.contains_key(expectation)) {
                let message = format!("{by}: fault `{fault}` does not expect `{expectation}`");
                let help = format!("Add `{expectation}` to its `expect`.");
                problems.at(span.clone(), message, Some(help));
            }
            true
        }
    }
}

fn eval_part(
    eval: &str,
    part: &EvalPart,
    span: &Span,
    manifest: &Manifest,
    problems: &mut Problems,
) {
    let Some(found) = manifest.eval_named(eval) else {
        return;
    };
    match part {
        EvalPart::PassRate | EvalPart::MustPass => {}
        EvalPart::Score(assertion) => {
            let names = found.assertion_names();
            if !names.contains(assertion) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let message = format!("eval `{eval}` has no assertion `{assertion}`");
                problems.at(span.clone(), message, suggest(assertion, &names));
            }
        }
        EvalPart::Slice(slice) => {
            let tag = slice.split('=').next().unwrap_or_default();
            if !slice.contains('=') {
                let message = format!("`{slice}` is not a slice");
                let help = "Write it like `slice.\"lang=de\"`.".to_owned();
                problems.at(span.clone(), message, Some(help));
            } else if !found.slice_by.iter().any(|by| by == tag) {
                let message = format!("eval `{eval}` is not sliced by `{tag}`");
                let help = format!("Add `{tag}` to its `slice_by`.");
                problems.at(span.clone(), message, Some(help));
            }
        }
    }
}

/// A rule on what the gate does not run could never be judged.
fn measured(metric: &Metric, span: &Span, gate: &Gate, problems: &mut Problems) {
    let (list, names, name) = match metric {
        Metric::Load { load, .. } => ("loads", &gate.loads, load),
        Metric::Eval { eval, .. } => ("evals", &gate.evals, eval),
        Metric::Fault { fault, .. } => ("faults", &gate.faults, fault),
        Metric::Run { .. } | Metric::Other(_) => return,
    };
    if !names.iter().any(|it| *it == *name.as_str()) {
        let message = format!("metric `{metric}`: the gate does not run `{name}`");
        let help = format!("Add `{name}` to `{list}` of `[gate]`.");
        problems.at(span.clone(), message, Some(help));
    }
}
