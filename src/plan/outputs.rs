//! What stages bring, against what the rest of the manifest wants of them: what never could be
//! found, or known, is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::eval::needs;
use crate::manifest::{Eval, KindTable, Manifest, Problem};
use crate::metric::{Figure, LatencyMetric, Metric, ShareMetric};
use crate::name::Name;
use crate::protocol::{Call, KNOWN_OUTPUTS};
use crate::registry::{did_you_mean, suggest};

/// Stages ready to be called, by name.
type Calls = BTreeMap<Name, Arc<dyn Call>>;

/// Returns every output that is wanted and not there, or there and not wanted by mistake, and every
/// limit on a number that no answer can tell.
pub(super) fn check(manifest: &Manifest, calls: &Calls) -> Vec<Problem> {
    let (used, mut problems) = references(manifest, calls);
    for stage in &manifest.stages {
        let Some(call) = calls.get(&stage.name) else {
            continue;
        };
        let call = call.as_ref();
        problems.extend(misspelt(&stage.kind, &used, stage.name.as_str(), call));
        problems.extend(documents(&stage.kind, calls, call));
        for slo in &stage.slo {
            if let Some((reason, help)) = unknowable(&slo.figure, call) {
                let message = format!("`slo.{}` of stage `{}` {reason}", slo.figure, stage.name);
                problems.push(Problem::new(&slo.span, message, Some(help.to_owned())));
            }
        }
    }
    for rule in manifest.gate.iter().flat_map(|gate| &gate.rules) {
        if let Metric::Load { stage, figure, .. } = &rule.metric
            && let Some((_, call)) = calls.iter().find(|(name, _)| **name == *stage.as_str())
            && let Some((reason, help)) = unknowable(figure, call.as_ref())
        {
            let message = format!("metric `{}` {reason}", rule.metric);
            problems.push(Problem::new(&rule.span, message, Some(help.to_owned())));
        }
    }
    problems.extend(rankings(manifest, calls));
    problems
}

/// Checks every `{{ steps.STAGE.OUTPUT }}`; returns the pairs that are used, and what is wrong.
fn references(manifest: &Manifest, calls: &Calls) -> (BTreeSet<(String, String)>, Vec<Problem>) {
    let stages = manifest.stages.iter().map(|stage| &stage.kind);
    let asserts = manifest.evals.iter().flat_map(|eval| &eval.asserts);
    let (mut used, mut problems) = (BTreeSet::new(), Vec::new());
    for table in stages.chain(asserts) {
        for (reference, span) in table.references() {
            let [root, step, output, ..] = reference.as_slice() else {
                continue;
            };
            let call = calls.iter().find(|(name, _)| **name == *step.as_str());
            let Some((_, call)) = call.filter(|_| root == "steps") else {
                continue;
            };
            used.insert((step.clone(), output.clone()));
            let names = call.brings().names();
            if !names.contains(&output.as_str()) {
                let message = format!("{}: stage `{step}` has no output `{output}`", table.what());
                problems.push(Problem::new(&span, message, suggest(output, &names)));
            }
        }
    }
    (used, problems)
}

/// A name that nobody uses and that is nearly one with a meaning was meant to be that.
fn misspelt(
    table: &KindTable,
    used: &BTreeSet<(String, String)>,
    stage: &str,
    call: &dyn Call,
) -> Vec<Problem> {
    let made_up = call.brings().made_up();
    let unused = made_up
        .into_iter()
        .filter(|name| !used.contains(&(stage.to_owned(), (*name).to_owned())));
    let wrong = unused.filter_map(|name| {
        let near = did_you_mean(name, KNOWN_OUTPUTS)?;
        let message = format!("unknown output `{name}` of stage `{stage}`, which no other uses");
        let help = format!("Did you mean `{near}`?");
        let span = table.key_span_inside("output", name);
        Some(Problem::new(&span, message, Some(help)))
    });
    wrong.collect()
}

/// Positions need documents to be of.
fn documents(table: &KindTable, calls: &Calls, call: &dyn Call) -> Option<Problem> {
    let step = call.documents_of()?;
    let (_, giving) = calls.iter().find(|(name, _)| **name == *step)?;
    if giving.brings().names().contains(&"ids") {
        return None;
    }
    let message = format!(
        "`output.order` of {}: stage `{step}`, which gives the documents, has no `output.ids`",
        table.what()
    );
    let help = format!("Add `ids = \"$.hits[*].id\"` to the `output` of stage `{step}`.");
    let span = table.span_inside("output", "order");
    Some(Problem::new(&span, message, Some(help)))
}

/// Returns why a number of a stage can never be known, and what to do.
fn unknowable(figure: &Figure, call: &dyn Call) -> Option<(&'static str, &'static str)> {
    let has = |name: &str| call.brings().names().contains(&name);
    match figure {
        Figure::Share(ShareMetric::FallbackRate) if !has("fallback") => Some((
            "can never be known: no answer says whether it is a fallback",
            "Add `output = { fallback = \"$.degraded\" }`, or `{ header = \"x-fallback\" }` as its value.",
        )),
        Figure::Latency(LatencyMetric::HitTime | LatencyMetric::MissTime, _) if !has("hit") => {
            Some((
                "can never be known: no answer says whether a cache had it",
                "Add `output = { hit = { header = \"x-cache\" } }`.",
            ))
        }
        Figure::Latency(
            LatencyMetric::Ttft
            | LatencyMetric::TtftSched
            | LatencyMetric::Tpot
            | LatencyMetric::ChunkGap
            | LatencyMetric::MaxStall,
            _,
        ) if !call.streams() => Some((
            "can never be known: the answer is no stream",
            "Write `stream = true`, or take a limit on `response_time`.",
        )),
        _ => None,
    }
}

/// Rankings are of ids.
fn rankings(manifest: &Manifest, calls: &Calls) -> Vec<Problem> {
    let of_suite = |eval: &Eval| {
        let steps = manifest.steps_of(&eval.stage);
        let all: Option<Vec<_>> = steps.iter().map(|step| calls.get(step)).collect();
        // A stage that is wrong itself has been reported.
        let all = all.unwrap_or_default();
        let mut brought = all.iter().flat_map(|call| call.brings().names());
        let is_wrong = !all.is_empty() && !brought.any(|name| name == "ids");
        let wrong = eval
            .asserts
            .iter()
            .filter(|_| is_wrong)
            .filter_map(|table| {
                let output = needs(&table.kind)?;
                let message = format!(
                    "`{}` of eval `{}` can never be scored: `{}` has no `output.{output}`",
                    table.kind, eval.name, eval.stage
                );
                let help = format!("Add `{output} = \"$.hits[*].id\"` to its `output`.");
                Some(Problem::new(&table.kind_span, message, Some(help)))
            });
        wrong.collect::<Vec<_>>()
    };
    manifest.evals.iter().flat_map(of_suite).collect()
}
