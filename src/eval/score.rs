//! Counts grades: pass rate, assertions, and slices with their intervals, and the errors beside
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::assertion::Subject;
use super::attempt::{Attempt, ErrorKind};
use super::plan::EvalPlan;
use crate::golden::Case;
use crate::record::{
    CaseResult, EvalResult, GoldenInfo, RateEstimate, ScoreEstimate, SliceEstimate,
};
use crate::stats::{
    CONFIDENCE, Difference, Interval, Proportion, change_of_means, mean_score, pass_rate,
};
use crate::template::Secrets;

/// One attempt, graded.
#[derive(Clone, Debug)]
pub(crate) struct GradedCase {
    /// The case's place in the golden set.
    index: usize,
    result: CaseResult,
    /// Why there is no grade; `None` where there is one.
    pub(super) error_kind: Option<ErrorKind>,
    retries: u32,
    asked_pause: Duration,
    /// Whether the stage was reached.
    pub(super) reached: bool,
    /// Why it did not pass, for people.
    pub(super) why: Option<String>,
    /// Key and words of what an assertion has to tell about how it read the answer.
    pub(super) notes: Vec<(String, String)>,
    is_refusal: bool,
    is_empty: bool,
}

impl GradedCase {
    /// Grades one attempt at the case at `index` of the golden set.
    pub(crate) fn grade(plan: &EvalPlan, index: usize, repeat: u32, attempt: &Attempt) -> Self {
        let case = &plan.golden.cases[index];
        let mut graded = Self::bare(index, unanswered(case, repeat));
        graded.tell(attempt, &plan.scope.secrets);
        let answer = match &attempt.outcome {
            Ok(answer) => answer,
            Err(error) => {
                graded.error_kind = Some(ErrorKind::Call(error.failure.clone()));
                graded.reached = error.failure.reached();
                graded.why = Some(error.detail.clone());
                graded.result.error = Some(format!("{}: {}", error.failure, error.detail));
                return graded;
            }
        };
        let scope = plan.scope_of_answer(index, attempt);
        let grade = plan
            .checks
            .grade(&Subject::of(answer, &scope), &attempt.told);
        let reasons = |reasons: &[(String, String)]| {
            let reasons: Vec<String> = reasons
                .iter()
                .map(|(key, why)| format!("{key}: {why}"))
                .collect();
            (!reasons.is_empty()).then(|| {
                plan.scope
                    .secrets
                    .redact_excerpts(&reasons.join("; "))
                    .into_owned()
            })
        };
        let unscored = reasons(&grade.unscored);
        graded.why = reasons(&grade.missed).or_else(|| unscored.clone());
        let secrets = &plan.scope.secrets;
        let redacted = |note: String| secrets.redact_excerpts(&note).into_owned();
        let stage = plan.steps.last().into_iter();
        let doubts = stage.flat_map(|stage| stage.doubts(&answer.reply));
        let notes = grade.notes.into_iter().chain(doubts);
        graded.notes = notes.map(|(key, it)| (key, redacted(it))).collect();
        graded.error_kind = unscored.is_some().then_some(ErrorKind::Unscored);
        let result = &mut graded.result;
        result.error = unscored.map(|reason| format!("{}: {reason}", ErrorKind::Unscored));
        result.passed = grade.passed;
        result.reason = graded.why.clone().filter(|_| result.error.is_none());
        result.score = grade.score;
        result.assertions = grade.scores;
        result.not_counted = grade.not_counted;
        result.response_time_ms = Some(answer.response_time_ms);
        let ids = answer.reply.ids().filter(|_| grade.ids_missed);
        let output = match (&answer.reply.text, ids) {
            // What was judged is what explains the verdict; the text may be another step's.
            (_, Some(ids)) => serde_json::to_string(&ids).ok(),
            (Some(text), None) => Some(text.clone()),
            (None, None) if answer.reply.outputs.is_empty() => None,
            (None, None) => serde_json::to_string(&answer.reply.outputs).ok(),
        };
        let most = plan.most_of_an_output();
        result.output = output.map(|text| shorten(&secrets.redact(&text), most));
        graded
    }

    /// Makes the grade of a case of which nothing is known yet.
    const fn bare(index: usize, result: CaseResult) -> Self {
        Self {
            index,
            result,
            error_kind: None,
            retries: 0,
            asked_pause: Duration::ZERO,
            reached: true,
            why: None,
            notes: Vec::new(),
            is_refusal: false,
            is_empty: false,
        }
    }

    /// Notes what an attempt says besides its answer.
    fn tell(&mut self, attempt: &Attempt, secrets: &Secrets) {
        self.retries = attempt.retries;
        self.asked_pause = attempt.asked_pause;
        self.result.trace_id.clone_from(&attempt.trace);
        match &attempt.outcome {
            Ok(answer) => {
                let reply = &answer.reply;
                let reason = reply.finish_reason.as_deref();
                self.result.finish_reason = reason.map(|it| secrets.redact(it).into_owned());
                self.is_refusal = reply.is_refusal();
                self.is_empty = reply.is_empty;
            }
            Err(failure) => self.is_empty = failure.is_empty,
        }
    }

    /// Makes the grade of an answer that nobody gave.
    #[cfg(test)]
    pub(crate) fn made_up(id: &str, group: Option<&str>, passed: bool) -> Self {
        let case = Case {
            id: id.to_owned(),
            group: group.map(str::to_owned),
            ..Case::without_data()
        };
        let result = CaseResult {
            passed,
            ..unanswered(&case, 0)
        };
        Self::bare(0, result)
    }

    /// Returns what is stored.
    pub(crate) const fn result(&self) -> &CaseResult {
        &self.result
    }

    /// The group of a case, else the case: what is independent of the rest.
    pub(crate) fn cluster(&self) -> (bool, &str) {
        match &self.result.group {
            Some(group) => (true, group),
            None => (false, &self.result.id),
        }
    }
}

fn unanswered(case: &Case, repeat: u32) -> CaseResult {
    CaseResult {
        id: case.id.clone(),
        group: case.group.clone(),
        tags: case.tags.clone(),
        repeat,
        passed: false,
        score: 0.0,
        assertions: BTreeMap::new(),
        not_counted: Vec::new(),
        output: None,
        reason: None,
        error: None,
        response_time_ms: None,
        finish_reason: None,
        trace_id: None,
    }
}

/// Cuts a text to so many bytes. What is cut off takes no memory any more.
fn shorten(text: &str, most: usize) -> String {
    let end = text.floor_char_boundary(most.min(text.len()));
    let mark = if end < text.len() { "…" } else { "" };
    [&text[..end], mark].concat()
}

/// Counts what was graded, in whatever order it was: the result is in the order of the golden set,
/// then of the repeats.
///
/// An attempt without an answer, or with an answer that an assertion could not score, stays in
/// every denominator as not passed; the pass rate's bounds say how far that could be from the
/// truth.
pub(crate) fn score(plan: &EvalPlan, mut graded: Vec<GradedCase>) -> EvalResult {
    graded.sort_by_key(|case| (case.index, case.result.repeat));
    let mut error_kinds = BTreeMap::new();
    for kind in graded.iter().filter_map(|case| case.error_kind.as_ref()) {
        *error_kinds.entry(kind.to_string()).or_insert(0) += 1;
    }
    let errors = error_kinds.values().sum();
    EvalResult {
        stage: plan.stage.clone(),
        golden: GoldenInfo {
            path: plan.golden.path.clone(),
            digest: plan.golden.digest.clone(),
            cases: plan.golden.cases.len() as u64,
        },
        repeats: plan.repeats,
        pass_rate: rate(&graded, errors),
        assertions: assertions(plan, &graded),
        slices: slices(plan, &graded),
        errors,
        error_kinds,
        cached: 0,
        retries: graded.iter().map(|case| u64::from(case.retries)).sum(),
        asked_pause_s: graded
            .iter()
            .map(|case| case.asked_pause)
            .sum::<Duration>()
            .as_secs_f64(),
        finish_reasons: finish_reasons(&graded),
        refusals: graded.iter().map(|case| u64::from(case.is_refusal)).sum(),
        empty: graded.iter().map(|case| u64::from(case.is_empty)).sum(),
        must_pass_broken: must_pass_broken(plan, &graded),
        cases: graded.into_iter().map(|case| case.result).collect(),
    }
}

fn finish_reasons(graded: &[GradedCase]) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for reason in graded
        .iter()
        .filter_map(|case| case.result.finish_reason.as_ref())
    {
        *reasons.entry(reason.clone()).or_insert(0) += 1;
    }
    reasons
}

/// How many of some answers passed.
pub(crate) struct Passes {
    pub(crate) answers: u64,
    /// Different cases among them.
    pub(crate) cases: u64,
    /// Of the answers.
    pub(crate) rate: Proportion,
}

/// Counts the answers that passed; `None` of none.
pub(crate) fn count_passes<'a>(
    answers: impl Iterator<Item = &'a GradedCase> + Clone,
) -> Option<Passes> {
    let passed = answers.clone().map(|it| (it.cluster(), it.result.passed));
    let rate = pass_rate(passed, CONFIDENCE)?;
    let cases: BTreeSet<&str> = answers.clone().map(|it| it.result.id.as_str()).collect();
    Some(Passes {
        answers: answers.count() as u64,
        cases: cases.len() as u64,
        rate,
    })
}

/// Returns the change of the pass rate from one set of answers to another, over the cases that both
/// have; `None` where they have none in common.
pub(crate) fn change_by_case<'a>(
    before: impl IntoIterator<Item = &'a GradedCase>,
    after: impl IntoIterator<Item = &'a GradedCase>,
) -> Option<Difference> {
    let score = |case: &GradedCase| f64::from(u8::from(case.result.passed));
    let before = before
        .into_iter()
        .map(|case| (case.result.id.as_str(), score(case)));
    let after = after.into_iter().map(|case| {
        let id = case.result.id.as_str();
        (id, case.cluster(), score(case))
    });
    change_of_means(before, after)
}

/// Nothing asked says nothing.
const NOTHING: Proportion = Proportion {
    value: 0.0,
    interval: Interval {
        low: 0.0,
        high: 1.0,
    },
    effective_n: 0.0,
};

fn passes<'a>(cases: impl IntoIterator<Item = &'a GradedCase>) -> Proportion {
    let answers = cases
        .into_iter()
        .map(|case| (case.cluster(), case.result.passed));
    pass_rate(answers, CONFIDENCE).unwrap_or(NOTHING)
}

fn rate(graded: &[GradedCase], errors: u64) -> RateEstimate {
    let clusters: BTreeSet<_> = graded.iter().map(GradedCase::cluster).collect();
    let independent = clusters.len() == graded.len();
    let rate = passes(graded);
    let could_have_passed = errors as f64 / graded.len().max(1) as f64;
    RateEstimate {
        value: rate.value,
        low: rate.interval.low,
        high: rate.interval.high,
        confidence: CONFIDENCE,
        method: if independent { "wilson" } else { "wilson-deff" }.to_owned(),
        bounds: (errors > 0).then(|| (rate.value, (rate.value + could_have_passed).min(1.0))),
    }
}

fn assertions(plan: &EvalPlan, graded: &[GradedCase]) -> BTreeMap<String, ScoreEstimate> {
    let estimate = |key: &str| {
        let scores = graded.iter().filter_map(|case| {
            let score = case.result.counted_score(key)?;
            Some((case.cluster(), score))
        });
        let mean = mean_score(scores, CONFIDENCE).unwrap_or(NOTHING);
        ScoreEstimate {
            score: mean.value,
            low: mean.interval.low,
            high: mean.interval.high,
        }
    };
    let never_counted = |key: &&str| {
        let is_out = |case: &GradedCase| case.result.counted_score(key).is_none();
        !graded.is_empty() && graded.iter().all(is_out)
    };
    let keys = plan.checks.keys().filter(|key| !never_counted(key));
    keys.map(|key| (key.to_owned(), estimate(key))).collect()
}

/// A case without the tag is in no slice of it.
fn slices(plan: &EvalPlan, graded: &[GradedCase]) -> BTreeMap<String, SliceEstimate> {
    let mut members: BTreeMap<String, Vec<&GradedCase>> = BTreeMap::new();
    for tag in &plan.slice_by {
        for case in graded {
            if let Some(value) = case.result.tags.get(tag) {
                members
                    .entry(format!("{tag}={value}"))
                    .or_default()
                    .push(case);
            }
        }
    }
    let estimate = |cases: Vec<&GradedCase>| {
        let distinct: BTreeSet<usize> = cases.iter().map(|case| case.index).collect();
        let rate = passes(cases);
        SliceEstimate {
            cases: distinct.len() as u64,
            value: rate.value,
            low: rate.interval.low,
            high: rate.interval.high,
        }
    };
    members
        .into_iter()
        .map(|(name, cases)| (name, estimate(cases)))
        .collect()
}

/// A case that must pass is broken when one of its repeats did not.
fn must_pass_broken(plan: &EvalPlan, graded: &[GradedCase]) -> Vec<String> {
    let failed: BTreeSet<&str> = graded
        .iter()
        .filter(|case| !case.result.passed)
        .map(|case| case.result.id.as_str())
        .collect();
    let ids = plan
        .must_pass
        .iter()
        .filter(|id| failed.contains(id.as_str()));
    ids.cloned().collect()
}

#[cfg(test)]
mod tests;
