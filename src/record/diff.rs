//! The comparison document `stagegate/diff`: what `diff` and `gate` print, key by key as in the
//! contract.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::verdict::VerdictKind;
use super::version::FormatVersion;
use crate::metric::Metric;

/// The schema name of a comparison document.
pub(crate) const DIFF_SCHEMA: &str = "stagegate/diff";

/// Two releases compared and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DiffDocument {
    pub(crate) schema: String,
    pub(crate) version: FormatVersion,
    pub(crate) base: Side,
    pub(crate) head: Side,
    pub(crate) verdict: VerdictKind,
    /// Somebody stopped the gate while it measured: nothing was decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) interrupted: bool,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) cases: CaseChanges,
    pub(crate) blame: Vec<Blame>,
    pub(crate) changed: Changed,
    /// One sentence, made of the reasons.
    pub(crate) summary: String,
    /// What the verdict rests on, then what should be known beside it. Empty in documents of
    /// version 1.0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<Reason>,
}

/// One thing that the verdict rests on, or that should be known beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Reason {
    /// For instance "`eval.answers` lost 13 of 50 cases, all in lang=de".
    pub(crate) text: String,
    /// The same in as few words as a line has room for: `13 cases lost, all lang=de`.
    pub(crate) short: String,
    pub(crate) owner: Option<String>,
    /// Whether the verdict rests on it.
    pub(crate) decided: bool,
}

/// One side of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Side {
    /// The newest run's id on that side; `None` when there was none.
    pub(crate) id: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) tag: Option<String>,
    /// Every run that took part.
    #[serde(default)]
    pub(crate) runs: Vec<String>,
    /// Of a base: the releases nearer to the head that could not be it, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) passed_over: Vec<String>,
    /// Whether its runs are of a work tree that differs from the commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dirty: bool,
    /// The first few files that make it so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) dirt: Vec<String>,
}

/// Says that a release is measured from a dirty tree, which files make it so, and what follows.
pub(crate) fn dirty_sentence(dirty: bool, dirt: &[String]) -> Option<String> {
    let files: Vec<String> = dirt.iter().map(|it| format!("`{it}`")).collect();
    let files = match files.len() {
        0 => String::new(),
        _ => format!(": {}", files.join(", ")),
    };
    dirty.then(|| format!("the tree is dirty{files}; this run can be no base"))
}

/// One metric on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Comparison {
    /// Dotted, for instance `eval.answers.pass_rate`.
    #[schemars(with = "String")]
    pub(crate) metric: Metric,
    pub(crate) base: Option<f64>,
    pub(crate) head: Option<f64>,
    /// head − base for shares, head/base − 1 for times.
    pub(crate) change: Option<f64>,
    /// Two-sided 95 % interval of `change`.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// Two-sided; of single answers twice the smaller tail of the mid-p.
    pub(crate) p: Option<f64>,
    /// One-sided for "worse", of slices adjusted: what was compared with `eval_alpha`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) p_decided: Option<f64>,
    /// The one-sided bound that decided.
    pub(crate) bound: Option<f64>,
    pub(crate) method: String,
    pub(crate) n: u64,
    pub(crate) verdict: Change,
    /// The rule that judged it, in words; null when it is only shown.
    pub(crate) rule: Option<String>,
    /// Whether that rule was kept; null when there is no rule, or when it was not judged for want
    /// of data.
    pub(crate) outcome: Option<VerdictKind>,
    pub(crate) owner: Option<String>,
    /// What would help, for instance the number of cases a decision would take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// The method of a latency that rounds decide about; with others in its family more comes behind
/// it.
pub(crate) const BY_ROUNDS: &str = "rounds_t";

/// The method of a latency that rounds cannot decide about: one of them does not have it.
pub(crate) const ROUNDS_MISSING: &str = "rounds_missing";

impl Comparison {
    /// Returns whether rounds decide about it.
    pub(crate) fn is_by_rounds(&self) -> bool {
        self.method.starts_with(BY_ROUNDS)
    }
}

/// What became of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Regressed,
    Improved,
    Unchanged,
    Inconclusive,
    Insufficient,
}

/// Case ids by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CaseChanges {
    pub(crate) broke: Vec<String>,
    pub(crate) fixed: Vec<String>,
}

/// One stage's share in the change of the entry's latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Blame {
    pub(crate) stage: String,
    /// Null unless something was shown of this stage: a limit broken, or a regression.
    pub(crate) owner: Option<String>,
    pub(crate) change_ms: f64,
    /// 95 %, of the noise within these two runs only.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// Of the whole change, cut to 0 and 1, so that shares need not add up; null where the whole
    /// did not change.
    pub(crate) share: Option<f64>,
}

/// What differs between the releases besides results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Changed {
    pub(crate) manifest: bool,
    /// Name of the version to (base, head).
    pub(crate) versions: BTreeMap<String, (Option<String>, Option<String>)>,
}
