//! What a report is made of, before it has a format: titles, paragraphs, tables, lists, warnings.

use super::text::clean;
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

/// How much a text matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    Doubt,
    Strong,
    Faint,
}

/// One cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl Cell {
    /// Makes a cell; the text may come from outside.
    pub(super) fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        Self {
            text: clean(text.as_ref()),
            tone,
        }
    }

    /// Makes a cell that is a drawing, whose spaces count.
    pub(super) fn drawing(text: String) -> Self {
        Self {
            text,
            tone: Tone::Plain,
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(Tone::Plain, text)
    }
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) head: String,
    pub(super) right: bool,
    /// Where the page is too narrow, the column with the highest number goes first; 0 stays.
    pub(super) dispensable: u8,
}

/// A table. Every row has a cell for each column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Adds a column of text.
    #[must_use]
    pub(super) fn text(self, head: impl Into<String>) -> Self {
        self.column(head, false, 0)
    }

    /// Adds a column of numbers.
    #[must_use]
    pub(super) fn number(self, head: impl Into<String>) -> Self {
        self.column(head, true, 0)
    }

    /// Makes the last column one that may go where the page is too narrow, the highest number first.
    #[must_use]
    pub(super) fn dispensable(mut self, order: u8) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.dispensable = order;
        }
        self
    }

    fn column(mut self, head: impl Into<String>, right: bool, dispensable: u8) -> Self {
        self.columns.push(Column {
            head: head.into(),
            right,
            dispensable,
        });
        self
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells);
    }
}
