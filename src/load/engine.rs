//! A run from its plan to its result: starts the workers, watches them, merges what they bring
//! back.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use mio::{Poll, Waker};

use crate::arrival::Until;
use crate::error::{Classify, Kind};
use crate::load::plan::{Budget, LoadPlan};
use crate::load::schedule::{Counters, Schedule};
use crate::load::tally::count::{Counted, Remarks};
use crate::load::tally::generator::{Machine, hurry_this_thread, most_connections, peak_rss_mb};
use crate::load::tally::summarise::{Stages, TallySpec, summarise};
use crate::load::tally::validity::{Evidence, judge};
use crate::load::worker::{Captured, Keep, RequestLog, Shared, WAKER, Worker, WorkerResult};
use crate::manifest::Connections;
use crate::measure::{Event, EventSink, Histogram, nanos};
use crate::metric::LatencyMetric;
use crate::record::{Generator, Spread, Tally, Validity};

/// From plan to first request: time for the threads to get to their loops.
const LEAD_NS: u64 = 5_000_000;
/// How often the run is looked at from outside: interruption, progress.
const LOOK: Duration = Duration::from_millis(50);
/// Looks between two progress events.
const LOOKS_PER_PROGRESS: u32 = 5;

/// What a run found.
pub(crate) struct LoadResult {
    pub(crate) stages: Stages,
    pub(crate) validity: Validity,
    pub(crate) generator: Generator,
    /// t = 0 on the engine's clock.
    pub(crate) start: u64,
    /// Length of the measured phase.
    pub(crate) duration_s: f64,
    /// False when it was interrupted.
    pub(crate) complete: bool,
    /// Which budget ended the run.
    pub(crate) over_budget: Option<Budget>,
    /// Ok answers that did not say their tokens, where these are on a budget.
    pub(crate) by_chunks: u64,
    /// Whether not one request reached its stage.
    pub(crate) never_reached: bool,
    pub(crate) remarks: Remarks,
    /// Ok answers, when they were asked for.
    pub(crate) captured: Vec<Captured>,
    /// Single requests, when they were asked for.
    pub(crate) traces: Vec<RequestLog>,
}

/// The engine itself could not run.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the load engine could not be started")]
pub(crate) struct LoadError(#[from] std::io::Error);

impl Classify for LoadError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// Runs a plan until it ends or `interrupted` becomes true.
pub(crate) fn run(
    plan: &LoadPlan,
    sink: &dyn EventSink,
    interrupted: &AtomicBool,
    keep: &Keep,
) -> Result<LoadResult, LoadError> {
    let workers = most_workers(plan);
    let shared = Shared::default();
    let polls: Vec<Poll> = (0..workers)
        .map(|_| Poll::new())
        .collect::<Result<_, _>>()?;
    let wakers: Vec<Arc<Waker>> = polls
        .iter()
        .map(|poll| Waker::new(poll.registry(), WAKER).map(Arc::new))
        .collect::<Result<_, _>>()?;
    let before = read_machine();
    let start = plan
        .start
        .unwrap_or_else(|| plan.clock.monotonic_ns() + LEAD_NS + nanos(plan.warmup));
    let (done, results) = mpsc::channel();
    let (workers, complete) = std::thread::scope(|scope| {
        let polls = polls.into_iter().zip(wakers.iter().cloned()).collect();
        for worker in prepare(plan, &shared, polls, start, keep) {
            let done = done.clone();
            scope.spawn(move || {
                hurry_this_thread();
                let result = worker.and_then(Worker::run);
                // The receiver outlives every worker.
                drop(done.send(result));
            });
        }
        // A thread that panics must end the run, not leave it waiting.
        drop(done);
        let watch = Watch {
            plan,
            sink,
            interrupted,
            shared: &shared,
            wakers: &wakers,
            start,
        };
        watch_over(&watch, &results)
    })?;
    sink.emit(progress(&shared, start, plan));
    sink.emit(Event::Finished { complete });
    Ok(conclude(
        plan,
        workers,
        &Conclusion {
            start,
            complete,
            before,
            after: read_machine(),
        },
    ))
}

/// Returns how many threads send: one fewer than there are cores.
fn most_workers(plan: &LoadPlan) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.saturating_sub(1).max(1);
    match plan.connections {
        // Each thread has at least one of a fixed number of connections.
        Connections::Fixed(count) => workers.min(count as usize),
        _ => workers,
    }
}

fn read_machine() -> Machine {
    Machine::read(Path::new("/proc"), Path::new("/sys/fs/cgroup"))
}

/// Makes one worker over each poll.
fn prepare<'a>(
    plan: &'a LoadPlan,
    shared: &'a Shared,
    polls: Vec<(Poll, Arc<Waker>)>,
    start: u64,
    keep: &Keep,
) -> Vec<std::io::Result<Worker<'a>>> {
    let workers = polls.len();
    let most = most_connections() / workers;
    let counters = Counters::of(plan);
    polls
        .into_iter()
        .enumerate()
        .map(|(worker, poll)| {
            let schedules = plan.scenario_ids().map(|scenario| {
                let counters = &counters[scenario];
                Schedule::new(plan, scenario, (worker, workers), start, counters)
            });
            let most_of_one = match plan.connections {
                Connections::Fixed(count) => (count as usize + workers - 1 - worker) / workers,
                _ => usize::MAX,
            };
            let loads = (schedules.collect(), keep.clone());
            Worker::new(plan, shared, poll, loads, start, (most, most_of_one))
        })
        .collect()
}

/// What watching a run needs.
struct Watch<'a> {
    plan: &'a LoadPlan,
    sink: &'a dyn EventSink,
    interrupted: &'a AtomicBool,
    shared: &'a Shared,
    wakers: &'a [Arc<Waker>],
    start: u64,
}

/// Waits for the workers; tells progress and passes on an interruption. Returns their results, and
/// whether the run came to its own end.
fn watch_over(
    watch: &Watch<'_>,
    results: &mpsc::Receiver<std::io::Result<WorkerResult>>,
) -> std::io::Result<(Vec<WorkerResult>, bool)> {
    let mut collected = Vec::new();
    let mut complete = true;
    let mut looks: u32 = 0;
    while collected.len() < watch.wakers.len() {
        match results.recv_timeout(LOOK) {
            Ok(result) => {
                collected.push(result?);
                continue;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(std::io::Error::other(
                    "a thread of the engine ended without a result",
                ));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if watch.interrupted.load(Ordering::Relaxed) {
            complete = false;
            watch.shared.stop.store(true, Ordering::Relaxed);
            for waker in watch.wakers {
                waker.wake()?;
            }
        }
        looks += 1;
        if looks.is_multiple_of(LOOKS_PER_PROGRESS) {
            watch
                .sink
                .emit(progress(watch.shared, watch.start, watch.plan));
        }
    }
    Ok((collected, complete))
}

fn progress(shared: &Shared, start: u64, plan: &LoadPlan) -> Event {
    let now = plan.clock.monotonic_ns();
    let note = if now < start {
        "warming up".to_owned()
    } else {
        String::new()
    };
    Event::Progress {
        elapsed: Duration::from_nanos(now.saturating_sub(start)),
        done: shared.done.load(Ordering::Relaxed),
        failed: shared.failed.load(Ordering::Relaxed),
        in_flight: shared.in_flight.swap(0, Ordering::Relaxed),
        note: match plan.until {
            Until::Duration(duration) if now > start + nanos(duration) => {
                "waiting for the last answers".to_owned()
            }
            _ => note,
        },
    }
}

/// What is known besides the workers' records when a run is over.
struct Conclusion {
    start: u64,
    complete: bool,
    before: Machine,
    after: Machine,
}

/// Adds the records of all workers, target by target.
fn merge(workers: Vec<WorkerResult>) -> WorkerResult {
    let mut workers = workers.into_iter();
    let mut merged = workers.next().unwrap_or_default();
    for worker in workers {
        merged.exhausted += worker.exhausted;
        merged.over_budget = merged.over_budget.or(worker.over_budget);
        merged.by_chunks += worker.by_chunks;
        merged.stalls.merge(&worker.stalls);
        merged.receive_lag.merge(&worker.receive_lag);
        merged.captured.extend(worker.captured);
        merged.traces.extend(worker.traces);
        for (known, more) in merged.counted.iter_mut().zip(worker.counted) {
            known.add(more);
        }
    }
    merged
}

/// Returns the length of the measured phase in seconds.
fn measured_s(plan: &LoadPlan, merged: &WorkerResult, end: &Conclusion) -> f64 {
    let elapsed_s = plan.clock.monotonic_ns().saturating_sub(end.start) as f64 / 1e9;
    match plan.until {
        // A run whose last answer came early still had its whole length for arrivals.
        Until::Duration(duration) if end.complete && merged.over_budget.is_none() => {
            duration.as_secs_f64()
        }
        Until::Duration(duration) => duration.as_secs_f64().min(elapsed_s),
        Until::Requests(_) => {
            let last = merged.counted.iter().map(|it| it.tally.last_end_ns).max();
            last.unwrap_or(0) as f64 / 1e9
        }
    }
}

/// Merges the workers and judges the run.
fn conclude(plan: &LoadPlan, workers: Vec<WorkerResult>, end: &Conclusion) -> LoadResult {
    let merged = merge(workers);
    let duration_s = measured_s(plan, &merged, end);
    let counted = &merged.counted;
    let stages = plan.measured().zip(counted).map(|(measured, counted)| {
        let spec = TallySpec::of(&measured, &plan.timing);
        let result = summarise(&counted.tally, &spec, duration_s);
        (measured.name, result)
    });
    // The steps of a pipeline are due when the one before has ended: they have no schedule to lag
    // behind.
    let arrivals: Vec<&Tally> = plan
        .scenario_ids()
        .map(|scenario| &counted[plan.tally_of(scenario)].tally)
        .collect();
    let lag = overall_lag(plan, &arrivals);
    let not_sent = arrivals.iter().map(|it| it.counts.not_sent).sum();
    LoadResult {
        never_reached: never_reached(counted),
        remarks: remarks(plan, counted),
        stages: stages.collect(),
        validity: judge(&Evidence {
            lag: lag.as_ref(),
            stalls: &merged.stalls,
            receive_lag: &merged.receive_lag,
            response_p50_ms: smallest_median(&arrivals, &[LatencyMetric::ResponseTime]),
            first_p50_ms: smallest_median(
                &arrivals,
                &[LatencyMetric::ResponseTime, LatencyMetric::Ttft],
            ),
            attempted: arrivals.iter().map(|it| it.counts.attempted).sum(),
            not_sent,
            exhausted: merged.exhausted,
            strain: end.after.strain_since(&end.before),
        }),
        generator: Generator {
            schedule_lag_ms: lag.as_ref().map(Spread::of),
            receive_lag_ms: (merged.receive_lag.count() > 0)
                .then(|| Spread::of(&merged.receive_lag)),
            not_sent,
            cpu_s: end.after.cpu_ns.saturating_sub(end.before.cpu_ns) as f64 / 1e9,
            peak_rss_mb: peak_rss_mb(Path::new("/proc")),
            calibration: None,
        },
        start: end.start,
        duration_s,
        complete: end.complete,
        over_budget: merged.over_budget,
        by_chunks: merged.by_chunks,
        captured: merged.captured,
        traces: merged.traces,
    }
}

/// Returns what is to be said of each stage; of a whole there is no more than of its last one.
fn remarks(plan: &LoadPlan, counted: &[Counted]) -> Remarks {
    let stages = plan.stages.iter().map(|stage| stage.name.clone());
    let remarks = counted.iter().map(|it| it.remarks.clone());
    Remarks(stages.zip(remarks).collect())
}

/// Returns whether not one of the requests reached its stage.
fn never_reached(counted: &[Counted]) -> bool {
    let attempted: u64 = counted.iter().map(|it| it.tally.counts.attempted).sum();
    let failures = counted.iter().flat_map(|it| &it.failures);
    let never = failures.filter(|(failure, _)| !failure.reached());
    attempted > 0 && never.map(|(_, count)| *count).sum::<u64>() == attempted
}

fn overall_lag(plan: &LoadPlan, arrivals: &[&Tally]) -> Option<Histogram> {
    plan.timing.is_open().then(|| {
        let mut lag = Histogram::default();
        for tally in arrivals {
            if let Some(found) = tally.distributions.get(&LatencyMetric::ScheduleLag) {
                lag.merge(&found.all);
            }
        }
        lag
    })
}

/// Returns the smallest median of these metrics over all arrivals, in ms.
fn smallest_median(arrivals: &[&Tally], metrics: &[LatencyMetric]) -> Option<f64> {
    let medians = arrivals.iter().flat_map(|tally| {
        let found = metrics.iter().filter_map(|it| tally.distributions.get(it));
        found.filter_map(|it| it.all.quantile_ms(0.5))
    });
    medians.min_by(f64::total_cmp)
}
