//! Quality under load: what came back while the clock ran is scored when it has stopped, and held
//! against what the same cases brought when nothing else was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::Experiment;
use crate::arrival::{LoadSteps, Timing, Until, Users};
use crate::error::Result;
use crate::eval::{
    CaseReply, EvalPlan, GradedCase, change_by_case, count_passes, grade_replies, score,
};
use crate::load::{Captured, CaseSequence, Keep, LoadPlan, LoadResult, Scenario};
use crate::manifest::Eval;
use crate::plan::{EvalOptions, eval_plan};
use crate::protocol::TraceParent;
use crate::record::{EvalResult, QualityChange, QualityResult, Shard, StageResult, StepQuality};
use crate::stats::{CONFIDENCE, MIN_CLUSTERS};

/// How long the cases are asked before the load, at most.
const IDLE: Duration = Duration::from_secs(30);

/// What was found out about the answers of a load.
pub(super) struct Scored {
    pub(super) eval: EvalResult,
    pub(super) quality: QualityResult,
}

/// Runs a load and scores what came back with a suite: every ok answer of the suite's stage to a
/// case of the suite's golden set. The answers to one case count as its repeats. `None` where there
/// was no such answer.
pub(super) async fn run_scored(
    experiment: &Experiment,
    (name, plan): (&str, &LoadPlan),
    suite: &Eval,
) -> Result<(LoadResult, Option<Scored>)> {
    let options = EvalOptions::default();
    let suite = eval_plan(&experiment.project, suite, &options, &experiment.clock)?;
    let suite = Arc::new(suite);
    let known = suite.golden.cases.iter().map(|case| case.id.as_str());
    let (idle, plan) = match alone(plan, &suite.stage, &known.collect()) {
        None => (None, plan.clone()),
        Some(alone) => {
            let name = format!("{} without load", suite.stage);
            let keep = keep_answers(&alone, &suite);
            let result = experiment.drive(("asking", &name), &alone, &keep)?;
            let plan = what_is_left(plan, &result.stages);
            (
                Some(grade(experiment, &suite, &alone, (result.captured, 0)).await),
                plan,
            )
        }
    };
    let keep = keep_answers(&plan, &suite);
    let mut result = experiment.drive(("load", name), &plan, &keep)?;
    let captured = std::mem::take(&mut result.captured);
    let good = captured.iter().filter(|it| it.good_in_window).count() as u64;
    let answers = grade(experiment, &suite, &plan, (captured, result.start)).await;
    if answers.is_empty() {
        let (suite, stage) = (&suite.name, &suite.stage);
        experiment.warn(format!(
            "nothing to score with `{suite}`: `{stage}` gave no ok answer to a case of its golden set"
        ));
        return Ok((result, None));
    }
    let tallies = plan.tallies_of(&suite.stage);
    let stages = tallies
        .iter()
        .filter_map(|it| result.stages.get(plan.name(*it)));
    let goodput: f64 = stages.map(|it| it.goodput_rps).sum();
    let steps = LoadSteps::of(&plan.timing, result.duration_s);
    let quality = QualityResult {
        suite: suite.name.clone(),
        stage: suite.stage.clone(),
        right_goodput_rps: right_goodput(goodput, good, &answers),
        steps: by_step(&steps, &answers, idle.as_deref()),
        idle: idle.and_then(|idle| step_quality(&idle.iter().collect::<Vec<_>>())),
    };
    let eval = score_repeats(&suite, answers);
    Ok((result, Some(Scored { eval, quality })))
}

/// Says which answers are kept to be graded.
fn keep_answers(plan: &LoadPlan, suite: &EvalPlan) -> Keep {
    Keep {
        replies_of: plan.tallies_of(&suite.stage),
        traces: false,
    }
}

/// Returns the load that asks each case once, one after another, before the load itself: of several
/// scenarios that call the stage, the one with the most cases that the golden set has. A shard of a
/// load, and one that begins at a given time, have no time for it.
fn alone(plan: &LoadPlan, stage: &str, golden: &BTreeSet<&str>) -> Option<LoadPlan> {
    if plan.start.is_some() || plan.shard != Shard::WHOLE {
        return None;
    }
    let known = |scenario: &Scenario| {
        let ids = scenario.cases.ids.iter();
        ids.filter(|id| golden.contains(id.as_str())).count()
    };
    let calls = |scenario: &&Scenario| {
        let mut steps = scenario.steps.iter().map(|step| &plan.stages[*step]);
        scenario.of == stage || steps.any(|it| it.name == stage)
    };
    let calling = plan.scenarios.iter().filter(calls);
    let scenario = calling.max_by_key(|scenario| known(scenario))?;
    if known(scenario) == 0 {
        return None;
    }
    let cases = scenario.cases.ids.len();
    let sessions = scenario.cases.sessions.as_ref();
    let turns = sessions.map_or(cases, |sessions| sessions.turns.len());
    let requests = (cases * scenario.steps.len()) as u64;
    // At most half of the budgets: the load itself is what they are for.
    let half = plan.max_requests.map_or(requests, |most| most / 2);
    Some(LoadPlan {
        scenarios: vec![Scenario {
            share: None,
            sequence: CaseSequence::InTurn(turns as u64),
            ..scenario.clone()
        }],
        timing: Timing::Closed(Users::restless(1)),
        until: Until::Duration(IDLE),
        warmup: Duration::ZERO,
        max_requests: Some(half.min(requests)),
        max_cost: plan.max_cost.map(|most| most / 2.0),
        max_tokens: plan.max_tokens.map(|most| most / 2),
        ..plan.clone()
    })
}

/// Returns the load with what is left of its budgets.
fn what_is_left(plan: &LoadPlan, spent: &BTreeMap<String, StageResult>) -> LoadPlan {
    let called = plan.stages.iter();
    let stages: Vec<&StageResult> = called.filter_map(|it| spent.get(&it.name)).collect();
    let requests: u64 = stages.iter().map(|it| it.attempted).sum();
    let tokens = stages.iter().filter_map(|it| it.tokens.as_ref());
    let tokens: u64 = tokens.map(|it| it.input + it.output).sum();
    let usd: f64 = stages.iter().filter_map(|it| it.cost_usd).sum();
    LoadPlan {
        max_requests: plan.max_requests.map(|most| most.saturating_sub(requests)),
        max_cost: plan.max_cost.map(|most| (most - usd).max(0.0)),
        max_tokens: plan.max_tokens.map(|most| most.saturating_sub(tokens)),
        ..plan.clone()
    }
}

/// One answer, graded.
struct Answer {
    /// When it was due, in s since t = 0.
    due_s: f64,
    good_in_window: bool,
    case: GradedCase,
}

/// Grades what was captured of a load that began at `start`, in ns, where the golden set has the
/// case.
async fn grade(
    experiment: &Experiment,
    suite: &Arc<EvalPlan>,
    plan: &LoadPlan,
    (captured, start): (Vec<Captured>, u64),
) -> Vec<Answer> {
    let cases = suite.golden.cases.iter().enumerate();
    let place: BTreeMap<&str, usize> = cases.map(|(at, case)| (case.id.as_str(), at)).collect();
    let mut repeats: BTreeMap<usize, u32> = BTreeMap::new();
    let mut replies = Vec::new();
    let mut times = Vec::new();
    for answer in captured {
        let sent = plan.scenarios[answer.scenario].cases.ids.get(answer.case);
        let index = sent.and_then(|id| place.get(id.as_str()));
        if let Some(index) = index {
            let response_time = answer.stamps.response_time().unwrap_or(0);
            let repeat = repeats.entry(*index).or_default();
            replies.push(CaseReply {
                index: *index,
                repeat: *repeat,
                reply: answer.reply,
                response_time_ms: response_time as f64 / 1e6,
                trace: answer.trace.map(TraceParent::trace_id),
            });
            let due_s = answer.stamps.intended.saturating_sub(start) as f64 / 1e9;
            times.push((due_s, answer.good_in_window));
            *repeat += 1;
        }
    }
    let interrupted = &experiment.interrupted;
    let graded = grade_replies(suite, &experiment.client, replies, interrupted).await;
    let answers = times.into_iter().zip(graded);
    answers
        .map(|((due_s, good_in_window), case)| Answer {
            due_s,
            good_in_window,
            case,
        })
        .collect()
}

fn score_repeats(suite: &EvalPlan, answers: Vec<Answer>) -> EvalResult {
    let cases: Vec<GradedCase> = answers.into_iter().map(|answer| answer.case).collect();
    let repeats = cases.iter().map(|case| case.result().repeat + 1).max();
    let suite = EvalPlan {
        repeats: repeats.unwrap_or(1),
        ..suite.clone()
    };
    score(&suite, cases)
}

/// Returns the share of the goodput that was right. `good` answers were kept, graded or not: of
/// very many answers a part is kept, and its share stands for all.
fn right_goodput(goodput_rps: f64, good: u64, answers: &[Answer]) -> f64 {
    let right = |it: &&Answer| it.good_in_window && it.case.result().passed;
    let right = answers.iter().filter(right).count() as f64;
    goodput_rps * right / good.max(1) as f64
}

/// Returns the quality at each step of the load that has an answer, held against idle.
fn by_step(steps: &LoadSteps, answers: &[Answer], idle: Option<&[Answer]>) -> Vec<StepQuality> {
    let mut by_step: Vec<Vec<&Answer>> = vec![Vec::new(); steps.len()];
    for answer in answers {
        by_step[steps.at(answer.due_s)].push(answer);
    }
    let found = by_step.iter().enumerate().filter_map(|(step, answers)| {
        Some(StepQuality {
            rate: steps.rates(step),
            change: idle.and_then(|idle| change(idle, answers)),
            ..step_quality(answers)?
        })
    });
    found.collect()
}

fn step_quality(answers: &[&Answer]) -> Option<StepQuality> {
    let passes = count_passes(answers.iter().map(|it| &it.case))?;
    Some(StepQuality {
        rate: None,
        answers: passes.answers,
        cases: passes.cases,
        pass_rate: passes.rate.value,
        low: passes.rate.interval.low,
        high: passes.rate.interval.high,
        change: None,
    })
}

/// Returns the change from idle, case by case.
fn change(idle: &[Answer], loaded: &[&Answer]) -> Option<QualityChange> {
    let found = change_by_case(
        idle.iter().map(|it| &it.case),
        loaded.iter().map(|it| &it.case),
    )?;
    let interval = (found.clusters >= MIN_CLUSTERS).then(|| found.interval(CONFIDENCE));
    Some(QualityChange {
        value: found.estimate,
        low: interval.map(|it| it.low),
        high: interval.map(|it| it.high),
        cases: found.n,
    })
}

#[cfg(test)]
mod tests;
