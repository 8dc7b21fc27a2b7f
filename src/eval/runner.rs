//! Runs a suite: workers ask, one thread journals and grades, and the caller sees progress and may
//! interrupt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::ask::{Given, ask, ask_questions, open_questions};
use super::attempt::Attempt;
use super::counts::Counts;
use super::error::EvalError;
use super::journal::{Entry, Journal, JournalError};
use super::plan::EvalPlan;
use super::score::{GradedCase, score};
use crate::measure::{Event, EventSink, Stopwatch, show_duration};
use crate::record::EvalResult;
use crate::transport::Client;

/// How often an interruption is looked for.
const TICK: Duration = Duration::from_millis(20);

/// Ticks between two progress events: four a second.
const TICKS_PER_EVENT: u64 = 13;

/// Answers that are journaled with one flush at most.
const GROUP: usize = 256;

/// So much memory the answers take that wait to be journaled and graded, in KiB; an answer that is
/// larger waits alone.
const ROOM: u32 = 32 * 1024;

/// A suite that was run.
#[derive(Debug)]
pub(crate) struct EvalRun {
    pub(crate) result: EvalResult,
    /// False when it was interrupted.
    pub(crate) complete: bool,
    /// Nothing at all reached the stage: it could not be measured.
    pub(crate) never_reached: bool,
    /// Why each case that did not pass did not, for people; the first repeat's reason.
    pub(crate) reasons: BTreeMap<String, String>,
    pub(crate) duration: Duration,
    /// To be removed once the run has been stored complete.
    pub(crate) journal: Journal,
}

/// What the workers share.
struct Work {
    plan: Arc<EvalPlan>,
    client: Arc<Client>,
    /// Every case once before any is repeated.
    jobs: Vec<Job>,
    next: AtomicUsize,
    /// One for each case of the golden set.
    given: Vec<Given>,
    counts: Arc<Counts>,
    /// The memory of the answers that wait to be journaled and graded, in KiB.
    room: Arc<Semaphore>,
}

/// A case that a worker takes on.
struct Job {
    index: usize,
    repeat: u32,
    /// What the journal holds of it: an answer about which not every question has been answered.
    answered: Option<Attempt>,
}

/// What a worker hands over.
struct Done {
    index: usize,
    repeat: u32,
    attempt: Attempt,
    part: Part,
    /// Its share of the memory of the answers that wait to be journaled and graded.
    _room: Option<OwnedSemaphorePermit>,
}

/// How far a case is, and so what is journaled of it.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// It was asked, and can be graded.
    Whole,
    /// It has an answer, about which stages are still to be asked.
    Answer,
    /// The answer is in the journal already; what stages told about it is not.
    Told,
}

/// Runs a suite and returns its result, also when `interrupted` becomes true. What the journal
/// holds is not asked again.
pub(crate) async fn run(
    plan: &Arc<EvalPlan>,
    client: &Arc<Client>,
    mut journal: Journal,
    sink: &dyn EventSink,
    interrupted: &AtomicBool,
) -> Result<EvalRun, EvalError> {
    let watch = plan.clock.stopwatch();
    let counts = Arc::new(Counts::default());
    let (graded, work) = prepare(plan, client, &mut journal, &counts);
    let planned = (graded.len() + work.jobs.len()) as u64;
    sink.emit(Event::Started {
        kind: "eval",
        name: plan.name.clone(),
        total: Some(planned),
        duration: None,
    });
    let (answers, received) = mpsc::channel(GROUP);
    let keeper = tokio::task::spawn_blocking({
        let (plan, counts) = (Arc::clone(plan), Arc::clone(&counts));
        move || keep_and_grade(&plan, &counts, journal, received, graded)
    });
    let mut workers = JoinSet::new();
    let work = Arc::new(work);
    for _ in 0..work.jobs.len().min(plan.concurrency.max(1) as usize) {
        workers.spawn(labour(Arc::clone(&work), answers.clone()));
    }
    drop(answers);
    let alive = watch_over(&mut workers, &counts, &watch, sink, interrupted).await;
    workers.shutdown().await;
    let lost = || EvalError::Lost {
        suite: plan.name.clone(),
    };
    let (journal, graded) = keeper.await.map_err(|_| lost())??;
    if !alive {
        return Err(lost());
    }
    let complete = graded.len() as u64 == planned;
    let (never_reached, reasons) = (never_reached(&graded), reasons(&graded));
    let notes = notes(&graded);
    let result = score(plan, graded);
    sink.emit(counts.progress(watch.elapsed()));
    for note in notes.into_iter().chain(remarks(&result)) {
        sink.emit(Event::Warning(format!("eval `{}`: {note}", plan.name)));
    }
    sink.emit(Event::Finished { complete });
    Ok(EvalRun {
        complete,
        never_reached,
        reasons,
        result,
        duration: watch.elapsed(),
        journal,
    })
}

/// Takes what the journal holds and lists what is left to ask.
fn prepare(
    plan: &Arc<EvalPlan>,
    client: &Arc<Client>,
    journal: &mut Journal,
    counts: &Arc<Counts>,
) -> (Vec<GradedCase>, Work) {
    let mut graded = Vec::new();
    let mut jobs = Vec::new();
    let given: Vec<Given> = plan.golden.cases.iter().map(|_| Given::new()).collect();
    for repeat in 0..plan.repeats {
        for (index, case) in plan.golden.cases.iter().enumerate() {
            let Some(attempt) = journal.take(&case.id, repeat, &plan.scope.secrets) else {
                jobs.push(Job {
                    index,
                    repeat,
                    answered: None,
                });
                continue;
            };
            if !attempt.steps.is_empty() {
                // Set already by another repeat, with the same outputs.
                drop(given[index].set(attempt.steps.clone()));
            }
            if !open_questions(plan, index, &attempt).is_empty() {
                jobs.push(Job {
                    index,
                    repeat,
                    answered: Some(attempt),
                });
                continue;
            }
            let case = GradedCase::grade(plan, index, repeat, &attempt);
            counts.add(&case);
            graded.push(case);
        }
    }
    let work = Work {
        plan: Arc::clone(plan),
        client: Arc::clone(client),
        jobs,
        next: AtomicUsize::new(0),
        given,
        counts: Arc::clone(counts),
        room: Arc::new(Semaphore::new(ROOM as usize)),
    };
    (graded, work)
}

/// Asks one case after the other until there is none left, or nobody takes the answers.
async fn labour(work: Arc<Work>, answers: mpsc::Sender<Done>) {
    while !work.counts.stop.load(Ordering::Relaxed) {
        let at = work.next.fetch_add(1, Ordering::Relaxed);
        let Some(job) = work.jobs.get(at) else {
            return;
        };
        work.counts.in_flight.fetch_add(1, Ordering::Relaxed);
        let taken = work.take_on(job, &answers).await;
        work.counts.in_flight.fetch_sub(1, Ordering::Relaxed);
        if taken.is_err() {
            return;
        }
    }
}

impl Work {
    /// Asks one case, and then what its assertions need to know about the answer. An error says
    /// that nobody takes the answers.
    async fn take_on(&self, job: &Job, answers: &mpsc::Sender<Done>) -> Result<(), ()> {
        let (plan, client) = (&self.plan, &self.client);
        let (index, repeat) = (job.index, job.repeat);
        let hand_over = async |attempt: Attempt, part| {
            let weight = (attempt.weight() / 1024) as u32 + 1;
            let room = Arc::clone(&self.room).acquire_many_owned(weight.min(ROOM));
            let done = Done {
                index,
                repeat,
                attempt,
                part,
                _room: room.await.ok(),
            };
            answers.send(done).await.map_err(drop)
        };
        let mut attempt = match (&job.answered, self.counts.hopeless()) {
            (Some(answered), _) => answered.clone(),
            (None, Some(error)) => error,
            (None, None) => {
                let case = &plan.golden.cases[index];
                let attempt = ask(plan, client, case, repeat, &self.given[index]).await;
                if open_questions(plan, index, &attempt).is_empty() {
                    return hand_over(attempt, Part::Whole).await;
                }
                hand_over(attempt.clone(), Part::Answer).await?;
                attempt
            }
        };
        if attempt.outcome.is_err() {
            return hand_over(attempt, Part::Whole).await;
        }
        ask_questions(plan, client, (index, repeat), &mut attempt).await;
        hand_over(attempt, Part::Told).await
    }
}

/// Journals answers in groups, as many as came while the last group was being written, and grades
/// each group once it is on disk.
fn keep_and_grade(
    plan: &EvalPlan,
    counts: &Counts,
    mut journal: Journal,
    mut received: mpsc::Receiver<Done>,
    mut graded: Vec<GradedCase>,
) -> Result<(Journal, Vec<GradedCase>), JournalError> {
    let mut group: Vec<Done> = Vec::with_capacity(GROUP);
    while received.blocking_recv_many(&mut group, GROUP) > 0 {
        let lines = group.iter().map(|done| {
            let entry = match done.part {
                Part::Whole | Part::Answer => Entry::Attempt(&done.attempt),
                Part::Told => Entry::Told(&done.attempt.told),
            };
            (
                plan.golden.cases[done.index].id.as_str(),
                done.repeat,
                entry,
            )
        });
        if let Err(error) = journal.append(lines, &plan.scope.secrets) {
            counts.stop.store(true, Ordering::Relaxed);
            return Err(error);
        }
        for done in group.drain(..).filter(|done| done.part != Part::Answer) {
            let case = GradedCase::grade(plan, done.index, done.repeat, &done.attempt);
            counts.add(&case);
            if let Some(error) = done
                .attempt
                .outcome
                .err()
                .filter(|error| !error.failure.reached())
            {
                counts.unreached.get_or_init(|| error);
            }
            graded.push(case);
        }
    }
    Ok((journal, graded))
}

/// Waits for the workers, tells how far they are, and stops them when asked to. Returns whether
/// none of them died.
async fn watch_over(
    workers: &mut JoinSet<()>,
    counts: &Counts,
    watch: &Stopwatch,
    sink: &dyn EventSink,
    interrupted: &AtomicBool,
) -> bool {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 1_u64.. {
        tokio::select! {
            ended = workers.join_next() => match ended {
                None => return true,
                Some(Ok(())) => continue,
                Some(Err(_)) => return false,
            },
            _ = ticks.tick() => {}
        }
        if interrupted.load(Ordering::Relaxed) {
            return true;
        }
        if tick % TICKS_PER_EVENT == 0 {
            sink.emit(counts.progress(watch.elapsed()));
        }
    }
    true
}

fn never_reached(graded: &[GradedCase]) -> bool {
    !graded.is_empty() && graded.iter().all(|case| !case.reached)
}

/// Returns what the assertions have to tell about how they read the answers, each once.
fn notes(graded: &[GradedCase]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (key, note) in graded.iter().flat_map(|case| &case.notes) {
        *counts.entry((key, note)).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((key, note), count)| format!("{key}, in {count} answers: {note}"))
        .collect()
}

/// Says what is to be known about a result besides its figures.
fn remarks(result: &EvalResult) -> Vec<String> {
    let waited = (result.asked_pause_s > 0.0).then(|| {
        let waited = show_duration(Duration::from_secs_f64(result.asked_pause_s));
        format!("stages asked to come back later: calls waited {waited} in all")
    });
    let sides = result.who_failed();
    let sides = sides.map(|sides| format!("not graded, and counted as not passed: {sides}"));
    waited.into_iter().chain(sides).collect()
}

fn reasons(graded: &[GradedCase]) -> BTreeMap<String, String> {
    let mut first: BTreeMap<String, (u32, String)> = BTreeMap::new();
    for case in graded {
        let Some(why) = &case.why else { continue };
        let (id, repeat) = (&case.result().id, case.result().repeat);
        if first.get(id).is_none_or(|(earlier, _)| *earlier > repeat) {
            first.insert(id.clone(), (repeat, why.clone()));
        }
    }
    first.into_iter().map(|(id, (_, why))| (id, why)).collect()
}

#[cfg(test)]
mod tests;
