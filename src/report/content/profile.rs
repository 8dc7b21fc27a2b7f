//! A latency profile: tables by condition, waterfalls, and where the time goes.

use super::super::block::{Block, Cell, Table, Tone};
use super::super::drawing::Drawing;
use super::super::format::{NONE, TimeUnit, time_ms};

use crate::record::{Estimate, Level, Place, ProfileCell, ProfileResult, Span, Waterfall};
use crate::stats::TOO_SHORT;

/// Columns of a drawing: with the names and times beside it there is room for it at 80 columns.
const WIDTH: usize = 40;

/// Returns the content of a profile.
pub(super) fn blocks(profile: &ProfileResult) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(summary) = &profile.summary {
        blocks.push(Block::Text(Tone::Strong, summary.clone()));
    }
    for (name, pick) in PERCENTILES {
        let unit = TimeUnit::of(profile.cells.iter().map(|cell| Some(pick(cell)?.value)));
        blocks.push(Block::Heading(format!(
            "{name} of the response time in {}, with 95 % intervals",
            unit.name()
        )));
        blocks.push(Block::Table(table(profile, unit, pick)));
    }
    let estimates = profile.cells.iter().flat_map(|it| [it.p50, it.p95]);
    if estimates.flatten().any(|it| it.too_short) {
        let why = format!("±{NONE}: no interval, {TOO_SHORT}");
        blocks.push(Block::Text(Tone::Faint, why));
    }
    if !profile.parts.is_empty() {
        let whole = &profile.whole;
        let inside = if profile.driven {
            format!("inside: as a step of `{whole}` under that load")
        } else {
            format!(
                "inside: called now and then (at random, at most once a second, and at most 5 % of what one user alone can ask) while `{whole}` \
                 was under that load; what `{whole}` itself waits for its stages cannot be seen from outside"
            )
        };
        blocks.push(Block::Text(Tone::Faint, inside));
    }
    if !profile.waterfalls.is_empty() {
        blocks.push(Block::Heading(format!(
            "Requests to {} at {}",
            profile.whole, profile.load
        )));
    }
    for waterfall in &profile.waterfalls {
        blocks.extend(drawing(waterfall));
    }
    if !profile.waterfalls.is_empty() {
        let legend =
            "· waits in the client   ░ until its first content   █ until its last".to_owned();
        blocks.push(Block::Line(legend));
    }
    blocks
}

type Pick = fn(&ProfileCell) -> Option<Estimate>;

const PERCENTILES: [(&str, Pick); 2] = [("p50", |cell| cell.p50), ("p95", |cell| cell.p95)];

const CONDITIONS: [(Place, Level); 4] = [
    (Place::Alone, Level::Low),
    (Place::Alone, Level::Given),
    (Place::Inside, Level::Low),
    (Place::Inside, Level::Given),
];

fn table(profile: &ProfileResult, unit: TimeUnit, pick: Pick) -> Table {
    let shown: Vec<(Place, Level)> = CONDITIONS
        .into_iter()
        .filter(|(place, _)| *place == Place::Inside || !profile.parts.is_empty())
        .collect();
    let mut table = Table::default().text("stage");
    for (place, level) in &shown {
        let place = match place {
            Place::Alone => "alone".to_owned(),
            Place::Inside if profile.parts.is_empty() => String::new(),
            Place::Inside => "inside".to_owned(),
        };
        let level = match level {
            Level::Low => "1 user",
            Level::Given => profile.load.as_str(),
        };
        table = table.number(format!("{place} {level}").trim().to_owned());
    }
    for stage in profile.parts.iter().chain([&profile.whole]) {
        let mut row: Vec<Cell> = vec![stage.into()];
        for (place, level) in &shown {
            let cell = profile
                .cells
                .iter()
                .find(|cell| cell.stage == *stage && cell.place == *place && cell.load == *level);
            row.push(estimate(cell, unit, pick));
        }
        table.row(row);
    }
    table
}

fn estimate(cell: Option<&ProfileCell>, unit: TimeUnit, pick: Pick) -> Cell {
    let Some(cell) = cell else {
        return "".into();
    };
    let Some(found) = pick(cell) else {
        let tone = if cell.failed > 0 {
            Tone::Bad
        } else {
            Tone::Faint
        };
        return Cell::toned(tone, format!("{NONE} (n={})", cell.count));
    };
    let show = |ms: f64| unit.show(Some(ms));
    let value = show(found.value);
    match (found.low, found.high) {
        // The longer side, so that the interval is never shown narrower than it is.
        (Some(low), Some(high)) => {
            let half = (found.value - low).max(high - found.value);
            format!("{value} ±{}", show(half))
        }
        (Some(low), None) => format!("{value} ≥{}", show(low)),
        (None, Some(high)) => format!("{value} ≤{}", show(high)),
        (None, None) => format!("{value} ±{NONE}"),
    }
    .into()
}

fn drawing(waterfall: &Waterfall) -> Vec<Block> {
    let mut table = Table::default()
        .text(format!(
            "{}, {}",
            waterfall.label,
            time_ms(waterfall.response_time_ms)
        ))
        .text("")
        .number("takes");
    for span in &waterfall.spans {
        table.row(vec![
            (&span.stage).into(),
            Drawing::Characters(bar(span, waterfall.response_time_ms)).into(),
            time_ms(span.end - span.start).into(),
        ]);
    }
    vec![Block::Table(table)]
}

/// Draws a span to scale. What takes no column at this scale is not drawn, but no span vanishes.
fn bar(span: &Span, whole_ms: f64) -> String {
    let column = |ms: f64| {
        let share = if whole_ms > 0.0 { ms / whole_ms } else { 0.0 };
        ((share * WIDTH as f64).round() as usize).min(WIDTH)
    };
    let end = column(span.end).max(1);
    let start = column(span.start).min(end - 1);
    let sent = column(span.sent).clamp(start, end);
    let first = column(span.first_content).clamp(sent, end);
    // Whatever it was waiting for, at least its last column says that it was answered.
    let sent = sent.min(end - 1);
    let first = if first == sent {
        sent + usize::from(end - sent == 1)
    } else {
        first
    };
    format!(
        "{}{}{}{}{}",
        " ".repeat(start),
        "·".repeat(sent - start),
        "░".repeat(first - sent),
        "█".repeat(end - first),
        " ".repeat(WIDTH - end),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, sent: f64, first_content: f64, end: f64) -> Span {
        Span {
            stage: "s".to_owned(),
            start,
            sent,
            first_content,
            end,
            trace_id: None,
        }
    }

    #[test]
    fn a_bar_is_to_scale_and_never_empty() {
        assert_eq!(
            bar(&span(0.0, 10.0, 20.0, 40.0), 40.0).trim_end(),
            format!("{}{}{}", "·".repeat(10), "░".repeat(10), "█".repeat(20))
        );
        assert_eq!(bar(&span(39.9, 39.9, 40.0, 40.0), 40.0).trim_start(), "░");
        assert_eq!(bar(&span(0.0, 0.0, 0.0, 0.0), 0.0).trim(), "░");
        assert_eq!(
            bar(&span(0.0, 40.0, 40.0, 40.0), 40.0).chars().count(),
            WIDTH
        );
    }
}
