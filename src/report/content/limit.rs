//! The highest rate at which every SLO holds.

use super::super::block::{Block, Cell, Table, Tone};
use super::super::format::{NONE, number};
use super::outcome;
use crate::record::{LimitResult, Probe};

/// Returns the content of a search: its sentence, and what was tried, slowest first.
pub(super) fn blocks(limit: &LimitResult) -> Vec<Block> {
    let mut table = Table::default()
        .number("rate/s")
        .number("s")
        .text("SLOs")
        .number("good/s")
        .text("failed");
    let mut probes: Vec<&Probe> = limit.probes.iter().collect();
    probes.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    table.rows = probes.into_iter().map(row).collect();
    vec![
        Block::Text(Tone::Strong, limit.summary.clone()),
        Block::Heading("What was tried".to_owned()),
        Block::Table(table),
    ]
}

fn row(probe: &Probe) -> Vec<Cell> {
    let broke = if probe.broke.is_empty() {
        NONE.to_owned()
    } else {
        probe.broke.join(", ")
    };
    vec![
        number(probe.rate).into(),
        number(probe.duration_s).into(),
        outcome::cell(probe.held),
        number(probe.goodput_rps).into(),
        broke.into(),
    ]
}
