//! Tables of cells; [`super::table`] draws them for a terminal.

use super::cell::Cell;
use super::text::clean;

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) head: String,
    /// Which side its cells stand on; `None` leaves it to their types.
    pub(super) right: Option<bool>,
    /// Where the page is too narrow, the column with the highest number goes first; 0 stays.
    pub(super) dispensable: u8,
}

/// A table. Every row has a cell for each column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Adds a column of text.
    #[must_use]
    pub(super) fn text(self, head: impl Into<String>) -> Self {
        self.column(head, Some(false))
    }

    /// Adds a column whose cells say themselves what they are.
    #[must_use]
    pub(super) fn typed(self, head: impl Into<String>) -> Self {
        self.column(head, None)
    }

    /// Returns whether a column stands on the right: where it holds numbers.
    pub(super) fn is_right(&self, at: usize) -> bool {
        let is_number = || self.rows.iter().any(|row| row[at].is_number());
        self.columns[at].right.unwrap_or_else(is_number)
    }

    /// Adds a column of numbers that are already words, such as an interval.
    #[must_use]
    pub(super) fn number(self, head: impl Into<String>) -> Self {
        self.column(head, Some(true))
    }

    /// Makes the last column one that may go where the page is too narrow, the highest number
    /// first.
    #[must_use]
    pub(super) fn dispensable(mut self, order: u8) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.dispensable = order;
        }
        self
    }

    fn column(mut self, head: impl Into<String>, right: Option<bool>) -> Self {
        self.columns.push(Column {
            head: clean(&head.into()),
            right,
            dispensable: 0,
        });
        self
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows.push(cells);
    }
}
