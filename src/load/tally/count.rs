//! Requests counted as they end, by one worker: histograms and counters, never the requests
//! themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::load::worker::request::Completion;
use crate::measure::{Failure, Histogram, Intervals, Stamps, nanos};
use crate::metric::LatencyMetric;
use crate::protocol::{Reply, Usage};
use crate::record::{Counts, Distribution, IntervalRecord, ResponseLevel, Tally};
use crate::stage::Stage;

/// So many reasons why a model stopped are told apart, each of so many bytes at most.
const MOST_REASONS: usize = 24;
const LONGEST_REASON: usize = 64;
/// So many answers of a stage are looked at for outputs that may be meant in two ways: that reads
/// their text as JSON.
const LOOKED_AT: u32 = 16;
/// What the rest are counted as.
const OTHER_REASON: &str = "other";

/// Counts what becomes of the requests to one stage, or of one scenario as a whole.
pub(crate) struct Counter {
    pub(crate) counts: Counts,
    pub(crate) errors: BTreeMap<Failure, u64>,
    finish_reasons: BTreeMap<String, u64>,
    remarks: StageRemarks,
    looked_at: u32,
    last_end_ns: u64,
    last_due_ns: u64,
    levels: Vec<ResponseLevel>,
    series: BTreeMap<LatencyMetric, Series>,
    /// The limits of a good request, in ns.
    limits: Vec<(LatencyMetric, u64)>,
    /// The end of the measured phase; `None` when the run ends by its number of requests.
    window_ns: Option<u64>,
    interval: Duration,
    /// Whether it is to be known when the last request was due: the run may end before its time.
    keeps_due: bool,
}

/// One latency, while it is recorded.
struct Series {
    all: Histogram,
    intervals: Intervals,
}

/// What a worker has counted of one stage.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) tally: Tally,
    pub(crate) failures: BTreeMap<Failure, u64>,
    pub(crate) remarks: StageRemarks,
}

/// What a stage's figures alone do not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StageRemarks {
    /// The first detail of each kind of failure.
    pub(crate) examples: BTreeMap<Failure, String>,
    /// How the outputs of its first answers were found, where something else may be meant.
    pub(crate) doubts: BTreeSet<String>,
}

/// What the figures of a run alone do not say, by stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remarks(pub(crate) BTreeMap<String, StageRemarks>);

impl Remarks {
    /// Adds what another run has to say.
    pub(crate) fn add(&mut self, other: &Self) {
        for (stage, remarks) in &other.0 {
            let known = self.0.entry(stage.clone()).or_default();
            known.add(remarks.clone());
        }
    }
}

impl StageRemarks {
    /// Adds what others have to say.
    fn add(&mut self, other: Self) {
        for (failure, example) in other.examples {
            self.examples.entry(failure).or_insert(example);
        }
        self.doubts.extend(other.doubts);
    }
}

impl Counted {
    /// Adds what another worker has counted.
    pub(crate) fn add(&mut self, other: Self) {
        self.tally += other.tally;
        for (failure, count) in other.failures {
            *self.failures.entry(failure).or_default() += count;
        }
        self.remarks.add(other.remarks);
    }
}

impl Counter {
    /// Makes an empty counter. `limits` are those of a good request, in ns; `window_ns` is the end
    /// of the window in which an answer counts for the achieved rate, `None` when the run ends by
    /// its number of requests.
    pub(crate) fn new(
        limits: Vec<(LatencyMetric, u64)>,
        window_ns: Option<u64>,
        interval: Duration,
    ) -> Self {
        Self {
            counts: Counts::default(),
            errors: BTreeMap::new(),
            finish_reasons: BTreeMap::new(),
            remarks: StageRemarks::default(),
            looked_at: 0,
            last_end_ns: 0,
            last_due_ns: 0,
            levels: Vec::new(),
            series: BTreeMap::new(),
            limits,
            window_ns,
            interval,
            keeps_due: window_ns.is_none(),
        }
    }

    /// Makes one of a run that a budget may end: its arrivals end with the budget, and not with
    /// the last answer.
    pub(crate) fn budgeted(self, is_budgeted: bool) -> Self {
        Self {
            keeps_due: self.keeps_due || is_budgeted,
            ..self
        }
    }

    /// Looks at how the outputs of an answer were found, where it is one of a stage's first.
    pub(crate) fn look_at(&mut self, stage: &Stage, reply: &Reply) {
        if self.looked_at < LOOKED_AT {
            self.looked_at += 1;
            let doubts = stage.doubts(reply).into_iter();
            let doubts = doubts.map(|(key, note)| format!("{key}: {note}"));
            self.remarks.doubts.extend(doubts);
        }
    }

    /// Records one request; `start` is t = 0 on the clock of the stamps. Returns whether it was
    /// good, and complete before the end of the window.
    pub(crate) fn record(&mut self, completion: &Completion, start: u64, open_loop: bool) -> bool {
        self.counts.attempted += 1;
        self.counts.resent += u64::from(completion.is_resent);
        let stamps = &completion.stamps;
        let at = stamps.end.unwrap_or(stamps.dequeued).saturating_sub(start);
        if open_loop && self.keeps_due {
            let due = stamps.intended.saturating_sub(start);
            self.last_due_ns = self.last_due_ns.max(due);
        }
        if open_loop {
            self.add(LatencyMetric::ScheduleLag, at, Some(stamps.schedule_lag()));
        }
        match &completion.outcome {
            Err(error) => {
                self.counts.empty += u64::from(error.is_empty);
                *self.errors.entry(error.failure.clone()).or_default() += 1;
                self.remarks
                    .examples
                    .entry(error.failure.clone())
                    .or_insert_with(|| error.detail.clone());
                false
            }
            Ok(reply) => {
                let tokens = self.count_tokens(reply.usage, reply.chunks);
                self.counts.ok += 1;
                self.last_end_ns = self.last_end_ns.max(at);
                if let Some(fallback) = reply.fallback {
                    self.counts.fallback_known += 1;
                    self.counts.fallbacks += u64::from(fallback);
                }
                self.counts.empty += u64::from(reply.is_empty);
                self.count_finish(reply);
                self.counts.hit_known += u64::from(reply.hit.is_some());
                self.counts.hits += u64::from(reply.hit == Some(true));
                self.add_level(stamps, start);
                self.record_ok(completion, at, tokens, reply.hit)
            }
        }
    }

    fn record_ok(
        &mut self,
        completion: &Completion,
        at: u64,
        tokens: u64,
        hit: Option<bool>,
    ) -> bool {
        let stamps = &completion.stamps;
        let max_stall = completion.gaps.iter().copied().max();
        let value = |metric| match metric {
            LatencyMetric::HitTime if hit != Some(true) => None,
            LatencyMetric::MissTime if hit != Some(false) => None,
            _ => latency(metric, stamps, completion.streams, tokens, max_stall),
        };
        let kept = |(metric, limit): &(LatencyMetric, u64)| {
            // Of pooled gaps, a request's worst one must keep the limit.
            let value = if *metric == LatencyMetric::ChunkGap {
                max_stall
            } else {
                value(*metric)
            };
            match value {
                Some(value) => value <= *limit,
                // What was not seen is not within a limit; what there cannot be, is above none.
                None => !is_unseen(*metric, completion, tokens),
            }
        };
        let good = self.limits.iter().all(kept);
        for metric in LatencyMetric::ALL {
            if metric != LatencyMetric::ScheduleLag {
                self.add(metric, at, value(metric));
            }
        }
        for gap in &completion.gaps {
            self.add(LatencyMetric::ChunkGap, at, Some(*gap));
        }
        self.counts.coalesced += completion.coalesced;
        let in_one_piece = completion.coalesced > 0 && completion.gaps.is_empty();
        self.counts.one_piece += u64::from(in_one_piece);
        let in_window = self.window_ns.is_none_or(|window| at < window);
        self.counts.good += u64::from(good);
        self.counts.ok_in_window += u64::from(in_window);
        self.counts.tokens_out_in_window += if in_window { tokens } else { 0 };
        self.counts.tokens_good_in_window += if in_window && good { tokens } else { 0 };
        self.counts.good_in_window += u64::from(in_window && good);
        in_window && good
    }

    fn count_finish(&mut self, reply: &Reply) {
        self.counts.refusals += u64::from(reply.is_refusal());
        let Some(reason) = &reply.finish_reason else {
            return;
        };
        if let Some(count) = self.finish_reasons.get_mut(reason) {
            *count += 1;
        } else {
            // A server may say anything, and as many things as there are answers.
            let is_one_more = self.finish_reasons.len() < MOST_REASONS;
            let known = is_one_more && reason.len() <= LONGEST_REASON;
            let reason = if known { reason } else { OTHER_REASON };
            *self.finish_reasons.entry(reason.to_owned()).or_default() += 1;
        }
    }

    fn count_tokens(&mut self, usage: Option<Usage>, chunks: u64) -> u64 {
        if let Some(usage) = usage {
            self.counts.by_usage += 1;
            self.counts.tokens_in += usage.input;
            self.counts.tokens_out += usage.output;
            self.counts.tokens_cached += usage.cached;
            self.counts.tokens_cache_write += usage.cache_write;
            self.counts.tokens_reasoning += usage.reasoning;
            if chunks > 0 {
                self.counts.counted_twice += 1;
                self.counts.mismatched += u64::from(chunks != usage.output);
            }
            usage.output
        } else {
            if chunks > 0 {
                self.counts.by_chunks += 1;
                self.counts.tokens_out += chunks;
            }
            chunks
        }
    }

    fn add(&mut self, metric: LatencyMetric, at: u64, value: Option<u64>) {
        if let Some(value) = value {
            let interval = self.interval;
            let series = self.series.entry(metric).or_insert_with(|| Series {
                all: Histogram::default(),
                intervals: Intervals::new(interval),
            });
            series.all.record_ns(value);
            series.intervals.record(at, value);
        }
    }

    /// Keeps the level of the response time by when requests were due: by their ends, the first
    /// intervals would hold fast answers only.
    fn add_level(&mut self, stamps: &Stamps, start: u64) {
        let due = stamps.intended.saturating_sub(start);
        let interval = (due / nanos(self.interval).max(1)) as usize;
        if let Some(time) = stamps.response_time() {
            if self.levels.len() <= interval {
                self.levels.resize(interval + 1, ResponseLevel::default());
            }
            let ln = (time.max(1) as f64 / 1e6).ln();
            self.levels[interval] += ResponseLevel {
                nano_ln: (ln * 1e9).round() as i64,
                count: 1,
            };
        }
    }

    /// Records what opening a connection took, at `at` ns since t = 0.
    pub(crate) fn opened(&mut self, metric: LatencyMetric, at: u64, ns: u64) {
        self.add(metric, at, Some(ns));
    }

    /// Returns what was counted.
    pub(crate) fn into_counted(self) -> Counted {
        let distribution = |(metric, series): (_, Series)| {
            let intervals = series.intervals.finish().into_iter();
            let interval = |(start_s, end_s, histogram)| IntervalRecord {
                start_s,
                end_s,
                histogram,
            };
            let found = Distribution {
                all: series.all,
                intervals: intervals.map(interval).collect(),
            };
            (metric, found)
        };
        let errors = self.errors.iter();
        Counted {
            tally: Tally {
                counts: self.counts,
                errors: errors.map(|(it, n)| (it.to_string(), *n)).collect(),
                finish_reasons: self.finish_reasons,
                last_end_ns: self.last_end_ns,
                last_due_ns: self.last_due_ns,
                levels: self.levels,
                distributions: self.series.into_iter().map(distribution).collect(),
            },
            failures: self.errors,
            remarks: self.remarks,
        }
    }
}

/// Returns whether an ok answer has that latency, and it is not known: of a stream without content,
/// or without an answer, its first token; of one whose content came in one piece, what lies between
/// tokens.
fn is_unseen(metric: LatencyMetric, completion: &Completion, tokens: u64) -> bool {
    let is_shown = match metric {
        LatencyMetric::Ttft | LatencyMetric::Ttfa | LatencyMetric::TtftSched => false,
        // One token has no next one.
        LatencyMetric::Tpot => tokens < 2,
        LatencyMetric::MaxStall | LatencyMetric::ChunkGap => completion.coalesced == 0,
        _ => true,
    };
    completion.streams && !is_shown
}

/// Returns the latency in ns that the request has by that metric; pooled gaps are not one value.
fn latency(
    metric: LatencyMetric,
    stamps: &Stamps,
    streams: bool,
    tokens: u64,
    max_stall: Option<u64>,
) -> Option<u64> {
    match metric {
        LatencyMetric::ResponseTime | LatencyMetric::HitTime | LatencyMetric::MissTime => {
            stamps.response_time()
        }
        LatencyMetric::ServiceTime => stamps.service_time(),
        LatencyMetric::ConnWait => stamps.conn_wait(),
        LatencyMetric::ScheduleLag => Some(stamps.schedule_lag()),
        LatencyMetric::Ttft => stamps.ttft().filter(|_| streams),
        LatencyMetric::Ttfa => stamps.ttfa().filter(|_| streams),
        LatencyMetric::TtftSched => stamps.ttft_sched().filter(|_| streams),
        LatencyMetric::Tpot => stamps.tpot(tokens).filter(|_| streams),
        LatencyMetric::MaxStall => max_stall,
        // Pooled, and of connections: not of one request.
        LatencyMetric::ChunkGap
        | LatencyMetric::DnsTime
        | LatencyMetric::ConnectTime
        | LatencyMetric::TlsTime => None,
    }
}
