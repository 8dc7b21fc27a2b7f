//! The latencies of a stage in documents.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::{Histogram, Packed};
use crate::metric::{LatencyMetric, Stat};

/// One latency metric; null percentiles had too few samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct MetricSummary {
    pub(crate) unit: String,
    pub(crate) count: u64,
    pub(crate) mean: Option<f64>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p90: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) p999: Option<f64>,
    /// HdrHistogram V2 compressed, base64, µs; only in exported and stored documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) histogram: Option<Histogram>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) intervals: Vec<IntervalRecord>,
}

impl MetricSummary {
    /// Returns the summary alone.
    pub(crate) fn without_histograms(self) -> Self {
        Self {
            histogram: None,
            intervals: Vec::new(),
            ..self
        }
    }

    /// Returns the histograms of its intervals.
    pub(crate) fn unpacked(&self) -> Vec<Histogram> {
        let intervals = self.intervals.iter();
        intervals.map(|it| it.histogram.unpack()).collect()
    }

    /// Returns a statistic; null where there were too few samples.
    pub(crate) const fn stat(&self, stat: Stat) -> Option<f64> {
        match stat {
            Stat::Mean => self.mean,
            Stat::Min => self.min,
            Stat::Max => self.max,
            Stat::P50 => self.p50,
            Stat::P90 => self.p90,
            Stat::P95 => self.p95,
            Stat::P99 => self.p99,
            Stat::P999 => self.p999,
        }
    }
}

/// The latencies of a stage.
pub(crate) type Metrics = BTreeMap<LatencyMetric, MetricSummary>;

/// Latencies by their keys; one that is not known here, of another version or program, is left out,
/// as unknown keys are.
pub(super) mod metrics {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

    use super::{MetricSummary, Metrics};
    use crate::metric::LatencyMetric;

    pub(in crate::record) fn serialize<S: Serializer>(
        metrics: &Metrics,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        metrics.serialize(serializer)
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Metrics, D::Error> {
        let all = BTreeMap::<String, MetricSummary>::deserialize(deserializer)?;
        let known = |(key, summary): (String, _)| Some((LatencyMetric::of(&key)?, summary));
        Ok(all.into_iter().filter_map(known).collect())
    }
}

/// One interval's histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct IntervalRecord {
    pub(crate) start_s: f64,
    pub(crate) end_s: f64,
    #[schemars(with = "String")]
    pub(crate) histogram: Packed,
}
