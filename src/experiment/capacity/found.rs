//! What a search has found so far: its probes, its ends, and how that is said.

use std::collections::BTreeMap;

use super::growth::growing;
use super::ladder::Shown;
use super::verdict::{Held, judge, shown as shown_by, slos};
use crate::error::Result;
use crate::exit::Status;
use crate::load::LoadResult;
use crate::plan::Look;
use crate::record::{Generator, LimitResult, Probe, StageResult, Validity, ValidityVerdict};

/// A probe that the generator spoilt is made again, so often in all: a busy neighbour goes away, a
/// rate that is too high for this machine does not.
const TRIES: u32 = 3;

/// What a search goes by.
pub(super) struct Course<'a> {
    /// Per second.
    pub(super) first_rate: f64,
    /// Whether long probes follow the short ones.
    pub(super) long: bool,
    /// What the arrivals go to.
    pub(super) targets: &'a [&'a str],
}

/// What a search found.
pub(super) struct Found {
    pub(super) limit: LimitResult,
    /// What the last probe said.
    pub(super) last: Held,
    pub(super) complete: bool,
    pub(super) never_reached: bool,
    /// The probes that held, with their rates.
    pub(super) held: Vec<(f64, LoadResult)>,
    /// Of all probes together.
    pub(super) duration_s: f64,
    /// Of the probe whose figures are shown; where there is none, of the one that the generator
    /// spoilt.
    pub(super) validity: Validity,
    /// At the highest rate that held.
    pub(super) stages: BTreeMap<String, StageResult>,
    pub(super) generator: Option<Generator>,
    /// How long a probe must be at least, in s, as the answers so far show.
    pub(super) must_last_s: f64,
}

impl Found {
    pub(super) fn nothing() -> Self {
        Self {
            limit: LimitResult::default(),
            last: Held::Yes,
            complete: true,
            never_reached: false,
            held: Vec::new(),
            duration_s: 0.0,
            validity: Validity::default(),
            stages: BTreeMap::new(),
            generator: None,
            must_last_s: 0.0,
        }
    }

    pub(super) fn look(&self, rate: f64, long: bool) -> Look {
        Look {
            rate,
            long,
            at_least_s: self.must_last_s,
        }
    }

    /// Makes a probe, again where the generator spoilt it, and returns what came of it; `None`
    /// where it did not come to its end.
    pub(super) fn take(
        &mut self,
        course: &Course<'_>,
        look: Look,
        probe: &mut impl FnMut(Look) -> Result<LoadResult>,
        pause: &mut impl FnMut(),
    ) -> Result<Option<LoadResult>> {
        for tries in 1..=TRIES {
            let result = probe(look)?;
            self.complete = result.complete;
            self.never_reached = result.never_reached;
            if self.never_reached || !self.complete {
                return Ok(None);
            }
            self.last = if look.long && result.validity.verdict != ValidityVerdict::Invalid {
                match shown_by(&result) {
                    Shown::Holds => Held::Yes,
                    Shown::Breaks => Held::No,
                    Shown::Open => Held::Unknown,
                }
            } else {
                judge(&result)
            };
            self.duration_s += result.duration_s;
            let shown = probe_of(look, course.targets, self.last, &result);
            self.limit.probes.push(shown);
            if self.last != Held::Generator || tries == TRIES {
                if self.stages.is_empty() {
                    self.validity = result.validity.clone();
                }
                return Ok(Some(result));
            }
            pause();
        }
        Ok(None)
    }

    /// Sets the ends of the limit, and shows the figures of the probe that held at the lower one.
    pub(super) fn ends(&mut self, low: Option<f64>, high: Option<f64>) {
        let limit = &mut self.limit;
        (limit.rate, limit.low, limit.high) = (low, low, high);
        let mut held = self.held.iter().rev();
        let at_low = low.and_then(|low| held.find(|(rate, _)| *rate == low));
        if let Some((_, result)) = at_low {
            self.stages = result.stages.clone();
            self.generator = Some(result.generator.clone());
            self.validity = result.validity.clone();
        }
    }

    /// Takes what long probes have shown for the truth where they leave one end open: what a short
    /// one held at or above a rate that broke in a long one did not hold.
    pub(super) fn overrule(&mut self, low: Option<f64>, high: Option<f64>) {
        let LimitResult { high: broke, .. } = self.limit;
        let high = high.or_else(|| broke.filter(|broke| low.is_none_or(|low| low < *broke)));
        let below = |rate: &f64| high.is_none_or(|high| *rate < high);
        let held = self.held.iter().map(|(rate, _)| *rate).filter(below);
        let low = low.or_else(|| held.max_by(f64::total_cmp));
        self.stages.clear();
        self.ends(low, high);
    }

    pub(super) fn status(&self) -> Status {
        let LimitResult { low, high, .. } = self.limit;
        match (self.last, low, high) {
            _ if self.never_reached => Status::Unmeasured,
            _ if !self.complete => Status::Interrupted,
            (Held::Generator, ..) => Status::Inconclusive,
            (_, Some(_), Some(_)) => Status::Passed,
            (Held::Yes | Held::No, None, _) => Status::Failed,
            _ => Status::Inconclusive,
        }
    }

    pub(super) fn summary(&self) -> String {
        let limit = &self.limit;
        let first = limit.gave_way.as_ref().map_or_else(String::new, |slo| {
            let owner = slo.owner.as_ref();
            let owner = owner.map_or_else(String::new, |owner| format!(" ({owner})"));
            format!("; `{}`{owner} gives way first: {}", slo.stage, slo.metric)
        });
        match (limit.low.map(shown), limit.high.map(shown)) {
            _ if self.never_reached => "the stage was not reached".to_owned(),
            (low, _) if self.last == Held::Generator => format!(
                "the generator itself was at its limit; every SLO held at {}",
                low.map_or_else(|| "no rate".to_owned(), |low| format!("{low}/s"))
            ),
            (Some(low), Some(high)) if limit.interval => {
                format!(
                    "every SLO holds at {low}/s, and not at {high}/s: the limit is between them{first}"
                )
            }
            (Some(low), Some(high)) => {
                let why = if limit.probes.iter().any(|it| it.long) {
                    "and no interval could be shown"
                } else {
                    "by probes that are too short for an interval"
                };
                format!("every SLO held at {low}/s and broke at {high}/s, {why}{first}")
            }
            (Some(low), None) => {
                format!("every SLO held at {low}/s, the highest rate that was tried")
            }
            (None, Some(high)) if self.last == Held::Unknown => {
                format!("it broke at {high}/s, and no lower rate was shown to hold{first}")
            }
            (None, Some(high)) => format!("not even {high}/s keeps every SLO{first}"),
            (None, None) => "no rate could be judged: too few samples".to_owned(),
        }
    }
}

pub(super) fn probe_of(look: Look, targets: &[&str], held: Held, result: &LoadResult) -> Probe {
    // The steps of a pipeline are no arrivals of their own.
    let whole = targets.iter().filter_map(|name| result.stages.get(*name));
    let missed = slos(result).filter(|(_, slo)| slo.met == Some(false));
    Probe {
        rate: look.rate,
        duration_s: result.duration_s,
        long: look.long,
        held: match held {
            Held::Yes => Some(true),
            Held::No => Some(false),
            Held::Unknown | Held::Generator => None,
        },
        goodput_rps: whole.map(|it| it.goodput_rps).sum(),
        broke: missed
            .map(|(stage, slo)| format!("{stage}.{}", slo.metric))
            .chain(growing(result).map(|it| format!("{}.{}", it.stage, it.metric)))
            .collect(),
    }
}

/// Returns a rate with three significant digits.
pub(super) fn shown(rate: f64) -> String {
    let digits = 2 - rate.abs().log10().floor() as i32;
    let scale = 10_f64.powi(digits);
    let rounded = (rate * scale).round() / scale;
    format!("{rounded:.*}", digits.max(0) as usize)
}
