//! What a report says, whatever its format: a view turned into blocks.

mod answers;
mod blame;
mod bounded;
mod calibration;
mod calls;
mod check;
mod conclusion;
mod diff;
mod errors;
pub(super) mod eval;
mod limit;
mod load;
mod metric;
mod outcome;
mod profile;
mod quality;
mod run;
mod runs;
mod spread;

use super::block::Block;
use super::page::Page;
use super::view::View;

pub(super) use conclusion::of as conclusion;
pub(super) use diff::sections;

/// Returns the content of a view, its conclusion last.
pub(super) fn of(view: &View<'_>, page: &Page) -> Vec<Block> {
    let blocks = match view {
        View::Run(run) => run::blocks(run),
        View::Session(runs) => runs.iter().flat_map(run::blocks).collect(),
        View::Diff(diff) => diff::blocks(diff),
        View::Runs(rows) => runs::blocks(rows),
        View::Check(check) => check::blocks(check),
        View::Calibration(calibration) => calibration::blocks(calibration),
        View::Error(document) => errors::blocks(document),
    };
    let conclusion = conclusion(view, page).map(Block::Conclusion);
    blocks.into_iter().chain(conclusion).collect()
}
