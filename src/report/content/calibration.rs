//! What a machine can measure.

use super::super::block::{Block, Cell, Outcome, Table, Title};
use super::super::format::{NONE, number};
use crate::record::{Calibration, VerdictKind};

/// Returns the content of a calibration.
pub(super) fn blocks(calibration: &Calibration) -> Vec<Block> {
    let shown = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), number);
    let mut errors = Table::default()
        .text("what")
        .number("p50 ms")
        .number("p99 ms")
        .number("max ms");
    let mut row = |what: &str, values: [Option<f64>; 3]| {
        let cells = values.map(|value| Cell::from(shown(value)));
        errors
            .rows
            .push([Cell::from(what)].into_iter().chain(cells).collect());
    };
    let lag = format!("schedule lag at {}/s", number(calibration.lag_rate));
    for (what, times) in [
        (lag.as_str(), calibration.schedule_lag_ms),
        ("TTFT error", calibration.ttft_error_ms),
        ("gap error", calibration.gap_error_ms),
    ] {
        if let Some(times) = times {
            row(what, [times.p50, times.p99, times.max]);
        }
    }
    let streams = calibration.max_streams;
    let streams = streams.map_or_else(|| NONE.to_owned(), |streams| streams.to_string());
    let mut most = Table::default().text("at most").number("value");
    most.rows = vec![
        vec![
            "requests a second, 60 users".into(),
            shown(calibration.max_rps).into(),
        ],
        vec!["streams at once, 20 tokens/s each".into(), streams.into()],
    ];
    let cores = calibration.cores;
    let is_whole = calibration.max_rps.is_some() || calibration.max_streams.is_some();
    let mut blocks = vec![
        Block::Title(Title {
            outcome: Outcome::Judged(VerdictKind::Passed),
            name: "calibrate".to_owned(),
            facts: vec![
                if is_whole {
                    format!("{cores} cores, shared with the reference server")
                } else {
                    "against a reference server of its own".to_owned()
                },
                calibration.measured_at.clone(),
            ],
        }),
        Block::Table(errors),
    ];
    blocks.extend(is_whole.then_some(Block::Table(most)));
    blocks
}
