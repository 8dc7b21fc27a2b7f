//! Whether the answers under load were as right as without it.

use super::super::block::{Block, Cell, Table, Tone, Value};
use super::super::format::{NONE, number, percent_range, signed_percent_digits};
use crate::record::{QualityChange, QualityResult, StageResult, StepQuality};

/// Returns the pass rate of each step of the load, against idle; `stage` is the one that was
/// graded.
pub(super) fn blocks(quality: &QualityResult, stage: Option<&StageResult>) -> Vec<Block> {
    let mut table = Table::default()
        .text("load")
        .typed("answers")
        .typed("cases")
        .typed("pass rate")
        .number("95 %")
        .number("against idle");
    if let Some(idle) = &quality.idle {
        table.row(row("idle: one user", idle));
    }
    for step in &quality.steps {
        table.row(row(&load(step), step));
    }
    let good = stage.map_or_else(String::new, |stage| {
        format!(" of {} good ones", number(stage.goodput_rps))
    });
    let right = number(quality.right_goodput_rps);
    let sentence = format!(
        "{right} right answers a second{good}, graded by `{}`.",
        quality.suite
    );
    vec![
        Block::Heading(format!("Answers of {} under load", quality.stage)),
        Block::Table(table),
        Block::Text(Tone::Plain, sentence),
    ]
}

fn load(step: &StepQuality) -> String {
    match step.rate {
        None => "this load".to_owned(),
        Some((low, high)) if low < high => format!("{}–{}/s", number(low), number(high)),
        Some((rate, _)) => format!("{}/s", number(rate)),
    }
}

fn row(load: &str, step: &StepQuality) -> Vec<Cell> {
    vec![
        load.into(),
        Value::Count(step.answers).into(),
        Value::Count(step.cases).into(),
        Value::Share(Some(step.pass_rate)).into(),
        percent_range(step.low, step.high).into(),
        step.change.as_ref().map_or_else(|| NONE.into(), change),
    ]
}

fn change(change: &QualityChange) -> Cell {
    let digits = signed_percent_digits;
    let value = digits(change.value);
    match (change.low, change.high) {
        (Some(low), Some(high)) => {
            let tone = if high < 0.0 { Tone::Bad } else { Tone::Plain };
            Cell::toned(
                tone,
                format!("{value} pp [{}, {}]", digits(low), digits(high)),
            )
        }
        _ => format!("{value} pp, too few cases").into(),
    }
}
