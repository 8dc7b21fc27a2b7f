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
    /// The last line.
    Conclusion(Conclusion),
}

/// The line that a report of anything judged ends with: how it ended, why, whose that is, and what
/// to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conclusion {
    pub(super) outcome: Outcome,
    /// The releases, or the run.
    pub(super) subject: String,
    /// What decided, then what is to be known beside it.
    pub(super) reasons: Vec<String>,
    pub(super) next: String,
}

impl Conclusion {
    /// Returns what follows the outcome's word.
    pub(super) fn text(&self) -> String {
        let parts = std::iter::once(&self.subject).chain(&self.reasons);
        parts
            .chain([&self.next])
            .cloned()
            .collect::<Vec<_>>()
            .join(" · ")
    }
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

impl Outcome {
    /// Returns its word, which is the same wherever an outcome stands.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Judged(VerdictKind::Passed) => "PASSED",
            Self::Judged(VerdictKind::Failed) => "FAILED",
            Self::Judged(VerdictKind::Inconclusive) => "CANNOT TELL",
            Self::Measured => "MEASURED",
            Self::Interrupted => "INTERRUPTED",
            Self::Unmeasured => "NOT MEASURED",
            Self::Refused => "ERROR",
        }
    }

    /// Returns the colour of its word.
    pub(super) const fn tone(self) -> Tone {
        match self {
            Self::Judged(VerdictKind::Passed) => Tone::Good,
            Self::Judged(VerdictKind::Failed) | Self::Refused => Tone::Bad,
            Self::Measured => Tone::Plain,
            Self::Judged(VerdictKind::Inconclusive) | Self::Interrupted | Self::Unmeasured => {
                Tone::Doubt
            }
        }
    }

    /// Returns what stands for it in Markdown.
    pub(super) const fn emoji(self) -> &'static str {
        match self {
            Self::Judged(VerdictKind::Passed) => "✅",
            Self::Judged(VerdictKind::Failed) => "❌",
            Self::Judged(VerdictKind::Inconclusive) | Self::Unmeasured => "❔",
            Self::Measured => "📏",
            Self::Interrupted => "✋",
            Self::Refused => "🚫",
        }
    }
}

/// The first lines of a report.
#[derive(Clone, Debug)]
pub(super) struct Title {
    pub(super) outcome: Outcome,
    pub(super) name: String,
    /// Short facts: environment, release, length.
    pub(super) facts: Vec<String>,
}
