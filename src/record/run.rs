//! The run document: what `--format json` prints and `run.json` holds, key by key as in the
//! contract.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::calibration::Calibration;
use super::capacity::LimitResult;
use super::diff::DiffDocument;
use super::eval::EvalResult;
use super::machine::Machine;
use super::profile::ProfileResult;
use super::quality::QualityResult;
use super::stage::{Spread, StageResult};
use super::verdict::VerdictKind;
use super::version::FormatVersion;
use super::warning::Warning;

/// The schema name of a run document.
pub(crate) const RUN_SCHEMA: &str = "stagegate/run";

/// One run: a load test, an eval, a gate. Times in ms as numbers; unknown keys are ignored by
/// readers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RunRecord {
    pub(crate) schema: String,
    pub(crate) version: FormatVersion,
    pub(crate) id: String,
    pub(crate) kind: RunKind,
    /// The load's, suite's, or gate's name.
    pub(crate) name: String,
    pub(crate) env: String,
    #[serde(default)]
    pub(crate) region: Option<String>,
    pub(crate) seed: u64,
    /// RFC 3339, UTC.
    pub(crate) started_at: String,
    pub(crate) duration_s: f64,
    /// False when the run was interrupted.
    pub(crate) complete: bool,
    /// The flags and `--set`s by which it differs from what the manifest says. Such a run is an
    /// experiment: no revision stands for it, and it is no base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) overrides: Vec<String>,
    pub(crate) release: Release,
    /// Where it was measured from. Absent in a run that was stored before format 1.1 had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine: Option<Machine>,
    pub(crate) validity: Validity,
    #[serde(default)]
    pub(crate) generator: Option<Generator>,
    #[serde(default)]
    pub(crate) stages: BTreeMap<String, StageResult>,
    /// The load's plan or the suite's settings, as they were resolved.
    #[serde(default)]
    pub(crate) plan: Value,
    #[serde(default)]
    pub(crate) eval: Option<EvalResult>,
    /// Present where a load's answers were scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<QualityResult>,
    /// What was injected and what was expected, in a run of kind `fault`.
    #[serde(default)]
    pub(crate) fault: Option<Value>,
    /// Present in a run of kind `profile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<ProfileResult>,
    /// Present in a run of kind `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<LimitResult>,
    #[serde(default)]
    pub(crate) verdict: Option<VerdictKind>,
    /// Present in a run of kind `gate`: the ids of the runs it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) runs: Vec<String>,
    /// Present in a run of kind `gate` since format 1.1: the comparison that it was decided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) diff: Option<DiffDocument>,
    /// What may mislead about the figures, as it was noticed when the run was made. Absent in a run
    /// that was stored before format 1.1 had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) warnings: Option<Vec<Warning>>,
    /// Present in an exported run made of several rounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rounds: Vec<Round>,
}

impl RunRecord {
    /// Makes the record of a run that was begun at that time (RFC 3339, UTC) and has measured
    /// nothing yet.
    pub(crate) fn begun(kind: RunKind, name: &str, id: &str, started_at: &str) -> Self {
        Self {
            schema: RUN_SCHEMA.to_owned(),
            version: FormatVersion::CURRENT,
            id: id.to_owned(),
            kind,
            name: name.to_owned(),
            env: "local".to_owned(),
            region: None,
            seed: 0,
            started_at: started_at.to_owned(),
            duration_s: 0.0,
            complete: true,
            overrides: Vec::new(),
            release: Release::default(),
            machine: None,
            validity: Validity::default(),
            generator: None,
            stages: BTreeMap::new(),
            plan: Value::Null,
            eval: None,
            quality: None,
            fault: None,
            profile: None,
            limit: None,
            verdict: None,
            runs: Vec::new(),
            diff: None,
            warnings: None,
            rounds: Vec::new(),
        }
    }
}

/// What a run measured.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunKind {
    Load,
    Limit,
    Profile,
    Eval,
    Fault,
    Gate,
}

impl RunKind {
    /// Returns the word used in documents and messages.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Limit => "limit",
            Self::Profile => "profile",
            Self::Eval => "eval",
            Self::Fault => "fault",
            Self::Gate => "gate",
        }
    }
}

/// One round of a run that has several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Round {
    pub(crate) stages: BTreeMap<String, StageResult>,
}

/// What a release is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Release {
    /// Full commit id; `None` outside git or before the first commit.
    #[serde(default)]
    pub(crate) commit: Option<String>,
    /// The nearest tag reachable from the commit, with the distance left out.
    #[serde(default)]
    pub(crate) tag: Option<String>,
    /// Whether the work tree differed from the commit; `.stagegate/` never counts.
    #[serde(default)]
    pub(crate) dirty: bool,
    /// The first few files that make it so, from the root of the repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) dirt: Vec<String>,
    /// `blake3:…` of the manifest's text.
    #[serde(default)]
    pub(crate) manifest: String,
    /// The version vector of `[release]`.
    #[serde(default)]
    pub(crate) versions: BTreeMap<String, String>,
}

/// The generator's judgement of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Validity {
    pub(crate) verdict: ValidityVerdict,
    #[serde(default)]
    pub(crate) reasons: Vec<String>,
}

impl Default for Validity {
    fn default() -> Self {
        Self {
            verdict: ValidityVerdict::Valid,
            reasons: Vec::new(),
        }
    }
}

/// Ordered from good to bad.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ValidityVerdict {
    Valid,
    Degraded,
    Invalid,
}

/// What the load generator spent and how late it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Generator {
    /// Null in a closed loop.
    #[serde(default)]
    pub(crate) schedule_lag_ms: Option<Spread>,
    /// For how long the kernel had held what was read, on a sample of the connections; null where
    /// it does not tell.
    #[serde(default)]
    pub(crate) receive_lag_ms: Option<Spread>,
    pub(crate) not_sent: u64,
    pub(crate) cpu_s: f64,
    pub(crate) peak_rss_mb: f64,
    /// What this machine can measure, as `calibrate` found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) calibration: Option<Calibration>,
}
