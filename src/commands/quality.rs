//! Quality under load: what came back while the clock ran is scored when it has stopped, and held against what the same cases brought
//! when nothing else was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Context;
use super::load::run_plan;
use crate::error::Result;
use crate::eval::{EvalPlan, GradedCase, score};
use crate::load::{
    Captured, CaseSequence, Keep, LoadPlan, LoadResult, LoadSteps, Scenario, Shard, Timing,
};
use crate::manifest::{Eval, Load, Until, Users};
use crate::plan::{Project, eval_plan};
use crate::record::{EvalResult, QualityChange, QualityResult, StageResult, StepQuality};
use crate::stats::{Interval, MIN_CLUSTERS, clustered_difference, pass_rate};

/// How long the cases are asked before the load, at most.
const IDLE: Duration = Duration::from_secs(30);
/// Of every interval.
const CONFIDENCE: f64 = 0.95;

/// What was found out about the answers of a load.
pub(super) struct Scored {
    pub(super) eval: EvalResult,
    pub(super) quality: QualityResult,
}

/// Returns the suite that a load names.
pub(super) fn suite_of<'a>(project: &'a Project, load: &Load) -> Option<&'a Eval> {
    let name = load.score_with.as_ref()?;
    project.manifest.eval_named(name.as_str())
}

/// What the cases brought without load.
pub(super) struct Idle {
    plan: LoadPlan,
    captured: Vec<Captured>,
}

/// Says which answers are kept to be graded.
pub(super) fn keep_answers(plan: &LoadPlan, suite: &Eval) -> Keep {
    Keep {
        replies_of: plan.tallies_of(suite.stage.as_str()),
        traces: false,
    }
}

/// Asks each case once, one after another, before the load. What it takes of the load's budgets is taken from them. A part of a
/// load, and one that begins at a given time, have no time for it.
pub(super) fn ask_at_idle(
    context: &Context,
    project: &Project,
    plan: &mut LoadPlan,
    suite: &Eval,
) -> Result<Option<Idle>> {
    if plan.start.is_some() || plan.shard != Shard::WHOLE {
        return Ok(None);
    }
    let golden = project.golden(&suite.golden)?;
    let known: BTreeSet<&str> = golden.cases.iter().map(|case| case.id.as_str()).collect();
    let of_suite = |scenario: &Scenario| {
        let ids = scenario.cases.ids.iter();
        ids.filter(|id| known.contains(id.as_str())).count()
    };
    let calls = |scenario: &&Scenario| {
        let mut steps = scenario
            .steps
            .iter()
            .map(|step| &plan.targets[*step].measured);
        scenario.of == suite.stage.as_str() || steps.any(|it| it.name == suite.stage.as_str())
    };
    // Of several that call the stage, the one with the most cases that the suite can grade.
    let scenario = plan
        .scenarios
        .iter()
        .filter(calls)
        .max_by_key(|scenario| of_suite(scenario));
    let Some(scenario) = scenario.filter(|scenario| of_suite(scenario) > 0) else {
        return Ok(None);
    };
    let sessions = scenario
        .cases
        .sessions
        .as_ref()
        .map(|sessions| sessions.turns.len());
    let cases = scenario.cases.ids.len();
    let requests = (cases * scenario.steps.len()) as u64;
    let alone = LoadPlan {
        scenarios: vec![Scenario {
            share: None,
            sequence: CaseSequence::InTurn(sessions.unwrap_or(cases) as u64),
            ..scenario.clone()
        }],
        timing: Timing::Closed(Users::restless(1)),
        until: Until::Duration(IDLE),
        warmup: Duration::ZERO,
        // At most half of the budgets: the load itself is what they are for.
        max_requests: Some(
            plan.max_requests
                .map_or(requests, |most| (most / 2).min(requests)),
        ),
        max_cost: plan.max_cost.map(|most| most / 2.0),
        ..plan.clone()
    };
    let name = format!("{} without load", suite.stage);
    let keep = keep_answers(&alone, suite);
    let result = run_plan(context, ("asking", &name), &alone, &keep)?;
    take_from_budgets(plan, &result);
    Ok(Some(Idle {
        plan: alone,
        captured: result.captured,
    }))
}

fn take_from_budgets(plan: &mut LoadPlan, spent: &LoadResult) {
    let targets = plan.targets.iter();
    let stages: Vec<&StageResult> = targets
        .filter_map(|target| spent.stages.get(&target.measured.name))
        .collect();
    let requests: u64 = stages.iter().map(|it| it.attempted).sum();
    let usd: f64 = stages.iter().filter_map(|it| it.cost_usd).sum();
    plan.max_requests = plan.max_requests.map(|most| most.saturating_sub(requests));
    plan.max_cost = plan.max_cost.map(|most| (most - usd).max(0.0));
}

/// One answer, graded.
struct Answer {
    /// When it was due, in s since t = 0.
    due_s: f64,
    good_in_window: bool,
    case: GradedCase,
}

/// Scores the captured answers with the suite that the load names: every ok answer of the suite's stage to a case of
/// the suite's golden set. The answers to one case count as its repeats.
pub(super) fn score_captured(
    project: &Project,
    suite: &Eval,
    plan: &LoadPlan,
    result: &mut LoadResult,
    idle: Option<Idle>,
) -> Result<Option<Scored>> {
    let mut suite_plan = eval_plan(project, suite, None, &[])?;
    let captured = std::mem::take(&mut result.captured);
    let good = captured.iter().filter(|it| it.good_in_window).count() as u64;
    let answers = grade(&suite_plan, plan, captured, result.start);
    if answers.is_empty() {
        return Ok(None);
    }
    let idle = idle.map(|idle| grade(&suite_plan, &idle.plan, idle.captured, 0));
    let loaded = Loaded {
        plan,
        result,
        answers: &answers,
        good,
    };
    let quality = quality(&suite_plan, &loaded, idle.as_deref());
    let cases: Vec<GradedCase> = answers.into_iter().map(|answer| answer.case).collect();
    let repeats = cases.iter().map(|case| case.result().repeat + 1).max();
    suite_plan.repeats = repeats.unwrap_or(1);
    Ok(Some(Scored {
        eval: score(&suite_plan, cases),
        quality,
    }))
}

fn grade(
    suite_plan: &EvalPlan,
    plan: &LoadPlan,
    captured: Vec<Captured>,
    start: u64,
) -> Vec<Answer> {
    let cases = suite_plan.golden.cases.iter().enumerate();
    let place: BTreeMap<&str, usize> = cases.map(|(at, case)| (case.id.as_str(), at)).collect();
    let mut repeats: BTreeMap<usize, u32> = BTreeMap::new();
    let mut graded = Vec::new();
    for answer in captured {
        let sent = plan.scenarios[answer.scenario].cases.ids.get(answer.case);
        let index = sent.and_then(|id| place.get(id.as_str()));
        if let Some(index) = index {
            let response_time = answer.stamps.response_time().unwrap_or(0);
            let repeat = repeats.entry(*index).or_default();
            let reply = (answer.reply, response_time as f64 / 1e6);
            graded.push(Answer {
                due_s: answer.stamps.intended.saturating_sub(start) as f64 / 1e9,
                good_in_window: answer.good_in_window,
                case: GradedCase::of_reply(suite_plan, *index, *repeat, reply),
            });
            *repeat += 1;
        }
    }
    graded
}

/// What a load brought.
struct Loaded<'a> {
    plan: &'a LoadPlan,
    result: &'a LoadResult,
    answers: &'a [Answer],
    /// Good answers that were kept, graded or not.
    good: u64,
}

fn quality(suite: &EvalPlan, loaded: &Loaded<'_>, idle: Option<&[Answer]>) -> QualityResult {
    let Loaded {
        plan,
        result,
        answers,
        good,
    } = *loaded;
    let steps = LoadSteps::of(&plan.timing, result.duration_s);
    let mut by_step: Vec<Vec<&Answer>> = vec![Vec::new(); steps.len()];
    for answer in answers {
        by_step[steps.at(answer.due_s)].push(answer);
    }
    let idle: Option<Vec<&Answer>> = idle.map(|idle| idle.iter().collect());
    let found = by_step.iter().enumerate();
    let found = found.filter_map(|(step, answers)| {
        let mut quality = step_quality(answers)?;
        quality.rate = steps.rates(step);
        quality.change = idle.as_ref().and_then(|idle| change(idle, answers));
        Some(quality)
    });
    let right = |it: &&Answer| it.good_in_window && it.case.result().passed;
    let right = answers.iter().filter(right).count() as f64;
    let tallies = plan.tallies_of(&suite.stage);
    let stages = tallies
        .iter()
        .filter_map(|it| result.stages.get(plan.name(*it)));
    let goodput: f64 = stages.map(|it| it.goodput_rps).sum();
    QualityResult {
        suite: suite.name.clone(),
        stage: suite.stage.clone(),
        // Of very many answers a part was kept: its share stands for all.
        right_goodput_rps: goodput * right / good.max(1) as f64,
        steps: found.collect(),
        idle: idle.as_deref().and_then(step_quality),
    }
}

fn step_quality(answers: &[&Answer]) -> Option<StepQuality> {
    let passed = answers
        .iter()
        .map(|it| (it.case.cluster(), it.case.result().passed));
    let rate = pass_rate(passed, CONFIDENCE)?;
    let Interval { low, high } = rate.interval;
    let cases: BTreeSet<&str> = answers
        .iter()
        .map(|it| it.case.result().id.as_str())
        .collect();
    Some(StepQuality {
        rate: None,
        answers: answers.len() as u64,
        cases: cases.len() as u64,
        pass_rate: rate.value,
        low,
        high,
        change: None,
    })
}

/// Returns the change from idle, case by case.
fn change(idle: &[&Answer], loaded: &[&Answer]) -> Option<QualityChange> {
    let means = |answers: &[&Answer]| {
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for answer in answers {
            let case = answer.case.result();
            let sum = sums.entry(case.id.clone()).or_default();
            sum.0 += f64::from(u8::from(case.passed));
            sum.1 += 1.0;
        }
        sums
    };
    let (before, under) = (means(idle), means(loaded));
    let clusters: BTreeMap<&str, (bool, &str)> = loaded
        .iter()
        .map(|it| (it.case.result().id.as_str(), it.case.cluster()))
        .collect();
    let differences = under.iter().filter_map(|(id, (passed, all))| {
        let (passed_before, all_before) = before.get(id)?;
        let difference = passed / all - passed_before / all_before;
        Some((clusters[id.as_str()], difference))
    });
    let found = clustered_difference(differences)?;
    let interval = (found.clusters >= MIN_CLUSTERS).then(|| found.interval(CONFIDENCE));
    Some(QualityChange {
        value: found.estimate,
        low: interval.map(|it| it.low),
        high: interval.map(|it| it.high),
        cases: found.n,
    })
}
