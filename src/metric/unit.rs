//! What numbers are written in, and which of two is better.

/// The unit of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// In ms; its change is a ratio.
    Time,
    /// In [0, 1]; its change is in percentage points.
    Share,
    /// Per second; its change is a ratio.
    Rate,
    /// A number without a unit; its change is a ratio.
    Number,
}

/// Which of two values is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Lower,
    Higher,
    /// Neither: it says how the load was, not how the stage did.
    Neither,
}

/// One row of a family's table: all that is known of a metric but its values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<M> {
    pub(crate) metric: M,
    /// The name in documents and in the manifest.
    pub(crate) key: &'static str,
    pub(crate) better: Better,
    /// What it means, for the manual: a phrase that ends without a full stop.
    pub(crate) meaning: &'static str,
}

/// Returns the row of a metric in its family's table.
pub(super) fn row<M: Copy + PartialEq>(table: &'static [Row<M>], metric: M) -> &'static Row<M> {
    table
        .iter()
        .find(|row| row.metric == metric)
        .unwrap_or(&table[0])
}
