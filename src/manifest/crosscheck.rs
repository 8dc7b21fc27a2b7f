//! What only several tables together can have wrong.

use super::checked::Manifest;
use super::checker::{Checker, Family};
use super::span::Span;
use super::table::eval::Eval;
use super::table::gate::Gate;
use super::table::load::Load;
use super::topology::Topology;
use crate::metric::{EvalPart, Metric};
use crate::registry::suggest;

/// Checks the calls, the pipelines, what the loads measure, and what the rules speak of.
pub(super) fn check(manifest: &Manifest, checker: &mut Checker<'_>) {
    cycles(manifest, checker);
    for pipeline in &manifest.pipelines {
        pipeline.check_order(&manifest.stages, checker);
    }
    for load in &manifest.loads {
        measured_once(load, manifest, checker);
        scored(load, manifest, checker);
    }
    if let Some(gate) = &manifest.gate {
        for rule in &gate.rules {
            if exists(&rule.metric, &rule.span, manifest, checker) {
                gated(&rule.metric, &rule.span, gate, checker);
            }
        }
    }
    for accept in &manifest.accept {
        if exists(&accept.metric, &accept.span, manifest, checker)
            && let Some(gate) = &manifest.gate
        {
            gated(&accept.metric, &accept.span, gate, checker);
        }
    }
}

fn cycles(manifest: &Manifest, checker: &mut Checker<'_>) {
    for cycle in Topology::new(manifest).cycles() {
        let first = cycle.first().and_then(|name| manifest.stage(name));
        let span = first.map_or(0..0, |stage| stage.span.clone());
        let message = format!("the calls go round in a circle: {}", cycle.join(" → "));
        let help = "Take one of these stages out of the `calls` of the one before it.".to_owned();
        checker.at(span, message, Some(help));
    }
}

/// Figures are kept by name: a stage cannot be a target and a step, nor a step twice, in one load.
fn measured_once(load: &Load, manifest: &Manifest, checker: &mut Checker<'_>) {
    let names = manifest.measured_by(load);
    for (place, name) in names.iter().enumerate() {
        if names[..place].contains(name) && !names[place + 1..].contains(name) {
            let message = format!("load `{}` would measure `{name}` twice", load.name);
            let help = "Give each a load of its own.".to_owned();
            checker.at(load.span.clone(), message, Some(help));
        }
    }
}

/// A suite scores answers of its own stage, which the load must call.
fn scored(load: &Load, manifest: &Manifest, checker: &mut Checker<'_>) {
    let suite = load.score_with.as_ref();
    let Some(suite) = suite.and_then(|suite| manifest.eval_named(suite.as_str())) else {
        return;
    };
    let mix = load.mix.iter().map(|scenario| scenario.target.as_str());
    let called = manifest.measured_by(load).into_iter().chain(mix);
    let called: Vec<&str> = called.collect();
    let stage = suite.stage.as_str();
    if !called.is_empty() && !called.contains(&stage) {
        let (load_name, suite_name) = (&load.name, &suite.name);
        let message = format!(
            "load `{load_name}` cannot be scored with `{suite_name}`: it does not call `{stage}`, whose answers that suite scores"
        );
        let help = format!("Add `{stage}` to its `target`, or take a suite of what it calls.");
        checker.at(load.span.clone(), message, Some(help));
    }
}

/// Checks that what a metric speaks of exists; where it is measured in part only, that is reported
/// and it exists.
fn exists(metric: &Metric, span: &Span, manifest: &Manifest, checker: &mut Checker<'_>) -> bool {
    let by = format!("metric `{metric}`");
    match metric {
        Metric::Run { .. } | Metric::Other(_) => false,
        Metric::Load { load, stage, .. } => {
            if !checker.exists(load, span, Family::Load, &by)
                || !checker.exists(stage, span, Family::Target, &by)
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
                checker.at(span.clone(), message, Some(help));
            }
            true
        }
        Metric::Eval { eval, part } => {
            if !checker.exists(eval, span, Family::Eval, &by) {
                return false;
            }
            if let Some(found) = manifest.eval_named(eval) {
                eval_part(found, part, span, checker);
            }
            true
        }
        Metric::Fault { fault, expectation } => {
            let expectation = expectation.key();
            if !checker.exists(fault, span, Family::Fault, &by) {
                return false;
            }
            let found = manifest.faults.iter().find(|it| it.name == *fault.as_str());
            if found.is_some_and(|it| !it.expect.contains_key(expectation)) {
                let message = format!("{by}: fault `{fault}` does not expect `{expectation}`");
                let help = format!("Add `{expectation}` to its `expect`.");
                checker.at(span.clone(), message, Some(help));
            }
            true
        }
    }
}

fn eval_part(eval: &Eval, part: &EvalPart, span: &Span, checker: &mut Checker<'_>) {
    let name = &eval.name;
    match part {
        EvalPart::PassRate | EvalPart::MustPass => {}
        EvalPart::Score(assertion) => {
            let names = eval.assertion_names();
            if !names.contains(assertion) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let message = format!("eval `{name}` has no assertion `{assertion}`");
                checker.at(span.clone(), message, suggest(assertion, &names));
            }
        }
        EvalPart::Slice(slice) => {
            let tag = slice.split('=').next().unwrap_or_default();
            // A tag may have `=` in its name.
            let is_of = |by: &String| {
                slice
                    .strip_prefix(by.as_str())
                    .is_some_and(|it| it.starts_with('='))
            };
            if !slice.contains('=') {
                let message = format!("`{slice}` is not a slice");
                let help = "Write it like `slice.\"lang=de\"`.".to_owned();
                checker.at(span.clone(), message, Some(help));
            } else if !eval.slice_by.iter().any(is_of) {
                let message = format!("eval `{name}` is not sliced by `{tag}`");
                let help = format!("Add `{tag}` to its `slice_by`.");
                checker.at(span.clone(), message, Some(help));
            }
        }
    }
}

/// A rule on what the gate does not run could never be judged.
fn gated(metric: &Metric, span: &Span, gate: &Gate, checker: &mut Checker<'_>) {
    let (list, names, name) = match metric {
        Metric::Load { load, .. } => ("loads", &gate.loads, load),
        Metric::Eval { eval, .. } => ("evals", &gate.evals, eval),
        Metric::Fault { fault, .. } => ("faults", &gate.faults, fault),
        Metric::Run { .. } | Metric::Other(_) => return,
    };
    if !names.iter().any(|it| *it == *name.as_str()) {
        let message = format!("metric `{metric}`: the gate does not run `{name}`");
        let help = format!("Add `{name}` to `{list}` of `[gate]`.");
        checker.at(span.clone(), message, Some(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::spoilt;

    #[test]
    fn a_circle_of_calls_is_named() {
        let text = spoilt(
            "url = \"{{ env.api }}/search\"",
            "url = \"{{ env.api }}/search\"\ncalls = [\"gateway\"]",
        );
        insta::assert_snapshot!(text, @r#"
x the calls go round in a circle: gateway → retrieve → gateway
    ,-[stagegate.toml:17:1]
 16 |
 17 | [stage.gateway]
    : ^^^^^^^^^^^^^^^
 18 | kind = "http"
    `----
  help: Take one of these stages out of the `calls` of the one before it.
"#);
    }
}
