//! The generator's judgement of itself: a number from a load test is worth what its generator is
//! worth.

use crate::measure::{Histogram, min_samples};
use crate::record::{Validity, ValidityVerdict};

use crate::load::tally::generator::Strain;

/// The lag below which a generator is never called late: 1 ms.
const LAG_FLOOR_MS: f64 = 1.0;
/// The lag that is tolerated, as a share of the median response time.
const LAG_SHARE: f64 = 0.02;
/// From this multiple of the tolerated lag on, a run is invalid.
const INVALID_FACTOR: f64 = 5.0;
/// The share of requests not sent from which on a run is invalid: 0.1 %.
const NOT_SENT: f64 = 0.001;
/// Steal that is told: 1 % of the machine's time. Less is the noise of the counter's 10 ms ticks in
/// a short run.
const STEAL: f64 = 0.01;

/// What a run is judged by.
pub(crate) struct Evidence<'a> {
    /// Schedule lag of the whole run; `None` in a closed loop.
    pub(crate) lag: Option<&'a Histogram>,
    /// By how much the event loop's regular sweep was late, in any loop: an answer may have waited
    /// as long to be read.
    pub(crate) stalls: &'a Histogram,
    /// For how long the kernel had held what was read.
    pub(crate) receive_lag: &'a Histogram,
    /// The smallest median response time of all stages, in ms: the one that lag would distort most.
    pub(crate) response_p50_ms: Option<f64>,
    /// The same, with the times to first tokens among them: what reading late would distort most.
    pub(crate) first_p50_ms: Option<f64>,
    pub(crate) attempted: u64,
    pub(crate) not_sent: u64,
    pub(crate) exhausted: u64,
    pub(crate) strain: Strain,
}

/// Judges a run by the contract, section 4.
pub(crate) fn judge(evidence: &Evidence<'_>) -> Validity {
    let mut validity = Validity::default();
    let mut found = |verdict: ValidityVerdict, reason: String| {
        validity.verdict = validity.verdict.max(verdict);
        validity.reasons.push(reason);
    };
    lateness(evidence, &mut found);
    let planned = evidence.attempted + evidence.not_sent;
    if evidence.not_sent as f64 > NOT_SENT * planned as f64 {
        found(
            ValidityVerdict::Invalid,
            format!("{} of {planned} requests were not sent", evidence.not_sent),
        );
    }
    if evidence.exhausted > 0 {
        found(
            ValidityVerdict::Invalid,
            "this machine ran out of sockets: raise `ulimit -n`, or lower the rate".to_owned(),
        );
    }
    if evidence.strain.steal > STEAL {
        let share = 100.0 * evidence.strain.steal;
        found(
            ValidityVerdict::Degraded,
            format!("{share:.1} % of this machine's CPU time was stolen by its host"),
        );
    }
    if evidence.strain.throttled_ms > 0.0 {
        let time = evidence.strain.throttled_ms;
        found(
            ValidityVerdict::Degraded,
            format!("this process was throttled for {time:.0} ms: raise its CPU quota"),
        );
    }
    validity
}

/// Judges what was late: arrivals by their schedule, the event loop by its own alarm, and reads by
/// the kernel's clock.
fn lateness(evidence: &Evidence<'_>, found: &mut impl FnMut(ValidityVerdict, String)) {
    let share_of = |median: Option<f64>| LAG_FLOOR_MS.max(LAG_SHARE * median.unwrap_or(0.0));
    let (due, read) = (
        share_of(evidence.response_p50_ms),
        share_of(evidence.first_p50_ms),
    );
    let late = [
        ("schedule lag", "lower the rate", evidence.lag, due),
        (
            "lateness of the event loop",
            "use fewer users",
            Some(evidence.stalls),
            read,
        ),
        (
            "lateness of reads",
            "use fewer users",
            Some(evidence.receive_lag),
            read,
        ),
    ];
    for (what, else_do, times, tolerated) in late {
        let Some((name, lag)) = times
            .and_then(judged_lag)
            .filter(|(_, lag)| *lag > tolerated)
        else {
            continue;
        };
        let verdict = if lag > INVALID_FACTOR * tolerated {
            ValidityVerdict::Invalid
        } else {
            ValidityVerdict::Degraded
        };
        found(
            verdict,
            format!(
                "{what} {name} {lag:.2} ms is above {tolerated:.2} ms: give the generator more CPU, or {else_do}"
            ),
        );
    }
}

/// Returns the highest percentile of the lag, up to the 99th, that has enough samples to be one: in
/// a short run the worst of a few wake-ups says nothing about the rest. Below 36 requests, nothing
/// is judged.
fn judged_lag(lag: &Histogram) -> Option<(&'static str, f64)> {
    [("p99", 0.99), ("p95", 0.95), ("p90", 0.90)]
        .into_iter()
        .find(|(_, quantile)| lag.count() >= min_samples(*quantile))
        .and_then(|(name, quantile)| Some((name, lag.quantile_ms(quantile)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(lag_us: &[u64], p50: f64, not_sent: u64, exhausted: u64, strain: Strain) -> Validity {
        let mut lag = Histogram::default();
        // Enough for a 99th percentile.
        for us in lag_us.iter().cycle().take(400) {
            lag.record_us(*us);
        }
        judge(&Evidence {
            lag: Some(&lag),
            stalls: &Histogram::default(),
            receive_lag: &Histogram::default(),
            response_p50_ms: Some(p50),
            first_p50_ms: Some(p50),
            attempted: 10_000,
            not_sent,
            exhausted,
            strain,
        })
    }

    #[test]
    fn lag_is_measured_against_the_response_time() {
        let calm = Strain::default();
        for (lag, p50, verdict) in [
            (1_000, 5.0, ValidityVerdict::Valid),
            (1_100, 5.0, ValidityVerdict::Degraded),
            (5_100, 5.0, ValidityVerdict::Invalid),
            (5_100, 300.0, ValidityVerdict::Valid),
            (29_000, 300.0, ValidityVerdict::Degraded),
            (31_000, 300.0, ValidityVerdict::Invalid),
        ] {
            assert_eq!(
                judged(&[lag], p50, 0, 0, calm).verdict,
                verdict,
                "{lag} {p50}"
            );
        }
    }

    #[test]
    fn what_was_not_sent_and_what_the_machine_did_is_told() {
        let calm = Strain::default();
        assert_eq!(
            judged(&[1], 5.0, 10, 0, calm).verdict,
            ValidityVerdict::Valid
        );
        assert_eq!(
            judged(&[1], 5.0, 11, 0, calm).verdict,
            ValidityVerdict::Invalid
        );
        assert_eq!(
            judged(&[1], 5.0, 0, 1, calm).verdict,
            ValidityVerdict::Invalid
        );
        let strained = Strain {
            steal: 0.05,
            throttled_ms: 20.0,
        };
        let validity = judged(&[1], 5.0, 0, 0, strained);
        assert_eq!(validity.verdict, ValidityVerdict::Degraded);
        assert_eq!(validity.reasons.len(), 2);
    }

    #[test]
    fn a_loop_that_comes_late_spoils_a_run_without_a_schedule_too() {
        let mut stalls = Histogram::default();
        (0..400).for_each(|_| stalls.record_us(3_000));
        let verdict = |response_p50_ms| {
            judge(&Evidence {
                lag: None,
                stalls: &stalls,
                receive_lag: &Histogram::default(),
                response_p50_ms: Some(1_000.0),
                first_p50_ms: Some(response_p50_ms),
                attempted: 400,
                not_sent: 0,
                exhausted: 0,
                strain: Strain::default(),
            })
        };
        assert_eq!(verdict(5.0).verdict, ValidityVerdict::Degraded);
        assert_eq!(
            verdict(5.0).reasons,
            [
                "lateness of the event loop p99 3.00 ms is above 1.00 ms: give the generator more CPU, or use fewer users"
            ]
        );
        assert_eq!(verdict(200.0).verdict, ValidityVerdict::Valid);
    }

    #[test]
    fn one_late_wake_up_does_not_spoil_a_short_run() {
        let mut lag = Histogram::default();
        for _ in 0..59 {
            lag.record_us(60);
        }
        lag.record_us(9_000);
        assert_eq!(judged_lag(&lag), Some(("p90", 0.06)));
        let mut few = Histogram::default();
        few.record_us(9_000);
        assert_eq!(judged_lag(&few), None);
    }
}
