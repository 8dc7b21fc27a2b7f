//! What one worker keeps of its requests: histograms and counters, never the requests themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::measure::{Failure, Intervals, Stamps};
use crate::metric::LatencyMetric;
use crate::protocol::Usage;
use crate::record::SessionCounts;

use crate::load::arrival::nanos;
use crate::load::tally::summarise::Total;
use crate::load::worker::request::Completion;

/// The records of one target in one worker.
pub(crate) struct Recorder {
    pub(crate) attempted: u64,
    /// Requests that were due and that this machine could not send.
    pub(crate) not_sent: u64,
    pub(crate) ok: u64,
    pub(crate) good: u64,
    /// Ok and good answers that were complete before the end of the window.
    pub(crate) ok_in_window: u64,
    pub(crate) good_in_window: u64,
    pub(crate) errors: BTreeMap<Failure, u64>,
    /// The first detail of each kind of failure.
    pub(crate) examples: BTreeMap<Failure, String>,
    pub(crate) in_flight_at_end: u64,
    /// Of the sessions whose first turn counts.
    pub(crate) sessions: SessionCounts,
    pub(crate) fallbacks: u64,
    pub(crate) fallback_known: bool,
    /// Ok answers that say whether a cache had them, and those that it had.
    pub(crate) hit_known: u64,
    pub(crate) hits: u64,
    pub(crate) connections: u64,
    pub(crate) tokens_in: u64,
    pub(crate) tokens_out: u64,
    /// Ok answers whose tokens the server counted, and whose were counted by chunks.
    pub(crate) by_usage: u64,
    pub(crate) by_chunks: u64,
    /// Streams that have both counts, and those in which they differ.
    pub(crate) counted_twice: u64,
    pub(crate) mismatched: u64,
    pub(crate) tokens_out_in_window: u64,
    pub(crate) coalesced: u64,
    /// End of the last ok answer, in ns since t = 0.
    pub(crate) last_end: u64,
    pub(crate) series: BTreeMap<LatencyMetric, Series>,
    /// By the interval in which requests were due: the sum of the logarithms of their response times in ms, and how many there are.
    pub(crate) levels: Vec<(f64, u64)>,
    limits: Vec<(LatencyMetric, u64)>,
    window_ns: Option<u64>,
    interval: Duration,
}

/// One metric: all of it, and by intervals.
pub(crate) struct Series {
    pub(crate) total: Total,
    open: Option<Intervals>,
}

impl Series {
    fn new(interval: Duration) -> Self {
        Self {
            total: Total::default(),
            open: Some(Intervals::new(interval)),
        }
    }

    fn record(&mut self, at: u64, ns: u64) {
        self.total.all.record_ns(ns);
        if let Some(open) = &mut self.open {
            open.record(at, ns);
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.total.intervals = open.finish();
        }
    }

    fn merge(&mut self, other: Self) {
        self.total.all.merge(&other.total.all);
        for (start, end, histogram) in other.total.intervals {
            self.total.add(start, end, histogram);
        }
    }
}

impl Recorder {
    /// Makes an empty record. `limits` are those of a good request, in ns; `window_ns` is the end of the window in
    /// which an answer counts for the achieved rate, `None` when the run ends by its number of requests.
    pub(crate) fn new(
        limits: Vec<(LatencyMetric, u64)>,
        window_ns: Option<u64>,
        interval: Duration,
    ) -> Self {
        Self {
            attempted: 0,
            not_sent: 0,
            ok: 0,
            good: 0,
            ok_in_window: 0,
            good_in_window: 0,
            errors: BTreeMap::new(),
            examples: BTreeMap::new(),
            in_flight_at_end: 0,
            sessions: SessionCounts::default(),
            fallbacks: 0,
            fallback_known: false,
            hit_known: 0,
            hits: 0,
            connections: 0,
            tokens_in: 0,
            tokens_out: 0,
            by_usage: 0,
            by_chunks: 0,
            counted_twice: 0,
            mismatched: 0,
            tokens_out_in_window: 0,
            coalesced: 0,
            last_end: 0,
            series: BTreeMap::new(),
            levels: Vec::new(),
            limits,
            window_ns,
            interval,
        }
    }

    /// Records one request; `start` is t = 0 on the clock of the stamps. Returns whether it was good, and complete before the end
    /// of the window.
    pub(crate) fn record(&mut self, completion: &Completion, start: u64, open_loop: bool) -> bool {
        self.attempted += 1;
        let stamps = &completion.stamps;
        let at = stamps.end.unwrap_or(stamps.dequeued).saturating_sub(start);
        if open_loop {
            self.add(LatencyMetric::ScheduleLag, at, Some(stamps.schedule_lag()));
        }
        match &completion.outcome {
            Err(error) => {
                *self.errors.entry(error.failure.clone()).or_default() += 1;
                self.examples
                    .entry(error.failure.clone())
                    .or_insert_with(|| error.detail.clone());
                false
            }
            Ok(reply) => {
                let tokens = self.count_tokens(reply.usage, reply.chunks);
                self.ok += 1;
                self.last_end = self.last_end.max(at);
                if let Some(fallback) = reply.fallback {
                    self.fallback_known = true;
                    self.fallbacks += u64::from(fallback);
                }
                self.hit_known += u64::from(reply.hit.is_some());
                self.hits += u64::from(reply.hit == Some(true));
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
            value.is_none_or(|value| value <= *limit)
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
        self.coalesced += completion.coalesced;
        let in_window = self.window_ns.is_none_or(|window| at < window);
        self.good += u64::from(good);
        self.ok_in_window += u64::from(in_window);
        self.tokens_out_in_window += if in_window { tokens } else { 0 };
        self.good_in_window += u64::from(in_window && good);
        in_window && good
    }

    fn count_tokens(&mut self, usage: Option<Usage>, chunks: u64) -> u64 {
        if let Some(usage) = usage {
            self.by_usage += 1;
            self.tokens_in += usage.input;
            self.tokens_out += usage.output;
            if chunks > 0 {
                self.counted_twice += 1;
                self.mismatched += u64::from(chunks != usage.output);
            }
            usage.output
        } else {
            if chunks > 0 {
                self.by_chunks += 1;
                self.tokens_out += chunks;
            }
            chunks
        }
    }

    fn add(&mut self, metric: LatencyMetric, at: u64, value: Option<u64>) {
        if let Some(value) = value {
            let interval = self.interval;
            self.series
                .entry(metric)
                .or_insert_with(|| Series::new(interval))
                .record(at, value);
        }
    }

    /// Keeps the level of the response time by when requests were due: by their ends, the first intervals would hold fast answers only.
    fn add_level(&mut self, stamps: &Stamps, start: u64) {
        let due = stamps.intended.saturating_sub(start);
        let interval = (due / nanos(self.interval).max(1)) as usize;
        if let Some(time) = stamps.response_time() {
            if self.levels.len() <= interval {
                self.levels.resize(interval + 1, (0.0, 0));
            }
            let (sum, count) = &mut self.levels[interval];
            *sum += (time.max(1) as f64 / 1e6).ln();
            *count += 1;
        }
    }

    /// Records what opening a connection took, at `at` ns since t = 0.
    pub(crate) fn opened(&mut self, metric: LatencyMetric, at: u64, ns: u64) {
        self.add(metric, at, Some(ns));
    }

    /// Closes the open intervals; to be called once, at the end.
    pub(crate) fn close(&mut self) {
        self.series.values_mut().for_each(Series::close);
    }

    /// Adds the records of another worker, both closed.
    pub(crate) fn merge(&mut self, other: Self) {
        self.attempted += other.attempted;
        self.not_sent += other.not_sent;
        self.ok += other.ok;
        self.good += other.good;
        self.ok_in_window += other.ok_in_window;
        self.good_in_window += other.good_in_window;
        for (failure, count) in other.errors {
            *self.errors.entry(failure).or_default() += count;
        }
        for (failure, example) in other.examples {
            self.examples.entry(failure).or_insert(example);
        }
        self.in_flight_at_end += other.in_flight_at_end;
        self.sessions.add(other.sessions);
        self.fallbacks += other.fallbacks;
        self.fallback_known |= other.fallback_known;
        self.hit_known += other.hit_known;
        self.hits += other.hits;
        self.connections += other.connections;
        self.tokens_in += other.tokens_in;
        self.tokens_out += other.tokens_out;
        self.by_usage += other.by_usage;
        self.by_chunks += other.by_chunks;
        self.counted_twice += other.counted_twice;
        self.mismatched += other.mismatched;
        self.tokens_out_in_window += other.tokens_out_in_window;
        self.coalesced += other.coalesced;
        self.last_end = self.last_end.max(other.last_end);
        if self.levels.len() < other.levels.len() {
            self.levels.resize(other.levels.len(), (0.0, 0));
        }
        for (own, more) in self.levels.iter_mut().zip(other.levels) {
            own.0 += more.0;
            own.1 += more.1;
        }
        for (metric, series) in other.series {
            match self.series.get_mut(&metric) {
                Some(known) => known.merge(series),
                None => drop(self.series.insert(metric, series)),
            }
        }
    }
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
