//! An eval run: pass rate, assertions, slices, and the cases that did not pass.

use std::collections::BTreeMap;

use super::super::block::{Block, Cell, Table, Tone};
use super::super::format::{
    NONE, count, duration_s, number, percent, percent_interval, percent_range, plural,
};
use super::super::text::{clean, cut, cut_off};
use super::bounded::{SHOWN_SLICES, ids, more_slices};
use super::calls;
use crate::record::{CaseResult, EvalResult};

/// So many cases are shown; the others are in the run.
const SHOWN_CASES: usize = 10;

/// So much of an answer is shown.
const EXCERPT: usize = 120;

/// So much of an error is shown, in characters.
const ERROR: usize = 500;

/// Returns what an eval found.
pub(super) fn blocks(eval: &EvalResult) -> Vec<Block> {
    let mut blocks = vec![
        Block::Text(Tone::Plain, sentence(eval)),
        Block::Line(interval_bar(eval)),
    ];
    if !eval.must_pass_broken.is_empty() {
        let broken = eval.must_pass_broken.len() as u64;
        blocks.push(Block::Text(
            Tone::Bad,
            format!("{} that must pass did not:", plural(broken, "case")),
        ));
        blocks.push(ids(&eval.must_pass_broken));
    }
    blocks.extend(assertions(eval));
    blocks.extend(slices(eval));
    blocks.extend(failed(eval));
    blocks.extend(errors(eval));
    blocks.extend(economy(eval));
    blocks
}

/// Returns whether each case passed, with repeats whether each of them did.
fn outcomes(eval: &EvalResult) -> BTreeMap<&str, bool> {
    let mut cases = BTreeMap::new();
    for case in &eval.cases {
        *cases.entry(case.id.as_str()).or_insert(true) &= case.passed;
    }
    cases
}

/// Returns how many cases passed, and of how many.
pub(super) fn passed(eval: &EvalResult) -> (u64, u64) {
    let cases = outcomes(eval);
    if cases.is_empty() {
        let all = eval.golden.cases;
        ((eval.pass_rate.value * all as f64).round() as u64, all)
    } else {
        let passed = cases.values().filter(|passed| **passed).count();
        (passed as u64, cases.len() as u64)
    }
}

/// Says how many cases passed.
fn sentence(eval: &EvalResult) -> String {
    let cases = outcomes(eval);
    let rate = &eval.pass_rate;
    let (passed, all) = passed(eval);
    let planned = cases.len() as u64 * u64::from(eval.repeats);
    let asked = eval.cases.len() as u64;
    let repeats = match eval.repeats {
        0 | 1 => String::new(),
        // Stopped in between: a case was not asked as often as it was to be.
        repeats if !eval.cases.is_empty() && asked < planned => format!(
            " whenever they were asked: {} of {} answers in {repeats} repeats",
            count(asked),
            count(planned)
        ),
        repeats => format!(" in all {repeats} repeats"),
    };
    format!(
        "{} of {} passed{repeats}. Pass rate of `{}`: {}, {} interval by {}.",
        count(passed),
        plural(all, "case"),
        eval.stage,
        percent_interval(rate.value, rate.low, rate.high),
        percent(rate.confidence).replace(".0 %", " %"),
        rate.method,
    )
}

/// Draws the pass rate and its interval on a scale from 0 to 100 %.
fn interval_bar(eval: &EvalResult) -> String {
    const LENGTH: usize = 50;
    let rate = &eval.pass_rate;
    let at = |share: f64| (share.clamp(0.0, 1.0) * (LENGTH - 1) as f64).round() as usize;
    let (low, value, high) = (at(rate.low), at(rate.value), at(rate.high));
    let scale: String = (0..LENGTH)
        .map(|column| match column {
            column if column == value => '●',
            column if (low..=high).contains(&column) => '━',
            _ => '─',
        })
        .collect();
    format!("0 % {scale} 100 %")
}

fn assertions(eval: &EvalResult) -> Vec<Block> {
    let mut table = Table::default()
        .text("assertion")
        .number("score")
        .number("95 % interval");
    for (name, estimate) in &eval.assertions {
        table.row(vec![
            name.into(),
            percent(estimate.score).into(),
            percent_range(estimate.low, estimate.high).into(),
        ]);
    }
    some("Assertions", table)
}

fn slices(eval: &EvalResult) -> Vec<Block> {
    let mut slices: Vec<_> = eval.slices.iter().collect();
    slices.sort_by(|(_, a), (_, b)| a.value.total_cmp(&b.value));
    let mut table = Table::default()
        .text("slice")
        .number("cases")
        .number("pass rate")
        .number("95 % interval");
    let more = slices.len().saturating_sub(SHOWN_SLICES);
    for (name, slice) in slices.into_iter().take(SHOWN_SLICES) {
        table.row(vec![
            name.into(),
            count(slice.cases).into(),
            percent(slice.value).into(),
            percent_range(slice.low, slice.high).into(),
        ]);
    }
    let mut blocks = some("Slices, worst first", table);
    blocks.extend(more_slices(more));
    blocks
}

fn failed(eval: &EvalResult) -> Vec<Block> {
    let failed = |case: &&CaseResult| !case.passed && case.error.is_none();
    let all = eval.cases.iter().filter(failed).count();
    let mut table = Table::default().text("case").text("why").text("answer");
    for case in eval.cases.iter().filter(failed).take(SHOWN_CASES) {
        let answer = case.output.as_deref().map_or(NONE.to_owned(), clean);
        table.row(vec![
            Cell::toned(Tone::Strong, label(case, eval.repeats)),
            cut(&clean(&why(case)), EXCERPT).into(),
            cut(&answer, EXCERPT).into(),
        ]);
    }
    folded("failed", all, table)
}

/// Returns why a case did not pass; of a run that was stored without the reasons, the scores.
pub(in crate::report) fn why(case: &CaseResult) -> String {
    case.reason.clone().unwrap_or_else(|| {
        let scores = case.assertions.iter();
        let scores = scores.map(|(name, score)| format!("{name} {}", number(*score)));
        scores.collect::<Vec<_>>().join(", ")
    })
}

fn errors(eval: &EvalResult) -> Vec<Block> {
    let errored = |case: &&CaseResult| case.error.is_some();
    let all = eval.cases.iter().filter(errored).count();
    let mut table = Table::default().text("case").text("error");
    for case in eval.cases.iter().filter(errored).take(SHOWN_CASES) {
        table.row(vec![
            Cell::toned(Tone::Strong, label(case, eval.repeats)),
            cut_off(case.error.as_deref().unwrap_or(NONE), ERROR).into(),
        ]);
    }
    let mut blocks = Vec::new();
    if !eval.error_kinds.is_empty() {
        let kinds: Vec<String> = eval
            .error_kinds
            .iter()
            .map(|(kind, times)| format!("{kind}: {}", count(*times)))
            .collect();
        blocks.push(Block::Text(
            Tone::Plain,
            format!("Errors by kind: {}", kinds.join(", ")),
        ));
    }
    blocks.extend(folded("errored", all, table));
    blocks
}

fn label(case: &CaseResult, repeats: u32) -> String {
    match repeats {
        0 | 1 => case.id.clone(),
        _ => format!("{} #{}", case.id, case.repeat + 1),
    }
}

fn folded(what: &str, all: usize, table: Table) -> Vec<Block> {
    if all == 0 {
        return Vec::new();
    }
    let mut summary = format!("{} {what}", plural(all as u64, "answer"));
    if all > table.rows.len() {
        summary = format!("{summary}, the first {}", table.rows.len());
    }
    vec![Block::Fold(summary, vec![Block::Table(table)])]
}

fn economy(eval: &EvalResult) -> Option<Block> {
    let mut parts = Vec::new();
    if eval.cached > 0 {
        parts.push(format!("{} from the cache", plural(eval.cached, "answer")));
    }
    if eval.retries > 0 {
        let waited = match eval.asked_pause_s {
            0.0 => String::new(),
            s => format!(" after {} of waiting, as asked", duration_s(s)),
        };
        let calls = plural(eval.retries, "call");
        parts.push(format!("{calls} asked again{waited}"));
    }
    if eval.refusals > 0 {
        parts.push(plural(eval.refusals, "refusal"));
    }
    if eval.empty > 0 {
        parts.push(plural(eval.empty, "empty answer"));
    }
    if eval
        .finish_reasons
        .keys()
        .any(|reason| !calls::is_whole(reason))
    {
        parts.push(calls::reasons(&eval.finish_reasons));
    }
    (!parts.is_empty()).then(|| Block::Text(Tone::Faint, parts.join(", ")))
}

fn some(heading: &str, table: Table) -> Vec<Block> {
    if table.rows.is_empty() {
        return Vec::new();
    }
    vec![Block::Heading(heading.to_owned()), Block::Table(table)]
}
