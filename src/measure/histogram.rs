//! HDR histograms in microseconds, their percentiles, and their snapshots per interval.

use std::fmt;
use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer, V2Serializer};
use serde::{Deserialize, Serialize, de};

/// Three significant digits: a relative error of at most 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// How far a percentile may be moved by what was still open at the end before it is not reported: 1
/// %, ten times the resolution of the histogram.
const MOVED: f64 = 0.01;

/// Returns the smallest sample count with which a two-sided 95 % order-statistic interval of the
/// quantile has a finite upper end: `ceil(ln(0.025) / ln(q))`.
///
/// Source: binomial order statistics; assumes independent samples. p95 needs 72, p99 368, p99.9
/// 3,688. For q ≤ 0.5 the lower end binds instead; the median needs 6.
pub(crate) fn min_samples(quantile: f64) -> u64 {
    let binding = quantile.max(1.0 - quantile);
    (0.025_f64.ln() / binding.ln()).ceil() as u64
}

/// A latency histogram. Recorded in ns, kept in µs with three significant digits.
#[derive(Clone)]
pub(crate) struct Histogram {
    counts: hdrhistogram::Histogram<u64>,
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, max_ms) = (self.count(), self.max_ms());
        write!(f, "Histogram {{ count: {count}, max_ms: {max_ms:?} }}")
    }
}

/// Equal counts are equal, whatever range the histograms have grown to.
impl PartialEq for Histogram {
    fn eq(&self, other: &Self) -> bool {
        let of = |it: &Self| {
            let recorded = it.counts.iter_recorded();
            let bucket = recorded.map(|it| (it.value_iterated_to(), it.count_at_value()));
            bucket.collect::<Vec<_>>()
        };
        of(self) == of(other)
    }
}

impl Default for Histogram {
    fn default() -> Self {
        let mut counts =
            hdrhistogram::Histogram::new(SIGNIFICANT_DIGITS).expect("3 is a legal precision");
        counts.auto(true);
        Self { counts }
    }
}

impl Histogram {
    /// Records one duration in ns, rounded to the nearest µs.
    pub(crate) fn record_ns(&mut self, ns: u64) {
        self.record_us(ns.saturating_add(500) / 1000);
    }

    /// Records one value in µs.
    pub(crate) fn record_us(&mut self, us: u64) {
        // Not `saturating_record`: that one clamps to the present range instead of growing it.
        self.counts
            .record(us)
            .expect("an auto-resizing histogram takes any value");
    }

    /// Adds the counts of another histogram: the only way in which two are ever merged.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts
            .add(&other.counts)
            .expect("an auto-resizing histogram takes any other");
    }

    /// Returns how many values were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.counts.len()
    }

    /// Returns whether nothing was recorded.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Forgets every value and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.counts.reset();
    }

    /// Returns the mean in ms; `None` when empty. Beyond a picosecond is what only the arithmetic
    /// left.
    pub(crate) fn mean_ms(&self) -> Option<f64> {
        (!self.is_empty()).then(|| (self.counts.mean() * 1e6).round() / 1e9)
    }

    /// Returns the variance in ms², with the count as divisor; 0 when empty.
    pub(crate) fn variance_ms2(&self) -> f64 {
        (self.counts.stdev() / 1e3).powi(2)
    }

    /// Returns the smallest value in ms; `None` when empty.
    pub(crate) fn min_ms(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.counts.min() as f64 / 1e3)
    }

    /// Returns the largest value in ms; `None` when empty.
    pub(crate) fn max_ms(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.counts.max() as f64 / 1e3)
    }

    /// Returns the value in ms at rank `ceil(q n)`, whatever the sample count; `None` when empty.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        (!self.is_empty()).then(|| self.counts.value_at_quantile(quantile) as f64 / 1e3)
    }

    /// Returns the percentile in ms, or `None` when there are too few samples for it, or when
    /// `open` further values (still in flight, so of unknown size) could move it by more than 1 %.
    pub(crate) fn percentile_ms(&self, quantile: f64, open: u64) -> Option<f64> {
        let count = self.count();
        if count < min_samples(quantile) {
            return None;
        }
        let value = self.quantile_ms(quantile)?;
        if open > 0 {
            let rank = (quantile * (count + open) as f64).ceil();
            if rank > count as f64 {
                return None;
            }
            let moved = self.quantile_ms(rank / count as f64)?;
            if moved - value > MOVED * value {
                return None;
            }
        }
        Some(value)
    }

    /// Returns (lowest, highest) equivalent value in ms of the bucket that holds the 1-based rank.
    pub(crate) fn rank_ms(&self, rank: u64) -> Option<(f64, f64)> {
        let mut seen = 0;
        for bucket in self.counts.iter_recorded() {
            seen += bucket.count_since_last_iteration();
            if seen >= rank {
                let value = bucket.value_iterated_to();
                let low = self.counts.lowest_equivalent(value);
                let high = self.counts.highest_equivalent(value);
                return Some((low as f64 / 1e3, high as f64 / 1e3));
            }
        }
        None
    }

    /// Returns how many recorded values lie above `ms` (by bucket).
    pub(crate) fn count_above_ms(&self, ms: f64) -> u64 {
        let us = (ms * 1e3).round() as u64;
        self.count() - self.counts.count_between(0, us)
    }

    /// Encodes as HdrHistogram V2 compressed, base64. Equal counts give equal text, however they
    /// came together: the range that is written down is that of the counts, not the one that a
    /// histogram has grown to.
    pub(crate) fn encode(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.trimmed(), &mut bytes)
            .expect("writing to memory cannot fail");
        STANDARD.encode(bytes)
    }

    /// Returns the counts in the smallest range that holds them.
    fn trimmed(&self) -> hdrhistogram::Histogram<u64> {
        let max = self.counts.max().max(2);
        let mut counts = hdrhistogram::Histogram::new_with_max(max, SIGNIFICANT_DIGITS)
            .expect("3 is a legal precision");
        counts
            .add(&self.counts)
            .expect("every count is in the range");
        counts
    }

    /// Decodes what [`Histogram::encode`] or any HdrHistogram V2 writer wrote; the error says what
    /// is wrong.
    pub(crate) fn decode(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST_HISTOGRAM {
            return Err("it is larger than 1 MiB".to_owned());
        }
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        let plain = inflated(&bytes)?;
        check_header(&plain)?;
        let mut counts: hdrhistogram::Histogram<u64> = Deserializer::new()
            .deserialize(&mut plain.as_slice())
            .map_err(|e| e.to_string())?;
        if counts.len() > MOST_COUNTED {
            return Err(format!("it has counted more than {MOST_COUNTED} values"));
        }
        counts.auto(true);
        Ok(Self { counts })
    }

    /// Returns the counts alone, without room for others.
    pub(crate) fn pack(&self) -> Packed {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.trimmed(), &mut bytes)
            .expect("writing to memory cannot fail");
        Packed(bytes.into_boxed_slice())
    }
}

/// Bytes of a histogram, encoded and decoded: one of three digits has at most half of it.
pub(crate) const LONGEST_HISTOGRAM: usize = 1 << 20;

/// What a histogram may have counted, so that thousands of them can be added up: 2^48.
pub(crate) const MOST_COUNTED: u64 = 1 << 48;

/// How the V2 encodings begin, plain and compressed.
const PLAIN: [u8; 4] = [0x1c, 0x84, 0x93, 0x13];
const COMPRESSED: [u8; 4] = [0x1c, 0x84, 0x93, 0x14];

/// Returns the plain encoding of a histogram that may be compressed, as far as the limit allows.
fn inflated(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let Some(compressed) = bytes.strip_prefix(&COMPRESSED) else {
        return Ok(bytes.to_vec());
    };
    let compressed = compressed.get(4..).ok_or("it is cut off")?;
    let mut plain = Vec::new();
    ZlibDecoder::new(compressed)
        .take(LONGEST_HISTOGRAM as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| error.to_string())?;
    if plain.len() > LONGEST_HISTOGRAM {
        return Err("it is larger than 1 MiB".to_owned());
    }
    Ok(plain)
}

/// Looks at what a plain encoding announces, before anybody makes room for it: the length of the
/// counts after its 40 bytes, and the digits.
fn check_header(plain: &[u8]) -> Result<(), String> {
    let number = |at: usize| {
        let bytes = plain.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let (Some(length), Some(digits)) = (number(4), number(12)) else {
        return Err("it is cut off".to_owned());
    };
    if !plain.starts_with(&PLAIN) || length as usize > plain.len().saturating_sub(40) {
        return Err("it is cut off, or no HdrHistogram V2".to_owned());
    }
    if digits != u32::from(SIGNIFICANT_DIGITS) {
        return Err(format!(
            "it has {digits} significant digits, and only {SIGNIFICANT_DIGITS} can be added up"
        ));
    }
    // The least number there is, as a run of empty buckets: nobody wrote that, and it has no
    // opposite.
    if plain[40..].windows(9).any(|it| it == [0xFF; 9]) {
        return Err("it has a run of empty buckets without end".to_owned());
    }
    // What is coarser would be moved by up to its unit where it is added to others.
    let lowest = plain.get(16..24).and_then(|it| it.try_into().ok());
    if lowest.map(u64::from_be_bytes) != Some(1) {
        return Err("its unit is coarser than 1 µs".to_owned());
    }
    Ok(())
}

/// A histogram at rest: as large as its counts, where an open one has room for every value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    pub(crate) fn unpack(&self) -> Histogram {
        let mut bytes = &*self.0;
        let mut counts: hdrhistogram::Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes)
            .expect("we packed it ourselves");
        counts.auto(true);
        Histogram { counts }
    }
}

/// In documents, as [`Histogram::encode`] writes it.
impl Serialize for Histogram {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.encode())
    }
}

impl<'de> Deserialize<'de> for Histogram {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |reason| de::Error::custom(format!("not a histogram: {reason}"));
        Self::decode(&text).map_err(wrong)
    }
}

impl Serialize for Packed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.unpack().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Histogram::deserialize(deserializer)?.pack())
    }
}

/// One metric over the time of a run: a histogram per interval, packed when the interval is over.
#[derive(Clone, Debug)]
pub(crate) struct Intervals {
    length_ns: u64,
    current_index: u64,
    current: Histogram,
    closed: Vec<(u64, Packed)>,
}

impl Intervals {
    /// Makes an empty series with intervals of that length.
    pub(crate) fn new(length: Duration) -> Self {
        Self {
            length_ns: length.as_nanos() as u64,
            current_index: 0,
            current: Histogram::default(),
            closed: Vec::new(),
        }
    }

    /// Records a duration in ns that was observed at `at_ns` since the start of the measured phase.
    /// Observations must not go back by more than the interval at hand: an earlier one is counted
    /// in the current interval.
    pub(crate) fn record(&mut self, at_ns: u64, ns: u64) {
        let index = at_ns / self.length_ns;
        if index > self.current_index {
            self.close();
            self.current_index = index;
        }
        self.current.record_ns(ns);
    }

    fn close(&mut self) {
        if !self.current.is_empty() {
            self.closed.push((self.current_index, self.current.pack()));
            self.current.clear();
        }
    }

    /// Returns (start, end, histogram) of every interval that holds anything, times in seconds.
    pub(crate) fn finish(mut self) -> Vec<(f64, f64, Packed)> {
        self.close();
        let length = self.length_ns as f64 / 1e9;
        let times = |(index, packed)| {
            let start = index as f64 * length;
            (start, start + length, packed)
        };
        self.closed.into_iter().map(times).collect()
    }
}

#[cfg(test)]
mod tests;
