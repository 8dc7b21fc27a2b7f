//! Quality under load: what came back while the clock ran is scored when it has stopped.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::eval::{GradedCase, score};
use crate::load::{Captured, LoadPlan};
use crate::manifest::Load;
use crate::plan::{Project, eval_plan};
use crate::store::EvalResult;

/// Scores the captured answers with the suite that the load names: every ok answer of the suite's stage to a case of
/// the suite's golden set. The answers to one case count as its repeats.
pub(super) fn score_captured(
    project: &Project,
    load: &Load,
    plan: &LoadPlan,
    captured: Vec<Captured>,
) -> Result<Option<EvalResult>> {
    let suite = load
        .score_with
        .as_ref()
        .and_then(|name| project.manifest.eval_named(name.as_str()));
    let Some(suite) = suite else {
        return Ok(None);
    };
    let mut suite_plan = eval_plan(project, suite, None, &[])?;
    let place: BTreeMap<&str, usize> = suite_plan
        .golden
        .cases
        .iter()
        .enumerate()
        .map(|(index, case)| (case.id.as_str(), index))
        .collect();
    let mut repeats: BTreeMap<usize, u32> = BTreeMap::new();
    let mut graded = Vec::new();
    for answer in captured {
        let is_graded = plan.name(answer.recorder) == suite_plan.stage;
        let sent = plan.flows[answer.flow].cases.ids.get(answer.case);
        let index = sent.and_then(|id| place.get(id.as_str()));
        if let (true, Some(index)) = (is_graded, index) {
            let response_time = answer.stamps.response_time().unwrap_or(0);
            let repeat = repeats.entry(*index).or_default();
            graded.push(GradedCase::of_reply(
                &suite_plan,
                *index,
                *repeat,
                (answer.reply, response_time as f64 / 1e6),
            ));
            *repeat += 1;
        }
    }
    if graded.is_empty() {
        return Ok(None);
    }
    suite_plan.repeats = repeats.values().copied().max().unwrap_or(1);
    Ok(Some(score(&suite_plan, graded)))
}
