//! Latencies of a stage under load: each has a histogram, and of that the statistics.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::unit::{Better, Row, row};

/// Latency metrics that have histograms; the contract, section 4. In the order of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LatencyMetric {
    ChunkGap,
    ConnWait,
    /// Opening a connection: its name, TCP, and TLS on top. All are part of the wait for it.
    ConnectTime,
    DnsTime,
    /// The response time of the answers that a cache had, and of those that it had not.
    HitTime,
    MaxStall,
    MissTime,
    ResponseTime,
    ScheduleLag,
    ServiceTime,
    TlsTime,
    Tpot,
    Ttfa,
    Ttft,
    TtftSched,
}

/// Every latency, in the order of reports.
static TABLE: [Row<LatencyMetric>; 15] = [
    Row {
        metric: LatencyMetric::ResponseTime,
        key: "response_time",
        better: Better::Lower,
        meaning: "from the moment a request was due to its last content; waiting in the client counts",
    },
    Row {
        metric: LatencyMetric::ServiceTime,
        key: "service_time",
        better: Better::Lower,
        meaning: "from the first byte sent to the last content",
    },
    Row {
        metric: LatencyMetric::Ttft,
        key: "ttft",
        better: Better::Lower,
        meaning: "from the first byte sent to the first content: text, reasoning, refusal, or a tool call",
    },
    Row {
        metric: LatencyMetric::TtftSched,
        key: "ttft_sched",
        better: Better::Lower,
        meaning: "from the moment a request was due to its first content",
    },
    Row {
        metric: LatencyMetric::Ttfa,
        key: "ttfa",
        better: Better::Lower,
        meaning: "from the first byte sent to the first content of the answer, its reasoning left out",
    },
    Row {
        metric: LatencyMetric::Tpot,
        key: "tpot",
        better: Better::Lower,
        meaning: "from the first content to the last, divided by the output tokens but one",
    },
    Row {
        metric: LatencyMetric::ChunkGap,
        key: "chunk_gap",
        better: Better::Lower,
        meaning: "between two events that bear content, pooled over all answers",
    },
    Row {
        metric: LatencyMetric::MaxStall,
        key: "max_stall",
        better: Better::Lower,
        meaning: "the longest such gap of each answer",
    },
    Row {
        metric: LatencyMetric::ConnWait,
        key: "conn_wait",
        better: Better::Lower,
        meaning: "waiting for a connection",
    },
    Row {
        metric: LatencyMetric::DnsTime,
        key: "dns_time",
        better: Better::Lower,
        meaning: "resolving the name, of each connection opened",
    },
    Row {
        metric: LatencyMetric::ConnectTime,
        key: "connect_time",
        better: Better::Lower,
        meaning: "opening TCP, of each connection opened",
    },
    Row {
        metric: LatencyMetric::TlsTime,
        key: "tls_time",
        better: Better::Lower,
        meaning: "the TLS handshake, of each connection opened",
    },
    Row {
        metric: LatencyMetric::ScheduleLag,
        key: "schedule_lag",
        better: Better::Lower,
        meaning: "by how much the generator was late; of stagegate, not of the stage",
    },
    Row {
        metric: LatencyMetric::HitTime,
        key: "hit_time",
        better: Better::Lower,
        meaning: "the response time of what a cache had",
    },
    Row {
        metric: LatencyMetric::MissTime,
        key: "miss_time",
        better: Better::Lower,
        meaning: "the response time of what a cache had not",
    },
];

impl LatencyMetric {
    /// Returns whether it is the load generator's own, which says nothing about a release.
    pub(crate) const fn is_of_the_generator(self) -> bool {
        matches!(self, Self::ScheduleLag)
    }

    /// Every metric, in the order of reports.
    pub(crate) const ALL: [Self; 15] = [
        Self::ResponseTime,
        Self::ServiceTime,
        Self::Ttft,
        Self::TtftSched,
        Self::Ttfa,
        Self::Tpot,
        Self::ChunkGap,
        Self::MaxStall,
        Self::ConnWait,
        Self::DnsTime,
        Self::ConnectTime,
        Self::TlsTime,
        Self::ScheduleLag,
        Self::HitTime,
        Self::MissTime,
    ];

    /// Returns all that is known of it.
    pub(crate) fn row(self) -> &'static Row<Self> {
        row(&TABLE, self)
    }

    /// Returns the key used in documents and in the manifest.
    pub(crate) fn key(self) -> &'static str {
        self.row().key
    }

    /// Returns the metric of that key.
    pub(crate) fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }
}

impl fmt::Display for LatencyMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl Serialize for LatencyMetric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for LatencyMetric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Self::of(&key).ok_or_else(|| de::Error::custom(format!("`{key}` is not a latency")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_every_latency_once_and_the_order_is_that_of_the_keys() {
        assert_eq!(TABLE.map(|row| row.metric), LatencyMetric::ALL);
        let mut by_order = LatencyMetric::ALL;
        by_order.sort();
        let mut keys = LatencyMetric::ALL.map(LatencyMetric::key);
        keys.sort_unstable();
        assert_eq!(by_order.map(LatencyMetric::key), keys);
    }
}
