//! Layer 7: renders stored results. Returns bytes, does no I/O.

mod block;
mod cell;
mod chart;
mod content;
mod csv;
mod drawing;
mod finding;
mod format;
mod github;
mod human;
mod json;
mod jsonl;
mod junit;
mod markdown;
mod page;
mod places;
mod table;
mod tabular;
mod text;
mod view;
mod warning;

pub(crate) use page::{Brief, Doubt, Page};
pub(crate) use places::{Checkout, Places};
pub(crate) use view::{CheckReport, ProbeResult, StageCheck, View};

use crate::registry::{Entry, Registry};

/// An output format: what `--format NAME` and `--out NAME=PATH` ask for.
pub(crate) trait Renderer: Entry {
    /// Renders a whole result, ending in a line break.
    fn render(&self, view: &View<'_>, page: &Page) -> Vec<u8>;
}

/// Every output format. To add one: one file in this folder, one line here.
pub(crate) static RENDERERS: Registry<dyn Renderer> = Registry::new(
    "format",
    &[
        &human::Human,
        &json::Json,
        &jsonl::Jsonl,
        &markdown::Markdown,
        &junit::Junit,
        &csv::Csv,
        &github::Github,
    ],
);

#[cfg(test)]
mod tests;
