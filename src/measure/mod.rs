//! Layer 0: units, timestamps, outcomes, histograms; what every engine measures in.

mod clock;
mod event;
mod exhausted;
mod histogram;
mod outcome;
mod size;
mod stamps;
mod time;
mod unit;

pub(crate) use clock::{Clock, Stopwatch, now_ns};
pub(crate) use event::{Event, EventSink};
pub(crate) use exhausted::Exhausted;
pub(crate) use histogram::{Histogram, Intervals, Packed, min_samples};
#[cfg(test)]
pub(crate) use histogram::{LONGEST_HISTOGRAM, MOST_COUNTED};
pub(crate) use outcome::{Failure, is_answer, is_unavailable};
pub(crate) use size::Size;
pub(crate) use stamps::Stamps;
pub(crate) use time::{Time, nanos};
pub(crate) use unit::{AnyRate, Growth, Rate, Share, parse_duration, show_duration, show_rate};
