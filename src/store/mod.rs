//! Layer 1: the stored runs under `.stagegate/`, tied to git.

mod base;
mod calibration;
mod error;
mod export;
mod git;
mod id;
mod layout;
mod limit;
mod missing;
mod profile;
mod prune;
mod quality;
mod read;
mod record;
mod release;
mod select;
mod split;
mod summary;
#[cfg(test)]
mod testing;
mod version;
mod write;

pub(crate) use base::Head;
pub(crate) use calibration::{CALIBRATION_SCHEMA, Calibration};
pub(crate) use export::{export, printed};
pub(crate) use git::{Git, GitFacts};
pub(crate) use id::RunId;
pub(crate) use layout::Store;
pub(crate) use limit::{GaveWay, LimitResult, Probe};
pub(crate) use missing::SelectError;
pub(crate) use profile::{Estimate, Level, Place, ProfileCell, ProfileResult, Span, Waterfall};
pub(crate) use prune::PruneRules;
pub(crate) use quality::{QualityChange, QualityResult, StepQuality};
pub(crate) use record::{
    CaseResult, EvalResult, Generator, GoldenInfo, IntervalRecord, MetricSummary, RUN_SCHEMA,
    RateEstimate, Release, RunKind, RunRecord, ScoreEstimate, SessionCounts, SliceEstimate,
    SloResult, Spread, StageResult, SteadyResult, Tokens, Validity, ValidityVerdict, VerdictKind,
};
pub(crate) use release::files_version;
pub(crate) use select::{RunRef, Selection, Wanted};
pub(crate) use summary::{RUNS_SCHEMA, RunSummary, RunsDocument};
pub(crate) use version::FormatVersion;
