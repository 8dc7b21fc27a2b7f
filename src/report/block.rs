//! What a report is made of, before it has a format: titles, paragraphs, tables, lists, warnings.

pub(super) use super::cell::{Cell, Tone, Value};
use super::chart::Chart;
pub(super) use super::tabular::Table;
use crate::record::{VerdictKind, Warning};

/// One part of a report.
#[derive(Clone, Debug)]
pub(super) enum Block {
    /// What this is about, and how it ended.
    Title(Title),
    /// The name of what follows.
    Heading(String),
    /// A paragraph.
    Text(Tone, String),
    /// A line that must not be wrapped: a drawing.
    Line(String),
    Table(Table),
    Chart(Chart),
    /// Ids or other short items, in one flow.
    List(Vec<String>),
    /// Long details: shown as they are in a terminal, folded in a PR comment.
    Fold(String, Vec<Self>),
    /// A number that may mislead, and the remedy.
    Warning(Warning),
}

/// How what is reported ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Judged(VerdictKind),
    /// It was measured, and there was nothing to judge it by: neither passed nor failed.
    Measured,
    /// Somebody stopped it.
    Interrupted,
    /// Nothing was reached.
    Unmeasured,
    /// The command failed before there was anything to judge.
    Refused,
}

/// The first lines of a report.
#[derive(Clone, Debug)]
pub(super) struct Title {
    pub(super) outcome: Outcome,
    pub(super) name: String,
    /// Short facts: environment, release, length.
    pub(super) facts: Vec<String>,
}
