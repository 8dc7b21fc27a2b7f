//! Micro-benches of the hot path: `cargo bench --features bench`, a few seconds.
//!
//! Each piece runs for some ten ms, and all take turns, so that whatever else the machine does
//! meets them alike; the median of the turns counts. What is told beside ns is the multiple of the
//! first piece, which is to be compared between machines and between commits.

use std::io::Write as _;
use std::time::{Duration, Instant};

use stagegate::bench::{Piece, pieces};

/// How long a piece runs each time it is its turn.
const TURN: Duration = Duration::from_millis(15);
const TURNS: usize = 15;

fn main() {
    let mut pieces = pieces();
    let times: Vec<u32> = pieces.iter_mut().map(how_often).collect();
    let mut taken: Vec<Vec<f64>> = vec![Vec::new(); pieces.len()];
    for _ in 0..TURNS {
        for (at, piece) in pieces.iter_mut().enumerate() {
            taken[at].push(ns_each(piece, times[at]));
        }
    }
    let medians: Vec<f64> = taken.into_iter().map(median).collect();
    let mut out = std::io::stdout().lock();
    for (piece, ns) in pieces.iter().zip(&medians) {
        let ratio = ns / medians[0];
        writeln!(out, "{:<36} {ns:>9.1} ns {ratio:>7.2} ×", piece.name).expect("stdout is open");
    }
}

/// Returns how often a piece is done in one turn.
fn how_often(piece: &mut Piece) -> u32 {
    let mut times = 16_u32;
    loop {
        let ns = ns_each(piece, times) * f64::from(times);
        if ns > TURN.as_nanos() as f64 / 8.0 {
            let scale = TURN.as_nanos() as f64 / ns;
            return (f64::from(times) * scale).max(1.0) as u32;
        }
        times *= 4;
    }
}

fn ns_each(piece: &mut Piece, times: u32) -> f64 {
    let start = Instant::now();
    (piece.run)(times);
    start.elapsed().as_nanos() as f64 / f64::from(times)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
