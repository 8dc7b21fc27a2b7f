//! Layer 2: every document that is written for another program, and for this one to read again.

mod calibration;
mod capacity;
mod counts;
mod diff;
mod distribution;
mod errors;
mod eval;
mod id;
mod latency;
mod machine;
mod notice;
mod profile;
mod quality;
mod run;
mod several;
mod shard;
mod stage;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod ungraded;
mod verdict;
mod version;
mod warning;

/// The folder beside the manifest in which records are kept; never part of a release.
pub(crate) const FOLDER: &str = ".stagegate";

pub(crate) use calibration::{CALIBRATION_SCHEMA, Calibration};
pub(crate) use capacity::{GaveWay, LimitResult, Probe};
pub(crate) use counts::{Counts, Price, ResponseLevel, TallyRecord, TokenCounts};
pub(crate) use diff::{
    BY_ROUNDS, Blame, CaseChanges, Change, Changed, Comparison, DIFF_SCHEMA, DiffDocument,
    ROUNDS_MISSING, Reason, Side, dirty_sentence,
};
pub(crate) use distribution::Distribution;
pub(crate) use errors::ErrorDocument;
pub(crate) use eval::{
    CaseResult, EvalResult, GoldenInfo, RateEstimate, ScoreEstimate, SliceEstimate,
};
pub(crate) use id::{NotARunId, RunId, is_prefix};
pub(crate) use latency::{IntervalRecord, MetricSummary};
pub(crate) use machine::Machine;
pub(crate) use profile::{
    Estimate, Level, Place, ProfileCell, ProfileResult, Span, Tails, Waterfall,
};
pub(crate) use quality::{QualityChange, QualityResult, StepQuality};
pub(crate) use run::{
    Generator, RUN_SCHEMA, Release, Round, RunKind, RunRecord, Validity, ValidityVerdict,
};
pub(crate) use several::{RELEASE_SCHEMA, ReleaseDocument};
pub(crate) use shard::Shard;
pub(crate) use stage::{SessionCounts, SloResult, Spread, StageResult, SteadyResult, Tokens};
pub(crate) use summary::{BASE_SIDE, RUNS_SCHEMA, RunSummary, RunsDocument, Unusable};
pub(crate) use tally::{NoTally, Tally};
pub(crate) use ungraded::UNSCORED;
pub(crate) use verdict::VerdictKind;
pub(crate) use version::FormatVersion;
pub(crate) use warning::{NeededSamples, Untold, Warning};
