//! The stored runs as a list.

use super::super::block::{Block, Cell, Table, Tone};
use super::super::format::release;
use super::outcome;
use crate::record::{RunSummary, ValidityVerdict};

/// A prefix of an id is no shorter than this, so that it stays unique for a while.
const SHORTEST: usize = 8;

/// Returns the list.
pub(super) fn blocks(rows: &[RunSummary]) -> Vec<Block> {
    if rows.is_empty() {
        let text = "No runs are stored yet. `stagegate load` and `stagegate eval` make some.";
        return vec![Block::Text(Tone::Plain, text.to_owned())];
    }
    let length = unique_length(rows);
    let mut table = Table::default()
        .text("id")
        .text("run")
        .text("env")
        .dispensable(1)
        .text("release")
        .text("started (UTC)")
        .dispensable(2)
        .text("verdict")
        .text("result");
    for row in rows {
        table.row(vec![
            Cell::toned(
                Tone::Strong,
                row.id.chars().take(length).collect::<String>(),
            ),
            format!("{} {}", row.kind.word(), row.name).into(),
            (&row.env).into(),
            named(row).into(),
            started(&row.started_at).into(),
            verdict(row),
            (&row.headline).into(),
        ]);
    }
    vec![Block::Table(table)]
}

fn named(row: &RunSummary) -> String {
    let name = match &row.tag {
        Some(tag) => tag.clone(),
        None => release(row.commit.as_deref(), None, false),
    };
    // As `git describe --dirty` marks it; with flags of its own a run stands for no release.
    match (row.dirty, row.overrides.is_empty()) {
        (true, _) => format!("{name}-dirty"),
        (false, false) => format!("{name}, experiment"),
        (false, true) => name,
    }
}

/// Says what counts most: an incomplete or invalid run has no verdict worth reading.
fn verdict(row: &RunSummary) -> Cell {
    match (row.complete, row.validity) {
        (false, _) => Cell::toned(Tone::Doubt, "interrupted"),
        (true, ValidityVerdict::Invalid) => Cell::toned(Tone::Doubt, "invalid"),
        (true, ValidityVerdict::Valid | ValidityVerdict::Degraded) => outcome::verdict(row.verdict),
    }
}

/// Takes `2026-11-24 03:39` out of an RFC 3339 time; anything else stays as it is.
fn started(at: &str) -> String {
    match (at.get(..10), at.get(10..11), at.get(11..16)) {
        (Some(day), Some("T"), Some(time)) => format!("{day} {time}"),
        _ => at.to_owned(),
    }
}

/// Returns how many characters tell these ids apart.
fn unique_length(rows: &[RunSummary]) -> usize {
    let mut ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let shared = |pair: &[&str]| {
        let same = pair[0].chars().zip(pair[1].chars());
        same.take_while(|(a, b)| a == b).count()
    };
    let longest = ids.windows(2).map(shared).max().unwrap_or(0);
    (longest + 1).max(SHORTEST)
}
