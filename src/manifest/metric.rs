//! What is measured, by its keys, and dotted metric names: `load.peak.gateway.response_time.p95`, `eval.answers.slice."lang=de".pass_rate`.

use super::shape::suggest;

/// Latency metrics that have histograms; the contract, section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LatencyMetric {
    ResponseTime,
    ServiceTime,
    ScheduleLag,
    ConnWait,
    /// Opening a connection: its name, TCP, and TLS on top. All are part of the wait for it.
    DnsTime,
    ConnectTime,
    TlsTime,
    Ttft,
    TtftSched,
    Tpot,
    ChunkGap,
    MaxStall,
    /// The response time of the answers that a cache had, and of those that it had not.
    HitTime,
    MissTime,
}

impl LatencyMetric {
    /// Every metric, in the order of reports.
    pub(crate) const ALL: [Self; 14] = [
        Self::ResponseTime,
        Self::ServiceTime,
        Self::Ttft,
        Self::TtftSched,
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

    /// Returns the key used in documents and in the manifest.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::ResponseTime => "response_time",
            Self::ServiceTime => "service_time",
            Self::ScheduleLag => "schedule_lag",
            Self::ConnWait => "conn_wait",
            Self::DnsTime => "dns_time",
            Self::ConnectTime => "connect_time",
            Self::TlsTime => "tls_time",
            Self::Ttft => "ttft",
            Self::TtftSched => "ttft_sched",
            Self::Tpot => "tpot",
            Self::ChunkGap => "chunk_gap",
            Self::MaxStall => "max_stall",
            Self::HitTime => "hit_time",
            Self::MissTime => "miss_time",
        }
    }
}

/// A statistic of a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stat {
    Mean,
    Min,
    Max,
    P50,
    P90,
    P95,
    P99,
    P999,
}

impl Stat {
    /// Every statistic.
    pub(crate) const ALL: [Self; 8] = [
        Self::Mean,
        Self::Min,
        Self::Max,
        Self::P50,
        Self::P90,
        Self::P95,
        Self::P99,
        Self::P999,
    ];

    /// Returns the key used in documents and in the manifest.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p999",
        }
    }

    /// Returns the quantile in (0, 1), for percentiles.
    pub(crate) const fn quantile(self) -> Option<f64> {
        match self {
            Self::Mean | Self::Min | Self::Max => None,
            Self::P50 => Some(0.5),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            Self::P999 => Some(0.999),
        }
    }
}

/// Shares of the attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShareMetric {
    ErrorRate,
    FallbackRate,
}

impl ShareMetric {
    /// Returns the key used in documents and in the manifest.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::ErrorRate => "error_rate",
            Self::FallbackRate => "fallback_rate",
        }
    }
}

/// What a fault may be expected to do.
pub(crate) const EXPECTATIONS: [&str; 5] = [
    "success_rate",
    "fallback_rate",
    "amplification",
    "recovery",
    "quality",
];

/// Numbers of a stage under load that are shares.
const LOAD_SHARES: [&str; 3] = ["error_rate", "fallback_rate", "attainment"];

/// Numbers of a stage under load that are rates per second.
const LOAD_RATES: [&str; 3] = ["offered_rps", "achieved_rps", "goodput_rps"];

/// A metric, taken apart. It need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MetricName {
    Load {
        load: String,
        stage: String,
        unit: MetricUnit,
    },
    Eval {
        eval: String,
        part: EvalPart,
    },
    Fault {
        fault: String,
        expectation: String,
        unit: MetricUnit,
    },
}

/// A number of an eval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EvalPart {
    PassRate,
    /// The mean score of an assertion.
    Score(String),
    /// The pass rate of a slice, for instance `lang=de`.
    Slice(String),
}

/// What limits of a metric are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricUnit {
    Time,
    Share,
    /// A number without a unit, or per second.
    Number,
}

/// Why a text is not a metric name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WrongMetric {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl MetricName {
    /// Takes a dotted name apart.
    pub(super) fn parse(text: &str) -> Result<Self, WrongMetric> {
        let wrong = |help: &str| WrongMetric {
            message: format!("`{text}` is not a metric"),
            help: Some(help.to_owned()),
        };
        let parts = split_dotted(text).ok_or_else(|| wrong("A quote is not closed."))?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["load", load, stage, rest @ ..] if !rest.is_empty() => Ok(Self::Load {
                load: (*load).to_owned(),
                stage: (*stage).to_owned(),
                unit: load_unit(rest).map_err(|help| WrongMetric {
                    message: format!("`{}` is not a metric of a stage under load", rest.join(".")),
                    help,
                })?,
            }),
            ["load", ..] => Err(wrong(
                "Write it like `load.NAME.STAGE.response_time.p95` or `load.NAME.STAGE.error_rate`.",
            )),
            ["eval", eval, rest @ ..] => {
                let part = match rest {
                    ["pass_rate"] => EvalPart::PassRate,
                    ["slice", slice, "pass_rate"] => EvalPart::Slice((*slice).to_owned()),
                    [assertion, "score"] => EvalPart::Score((*assertion).to_owned()),
                    _ => {
                        return Err(wrong(
                            "Write it like `eval.NAME.pass_rate`, `eval.NAME.ASSERTION.score`, or \
                             `eval.NAME.slice.\"lang=de\".pass_rate`.",
                        ));
                    }
                };
                Ok(Self::Eval {
                    eval: (*eval).to_owned(),
                    part,
                })
            }
            ["fault", fault, expectation] => Ok(Self::Fault {
                fault: (*fault).to_owned(),
                expectation: (*expectation).to_owned(),
                unit: expectation_unit(expectation).ok_or_else(|| WrongMetric {
                    message: format!("`{expectation}` is not an expectation of a fault"),
                    help: suggest(expectation, &EXPECTATIONS),
                })?,
            }),
            ["fault", ..] => Err(wrong("Write it like `fault.NAME.success_rate`.")),
            [first, ..] => Err(WrongMetric {
                message: format!("`{text}` is not a metric"),
                help: suggest(first, &["load", "eval", "fault"])
                    .map(|help| format!("A metric begins with `load`, `eval`, or `fault`. {help}")),
            }),
            [] => Err(wrong("Write it like `eval.NAME.pass_rate`.")),
        }
    }

    /// Returns what its limits are written in.
    pub(crate) const fn unit(&self) -> MetricUnit {
        match self {
            Self::Load { unit, .. } | Self::Fault { unit, .. } => *unit,
            Self::Eval { .. } => MetricUnit::Share,
        }
    }
}

/// Returns the unit of an expectation; `None` where there is no such expectation.
pub(super) fn expectation_unit(name: &str) -> Option<MetricUnit> {
    match name {
        "success_rate" | "fallback_rate" | "quality" => Some(MetricUnit::Share),
        "amplification" => Some(MetricUnit::Number),
        "recovery" => Some(MetricUnit::Time),
        _ => None,
    }
}

fn load_unit(parts: &[&str]) -> Result<MetricUnit, Option<String>> {
    let latencies = LatencyMetric::ALL.map(LatencyMetric::key);
    let stats = Stat::ALL.map(Stat::key);
    match parts {
        [metric] if LOAD_SHARES.contains(metric) => Ok(MetricUnit::Share),
        [metric] if LOAD_RATES.contains(metric) => Ok(MetricUnit::Number),
        [metric, stat] if latencies.contains(metric) && stats.contains(stat) => {
            Ok(MetricUnit::Time)
        }
        [metric] if latencies.contains(metric) => {
            Err(Some(format!("Say which statistic, as in `{metric}.p95`.")))
        }
        [metric, stat] if latencies.contains(metric) => Err(suggest(stat, &stats)),
        [metric, ..] => Err(suggest(
            metric,
            &[&latencies[..], &LOAD_SHARES, &LOAD_RATES].concat(),
        )),
        [] => Err(None),
    }
}

/// Splits at dots outside double quotes, and takes the quotes away; `None` when one is not closed.
pub(super) fn split_dotted(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            _ => parts.last_mut()?.push(c),
        }
    }
    (!quoted).then_some(parts)
}
