//! A command that failed: what was wrong, one by one, and what to do.

use super::super::block::{Block, Outcome, Title, Tone};
use super::super::format::plural;
use crate::error::Fault;
use crate::record::ErrorDocument;

/// Returns the content of an error document.
pub(super) fn blocks(document: &ErrorDocument) -> Vec<Block> {
    let title = Block::Title(Title {
        outcome: Outcome::Refused,
        name: format!(
            "{}, exit code {}",
            plural(document.errors.len() as u64, "problem"),
            document.exit
        ),
        facts: Vec::new(),
    });
    let faults = document.errors.iter().flat_map(fault);
    std::iter::once(title).chain(faults).collect()
}

fn fault(fault: &Fault) -> Vec<Block> {
    let text = Block::Text(Tone::Plain, fault.located());
    let help = fault.help.iter();
    let help = help.map(|help| Block::Text(Tone::Faint, help.clone()));
    std::iter::once(text).chain(help).collect()
}
