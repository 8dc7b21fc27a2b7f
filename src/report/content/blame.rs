//! Who is to blame for a change of latency, as bars.

use super::super::block::{Block, Cell, Table, Tone, Value};
use super::super::drawing::Drawing;
use super::super::format::NONE;
use super::metric::signed_ms;
use crate::record::Blame;

/// Returns the stages, the largest share in the change first.
pub(super) fn blocks(blame: &[Blame]) -> Vec<Block> {
    if blame.is_empty() {
        return Vec::new();
    }
    let mut blame: Vec<&Blame> = blame.iter().collect();
    blame.sort_by(|a, b| b.change_ms.total_cmp(&a.change_ms));
    let largest = blame
        .iter()
        .map(|blame| blame.change_ms.abs())
        .fold(0.0, f64::max);
    let mut table = Table::default()
        .text("stage")
        .text("slower by")
        .number("change")
        .text("95 % interval")
        .dispensable(1)
        .typed("share")
        .text("owner");
    for blame in blame {
        let tone = if blame.change_ms > 0.0 {
            Tone::Strong
        } else {
            Tone::Plain
        };
        // A stage that got faster has no bar: bars are for what got slower.
        let drawn = Drawing::Bar(blame.change_ms / largest);
        let interval = match (blame.low, blame.high) {
            (Some(low), Some(high)) => format!("[{}, {}]", signed_ms(low), signed_ms(high)),
            _ => NONE.to_owned(),
        };
        table.row(vec![
            Cell::toned(tone, &blame.stage),
            drawn.into(),
            signed_ms(blame.change_ms).into(),
            interval.into(),
            Value::Share(blame.share).into(),
            blame.owner.as_deref().unwrap_or(NONE).into(),
        ]);
    }
    vec![
        Block::Heading("Where the time went".to_owned()),
        Block::Table(table),
    ]
}
