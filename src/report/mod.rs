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
use crate::text::Disarm;

/// An output format: what `--format NAME` and `--out NAME=PATH` ask for.
pub(crate) trait Renderer: Entry {
    /// Renders a whole result, ending in a line break. [`rendered`] alone calls it.
    fn render(&self, view: &View<'_>, page: &Page) -> Vec<u8>;

    /// Returns how the format breaks up what a CI system's runner would take for a command.
    fn disarm(&self, page: &Page) -> Disarm {
        if page.unicode {
            Disarm::TEXT
        } else {
            Disarm::ASCII
        }
    }
}

/// Renders a whole result, as it may be printed and written.
pub(crate) fn rendered(renderer: &dyn Renderer, view: &View<'_>, page: &Page) -> Vec<u8> {
    let bytes = renderer.render(view, page);
    if !page.is_read_by_a_runner {
        return bytes;
    }
    let text = String::from_utf8_lossy(&bytes);
    renderer.disarm(page).text(&text).into_owned().into_bytes()
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
mod hostile_tests;
#[cfg(test)]
mod tests;
