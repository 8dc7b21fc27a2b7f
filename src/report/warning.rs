//! How a stored warning is worded: what may mislead, and the remedy.

use super::format::{NONE, count, number, percent, percent_range, plural, time_ms};
use crate::record::{NeededSamples, Untold, Warning};

/// What a golden set should be able to show: ± 5 points.
const USEFUL_HALF_WIDTH: f64 = 0.05;

impl Warning {
    /// Returns what is wrong: a sentence.
    pub(super) fn text(&self) -> String {
        match self {
            Self::TooFewSamples { needed, count } => too_few(needed, *count),
            Self::Degraded { reasons } => {
                format!(
                    "The load generator was not quite on time: {}.",
                    joined(reasons)
                )
            }
            Self::Invalid { reasons } => format!(
                "The load generator itself was the bottleneck, so these numbers say nothing about the stages: {}.",
                joined(reasons)
            ),
            Self::WarmingUp { stage, cut_s, p95 } => warming_up(stage, *cut_s, *p95),
            Self::Unsettled { stage } => {
                format!("`{stage}` never settled: its response time was still changing at the end.")
            }
            Self::NotTold { stage, what } => not_told(stage, *what),
            Self::Coalesced {
                stage,
                one_piece,
                streams,
                unknown_gaps,
            } => coalesced(stage, *one_piece, *streams, *unknown_gaps),
            Self::InFlight { stage, count } => in_flight(stage, *count),
            Self::ErrorsCount { errors, bounds } => {
                let bounds = bounds.map_or_else(String::new, |(low, high)| {
                    format!(
                        "; depending on what they would have been, the rate lies in {} %",
                        percent_range(low, high)
                    )
                });
                let count = plural(*errors, "answer");
                let verb = if *errors == 1 { "counts" } else { "count" };
                format!("{count} errored and {verb} as not passed{bounds}.")
            }
            Self::SmallGoldenSet { cases, low, high } => format!(
                "{} leave the pass rate unknown within {}.",
                plural(*cases, "case"),
                percent(high - low)
            ),
            Self::Dirty => {
                "The work tree had uncommitted changes, so this run stands for no commit."
                    .to_owned()
            }
            Self::Incomplete => {
                "The run was interrupted: this is what was measured until then.".to_owned()
            }
            Self::OverBudget { key } => {
                let budget = key
                    .as_ref()
                    .map_or("a budget".to_owned(), |it| format!("`{it}`"));
                format!("The run stopped before its end because {budget} was reached.")
            }
            Self::Other => {
                "A newer stagegate warns of something that this version does not know.".to_owned()
            }
        }
    }

    /// Returns what to do about it: a sentence.
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::TooFewSamples { .. } => {
                "Run longer or at a higher rate (`--duration`, `--rate`).".to_owned()
            }
            Self::Degraded { .. } => {
                "Close what else runs on this machine, and compare such runs with care.".to_owned()
            }
            Self::Invalid { .. } => {
                "Lower the rate, or run on a machine with more cores and sockets.".to_owned()
            }
            Self::WarmingUp { cut_s, .. } => {
                format!(
                    "Add `warmup = \"{}s\"`, which is never counted.",
                    cut_s.ceil()
                )
            }
            Self::Unsettled { .. } => {
                "Run longer; where it only grows, the rate is more than the stage can do."
                    .to_owned()
            }
            Self::NotTold { .. } => {
                "Check where its `output` looks for that; `absent = \"no\"` takes a missing field for no."
                    .to_owned()
            }
            Self::Coalesced { .. } => {
                "Look for a proxy that buffers between here and the stage, or measure beside the stage."
                    .to_owned()
            }
            Self::InFlight { .. } => {
                "Run longer, or see why the stage is slower than its `timeout`.".to_owned()
            }
            Self::ErrorsCount { .. } => {
                "See the errors below; `--resume` asks only what was not answered.".to_owned()
            }
            Self::SmallGoldenSet { low, high, .. } => format!(
                "About {} would tell it within ± 5 points.",
                plural(cases_needed(f64::midpoint(*low, *high)), "case")
            ),
            Self::Dirty => "Commit, then run again; revisions never name a dirty run.".to_owned(),
            Self::Incomplete => {
                "Run it again; an eval goes on where it stopped with `--resume`.".to_owned()
            }
            Self::OverBudget { .. } => "Raise the budget, or ask for less.".to_owned(),
            Self::Other => "Show the run with the version that stored it.".to_owned(),
        }
    }
}

/// Returns the cases with which a 95 % interval is ± 5 points wide: n = z² p (1 − p) / d².
///
/// Source: the normal approximation of the binomial; assumes independent cases. p is kept in [0.1,
/// 0.9], where the approximation is usable.
fn cases_needed(rate: f64) -> u64 {
    const Z: f64 = 1.959_964;
    let rate = rate.clamp(0.1, 0.9);
    (Z * Z * rate * (1.0 - rate) / (USEFUL_HALF_WIDTH * USEFUL_HALF_WIDTH)).ceil() as u64
}

fn warming_up(stage: &str, cut_s: f64, p95: Option<(f64, f64)>) -> String {
    let p95 = p95.map_or_else(String::new, |(steady, all)| {
        let (steady, all) = (time_ms(steady), time_ms(all));
        format!(": from then on its p95 is {steady}, and {all} in the whole run")
    });
    format!("`{stage}` settled after {} s{p95}.", number(cut_s))
}

fn too_few(needed: &[NeededSamples], have: u64) -> String {
    let needs: Vec<String> = needed
        .iter()
        .map(|it| format!("{} needs {}", it.statistic, count(it.samples)))
        .collect();
    format!(
        "{NONE} means not enough samples ({}; there were {}).",
        needs.join(", "),
        count(have)
    )
}

fn not_told(stage: &str, what: Untold) -> String {
    let what = match what {
        Untold::Fallback => "a fallback",
        Untold::Hit => "a hit of a cache",
    };
    format!("`{stage}`: no answer said whether it was {what}.")
}

fn in_flight(stage: &str, count: u64) -> String {
    let verb = if count == 1 { "was" } else { "were" };
    format!(
        "{} to `{stage}` {verb} still open at the end: attempted, not good, and percentiles that they could move \
         are left out.",
        plural(count, "request")
    )
}

fn coalesced(stage: &str, one_piece: u64, streams: u64, unknown_gaps: f64) -> String {
    let unknown = percent(unknown_gaps);
    if one_piece == 0 {
        return format!(
            "`{stage}`: content came in one read with earlier content, so {unknown} of the gaps are not known, and \
             `chunk_gap` and `max_stall` are of the others."
        );
    }
    let noun = if streams == 1 { "stream" } else { "streams" };
    format!(
        "`{stage}`: {} of {} {noun} arrived in one piece (a buffering proxy?), so their `tpot` is not known, nor \
         are {unknown} of all gaps between content.",
        count(one_piece),
        count(streams)
    )
}

fn joined(reasons: &[String]) -> String {
    match reasons {
        [] => "no reason given".to_owned(),
        reasons => reasons.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_needed_follow_the_textbook() {
        // n = 1.96² · 0.25 / 0.05² = 384.1, the figure of every survey handbook.
        assert_eq!(cases_needed(0.5), 385);
        assert_eq!(cases_needed(0.99), cases_needed(0.9));
    }

    #[test]
    fn every_warning_is_a_sentence_with_a_remedy() {
        let reasons = vec!["lag p99 3.1 ms".to_owned()];
        let warnings = [
            Warning::TooFewSamples {
                needed: vec![NeededSamples {
                    statistic: "p99".to_owned(),
                    samples: 368,
                }],
                count: 12,
            },
            Warning::Degraded {
                reasons: reasons.clone(),
            },
            Warning::Invalid { reasons },
            Warning::NotTold {
                stage: "llm".to_owned(),
                what: Untold::Fallback,
            },
            Warning::Coalesced {
                stage: "llm".to_owned(),
                one_piece: 3,
                streams: 20,
                unknown_gaps: 0.4,
            },
            Warning::Coalesced {
                stage: "llm".to_owned(),
                one_piece: 0,
                streams: 20,
                unknown_gaps: 0.94,
            },
            Warning::InFlight {
                stage: "llm".to_owned(),
                count: 2,
            },
            Warning::ErrorsCount {
                errors: 1,
                bounds: Some((0.9, 0.95)),
            },
            Warning::SmallGoldenSet {
                cases: 5,
                low: 0.4,
                high: 0.9,
            },
            Warning::Dirty,
            Warning::Incomplete,
            Warning::OverBudget {
                key: Some("max_cost".to_owned()),
            },
            Warning::Other,
        ];
        for warning in warnings {
            for sentence in [warning.text(), warning.remedy()] {
                assert!(sentence.ends_with('.'), "{sentence}");
                assert!(!sentence.contains("  "), "{sentence}");
            }
        }
    }
}
