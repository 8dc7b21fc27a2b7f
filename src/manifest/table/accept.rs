//! `[[accept]]`: an intended change, reviewed with the manifest, that expires.

use schemars::JsonSchema;
use serde::Deserialize;

use super::rule;
use crate::manifest::checker::Checker;
use crate::manifest::document::Table;
use crate::manifest::span::{Span, Spanned};
use crate::measure::Share;
use crate::metric::Metric;

// What may be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawAccept {
    metric: Option<Spanned<String>>,
    up_to: Option<Share>,
    until: Option<String>,
    reason: Option<String>,
}

/// `[[accept]]`.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
pub(crate) struct Accept {
    pub(crate) metric: Metric,
    pub(crate) up_to: Share,
    /// The tag with which it expires.
    pub(crate) until: String,
    pub(crate) reason: String,
    /// Where the metric stands in the text.
    pub(crate) span: Span,
}

impl Accept {
    /// Checks one of them; `None` where anything is missing.
    pub(in crate::manifest) fn check(table: Table, manifest: &mut Checker<'_>) -> Option<Self> {
        manifest.idle_table(&table);
        let (raw, mut checker) = manifest.read::<RawAccept>(table, &[]);
        let raw = raw?;
        let metric = checker.required(raw.metric, "metric");
        let up_to = checker.required(raw.up_to, "up_to");
        let until = checker.required(raw.until, "until");
        let reason = checker.required(raw.reason, "reason");
        let metric = metric?;
        Some(Self {
            metric: rule::metric(&metric, &mut checker)?,
            up_to: up_to?,
            until: until?,
            reason: reason?,
            span: metric.span,
        })
    }
}
