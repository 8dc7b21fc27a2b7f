//! Where a thread's next request comes from: a schedule (open loop) or users (closed loop).

mod case_sequence;

pub(crate) use case_sequence::{CaseSequence, mix, permute};

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::arrival::{DueTimes, Phase, Timing, Until, Users};
use crate::load::id::ScenarioId;
use crate::load::plan::{LoadPlan, Scenario};
use crate::load::schedule::case_sequence::unit;
use crate::manifest::ShareOfArrivals;
use crate::measure::nanos;
use crate::record::Shard;

/// Keys the random numbers that say whose an arrival is, so that they have nothing to do with those
/// that choose its case.
const WHOSE: u64 = 0x0005_1a7e_0fa1;

/// A request that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Absolute, on the engine's clock.
    pub(crate) intended: u64,
    /// Its number within its phase; decides which case it sends.
    pub(crate) index: u64,
    pub(crate) measured: bool,
    /// The user of a closed loop.
    pub(crate) user: Option<u32>,
}

/// The part of one scenario's load that one thread sends.
pub(crate) enum Schedule {
    Open(OpenSchedule),
    Closed(UserSchedule),
}

/// The arrivals i with i mod `threads` = `thread` that are its scenario's, warm-up first.
pub(crate) struct OpenSchedule {
    phases: VecDeque<PhaseSchedule>,
    next: Option<Arrival>,
    seed: u64,
    share: Option<ShareOfArrivals>,
    worker: u64,
    workers: u64,
}

struct PhaseSchedule {
    due_times: DueTimes,
    /// How many arrivals of all scenarios, and of this one, have come out of it.
    all: u64,
    own: u64,
    offset: u64,
    measured: bool,
}

/// So many requests that were not sent are counted one by one: in a fraction of a second.
const MOST_COUNTED: u64 = 5_000_000;

/// The users u with u mod `threads` = `thread`.
pub(crate) struct UserSchedule {
    /// When each user is ready, the earliest first.
    ready: BinaryHeap<Reverse<(u64, u32)>>,
    /// When each user's last request was due.
    began: Vec<u64>,
    /// The time between two requests of a user who keeps a rate.
    pace_ns: Option<u64>,
    think_ns: u64,
    start: u64,
    end: Option<u64>,
    limit: u64,
    shard: Shard,
    counters: Counters,
}

/// Numbers of a closed loop, shared by all threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    /// Requests of one scenario.
    warmup: Arc<AtomicU64>,
    measured: Arc<AtomicU64>,
    /// Measured ones of all scenarios that share their arrivals.
    together: Arc<AtomicU64>,
}

impl Counters {
    /// Makes those of every scenario of a plan.
    pub(crate) fn of(plan: &LoadPlan) -> Vec<Self> {
        let shared = Self::default();
        let of = |scenario: &Scenario| match scenario.share {
            None => Self::default(),
            Some(_) => Self {
                together: Arc::clone(&shared.together),
                ..Self::default()
            },
        };
        plan.scenarios.iter().map(of).collect()
    }
}

impl Schedule {
    /// Makes the schedule of one scenario in one thread; `start` is t = 0 on the engine's clock.
    pub(crate) fn new(
        plan: &LoadPlan,
        scenario: ScenarioId,
        (thread, threads): (usize, usize),
        start: u64,
        counters: &Counters,
    ) -> Self {
        // The threads of every process take turns: thread j of shard p is worker p + j · shards.
        let Shard { index, of } = plan.shard;
        let worker = index as usize + of as usize * thread;
        let workers = of as usize * threads;
        match &plan.timing {
            Timing::Closed(users) => {
                let mine = own_share(plan, scenario).unwrap_or(ShareOfArrivals::ALL);
                let mine = mine.users(users.concurrency);
                let mine = mine.filter(|user| *user as usize % workers == worker);
                Self::Closed(UserSchedule::new(plan, *users, mine, start, counters))
            }
            Timing::Drawn { .. } | Timing::Listed(_) => {
                let whose = (worker as u64, workers as u64);
                Self::Open(OpenSchedule::new(plan, scenario, whose, start))
            }
        }
    }

    /// Returns when the next request is due; `None` when there is none, or none before an answer
    /// comes.
    pub(crate) fn next_at(&self) -> Option<u64> {
        match self {
            Self::Open(schedule) => schedule.next.map(|due| due.intended),
            Self::Closed(schedule) => schedule.ready.peek().map(|Reverse((at, _))| *at),
        }
    }

    /// Takes the next request if it is due by `now`.
    pub(crate) fn take(&mut self, now: u64) -> Option<Arrival> {
        match self {
            Self::Open(schedule) => {
                let due = schedule.next.filter(|due| due.intended <= now)?;
                schedule.advance();
                Some(due)
            }
            Self::Closed(schedule) => schedule.take(now),
        }
    }

    /// Tells the schedule that a user's request has ended.
    pub(crate) fn answered(&mut self, user: Option<u32>, now: u64) {
        if let (Self::Closed(schedule), Some(user)) = (self, user) {
            schedule.come_back(user, now);
        }
    }

    /// Returns how many requests are due by `now` and were not taken. Of more than
    /// [`MOST_COUNTED`] the rest is taken to come as densely as these.
    pub(crate) fn overdue(&mut self, now: u64) -> u64 {
        let Self::Open(schedule) = self else {
            return 0;
        };
        let (mut count, mut looked_at) = (0_u64, 0_u64);
        let first = schedule.next.map_or(now, |due| due.intended);
        while let Some(due) = schedule.next.filter(|due| due.intended <= now) {
            if looked_at == MOST_COUNTED {
                let covered = due.intended.saturating_sub(first).max(1);
                let all = now.saturating_sub(first) as f64 / covered as f64;
                return (count as f64 * all).round() as u64;
            }
            looked_at += 1;
            count += u64::from(due.measured);
            schedule.advance();
        }
        count
    }
}

/// Returns the share of the load's arrivals that is a scenario's, where scenarios share them out.
fn own_share(plan: &LoadPlan, scenario: ScenarioId) -> Option<ShareOfArrivals> {
    plan.scenarios.get(scenario.0)?.share
}

impl OpenSchedule {
    fn new(
        plan: &LoadPlan,
        scenario: ScenarioId,
        (worker, workers): (u64, u64),
        start: u64,
    ) -> Self {
        let warmup = nanos(plan.warmup);
        let share = own_share(plan, scenario);
        // Scenarios that share their arrivals have the random numbers of the first.
        let stream = if share.is_some() {
            0
        } else {
            scenario.0 as u64
        };
        let phase = |phase, until, offset| {
            DueTimes::new(&plan.timing, until, plan.seed, stream, phase).map(|due_times| {
                PhaseSchedule {
                    due_times,
                    all: 0,
                    own: 0,
                    offset,
                    measured: phase == Phase::Measured,
                }
            })
        };
        let before = (warmup > 0)
            .then(|| phase(Phase::Warmup, Until::Duration(plan.warmup), start - warmup));
        let measured = phase(Phase::Measured, plan.until, start);
        let mut schedule = Self {
            phases: before.flatten().into_iter().chain(measured).collect(),
            next: None,
            seed: plan.seed,
            share,
            worker,
            workers,
        };
        schedule.advance();
        schedule
    }

    fn advance(&mut self) {
        self.next = None;
        while let Some(phase) = self.phases.front_mut() {
            let Some(at) = phase.due_times.next() else {
                self.phases.pop_front();
                continue;
            };
            let number = phase.all;
            phase.all += 1;
            let draw = || unit(mix(self.seed ^ mix(WHOSE ^ number)));
            if self.share.is_some_and(|share| !share.holds(draw())) {
                continue;
            }
            let index = phase.own;
            phase.own += 1;
            if number % self.workers == self.worker {
                self.next = Some(Arrival {
                    intended: phase.offset + at,
                    index,
                    measured: phase.measured,
                    user: None,
                });
                return;
            }
        }
    }
}

impl UserSchedule {
    fn new(
        plan: &LoadPlan,
        users: Users,
        mine: impl Iterator<Item = u32>,
        start: u64,
        counters: &Counters,
    ) -> Self {
        let Users {
            concurrency,
            think_time,
            user_rate,
        } = users;
        let begin = start - nanos(plan.warmup);
        let pace_ns = user_rate.map(|rate| (1e9 / rate.per_second()) as u64);
        // Users who keep a rate begin one after another, so that they do not ask in step.
        let first = |user: u32| {
            let turn = u64::from(user) * pace_ns.unwrap_or(0);
            begin + turn / u64::from(concurrency)
        };
        let (end, limit) = match plan.until {
            Until::Duration(duration) => (Some(start + nanos(duration)), u64::MAX),
            Until::Requests(count) => (None, plan.shard.share(count)),
        };
        Self {
            ready: mine.map(|user| Reverse((first(user), user))).collect(),
            began: vec![0; concurrency as usize],
            pace_ns,
            think_ns: nanos(think_time),
            start,
            end,
            limit,
            shard: plan.shard,
            counters: counters.clone(),
        }
    }

    /// Makes a user ready who was answered at `now`: after the think time, and not before the
    /// user's own rate allows.
    fn come_back(&mut self, user: u32, now: u64) {
        let rested = now + self.think_ns;
        let allowed = self
            .pace_ns
            .map_or(0, |pace| self.began[user as usize] + pace);
        self.ready.push(Reverse((rested.max(allowed), user)));
    }

    fn take(&mut self, now: u64) -> Option<Arrival> {
        let Reverse((intended, user)) = *self.ready.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.ready.pop();
        if self.end.is_some_and(|end| intended >= end) {
            self.ready.clear();
            return None;
        }
        let measured = intended >= self.start;
        let counter = if measured {
            &self.counters.measured
        } else {
            &self.counters.warmup
        };
        if measured && self.counters.together.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.ready.clear();
            return None;
        }
        let index = counter.fetch_add(1, Ordering::Relaxed);
        self.began[user as usize] = intended;
        Some(Arrival {
            intended,
            index: index * u64::from(self.shard.of) + u64::from(self.shard.index),
            measured,
            user: Some(user),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::arrival::Gaps;
    use crate::load::id::StageId;
    use crate::load::plan::Cases;
    use crate::load::schedule::CaseSequence;
    use crate::manifest::{self, Connections, Sends};

    fn plan(timing: Timing, until: Until, warmup: u64) -> LoadPlan {
        LoadPlan {
            stages: Vec::new(),
            scenarios: Vec::new(),
            timing,
            honour_retry_after: false,
            connections: Connections::Pooled,
            traces: Arc::default(),
            shard: Shard::WHOLE,
            start: None,
            until,
            warmup: Duration::from_millis(warmup),
            seed: 7,
            max_requests: None,
            max_cost: None,
            max_tokens: None,
            interval: Duration::from_secs(1),
            clock: crate::measure::Clock::System,
        }
    }

    fn take_all(plan: &LoadPlan, thread: usize, threads: usize) -> Vec<Arrival> {
        let mut schedule = Schedule::new(
            plan,
            ScenarioId(0),
            (thread, threads),
            1_000_000_000,
            &Counters::default(),
        );
        std::iter::from_fn(|| schedule.take(u64::MAX)).collect()
    }

    #[test]
    fn threads_send_exactly_the_schedule_of_one() {
        let timing = Timing::at(Gaps::Exponential, 200.0);
        let plan = plan(timing, Until::Duration(Duration::from_secs(2)), 500);
        let one = take_all(&plan, 0, 1);
        for threads in [2, 3, 8] {
            let mut all: Vec<Arrival> = (0..threads)
                .flat_map(|thread| take_all(&plan, thread, threads))
                .collect();
            all.sort_by_key(|due| (due.measured, due.index));
            assert_eq!(all, one, "{threads} threads");
        }
        assert!(
            one.iter()
                .all(|due| due.measured == (due.intended >= 1_000_000_000))
        );
    }

    #[test]
    fn shards_and_their_threads_send_exactly_the_schedule_of_one() {
        let timing = Timing::at(Gaps::Gamma { cv: 2.0 }, 300.0);
        let mut plan = plan(timing, Until::Requests(500), 300);
        let one = take_all(&plan, 0, 1);
        let mut all = Vec::new();
        for index in 0..3 {
            plan.shard = Shard { index, of: 3 };
            for thread in 0..2 {
                let mine = take_all(&plan, thread, 2);
                assert!(mine.iter().all(|due| due.index % 3 == u64::from(index)));
                all.extend(mine);
            }
        }
        all.sort_by_key(|due| (due.measured, due.index));
        assert_eq!(all, one);
    }

    #[test]
    fn scenarios_that_share_arrivals_take_each_once_whatever_the_shards() {
        let timing = Timing::at(Gaps::Exponential, 500.0);
        let mut plan = plan(timing, Until::Requests(2_000), 100);
        let whole = take_all(&plan, 0, 1);
        let mix = [0.5, 0.2, 0.3].map(|weight| manifest::Scenario {
            name: "s".parse().unwrap(),
            weight,
            target: "t".parse().unwrap(),
            sends: Sends::NOTHING,
        });
        plan.scenarios = manifest::Scenario::shares(&mix)
            .into_iter()
            .map(|share| Scenario {
                steps: vec![StageId(0)],
                of: "s".to_owned(),
                sequence: CaseSequence::InTurn(1),
                whole: None,
                share: Some(share),
                cases: Arc::new(Cases {
                    ids: Vec::new(),
                    digest: None,
                    requests: Vec::new(),
                    scopes: Vec::new(),
                    sessions: None,
                }),
            })
            .collect();
        let take = |scenario: ScenarioId, threads: usize| {
            let mut all: Vec<Arrival> = (0..threads)
                .flat_map(|thread| {
                    let counters = Counters::default();
                    let mut schedule =
                        Schedule::new(&plan, scenario, (thread, threads), 1_000_000_000, &counters);
                    std::iter::from_fn(move || schedule.take(u64::MAX)).collect::<Vec<_>>()
                })
                .collect();
            all.sort_by_key(|due| due.intended);
            all
        };
        let mut all = Vec::new();
        for (scenario, expected) in [1_000_usize, 400, 600].into_iter().enumerate() {
            let one = take(ScenarioId(scenario), 1);
            let measured: Vec<u64> = one
                .iter()
                .filter(|it| it.measured)
                .map(|it| it.index)
                .collect();
            assert_eq!(measured, (0..measured.len() as u64).collect::<Vec<_>>());
            // Five standard deviations of a binomial count.
            assert!(
                measured.len().abs_diff(expected) < 112,
                "{}",
                measured.len()
            );
            assert_eq!(take(ScenarioId(scenario), 3), one);
            all.extend(one);
        }
        all.sort_by_key(|due| due.intended);
        let times = |all: &[Arrival]| all.iter().map(|due| due.intended).collect::<Vec<_>>();
        assert_eq!(times(&all), times(&whole));
    }

    #[test]
    fn users_of_a_closed_loop_come_back_after_their_think_time() {
        let users = Users {
            think_time: Duration::from_nanos(5),
            ..Users::restless(2)
        };
        let plan = plan(Timing::Closed(users), Until::Requests(3), 0);
        let mut schedule = Schedule::new(&plan, ScenarioId(0), (0, 1), 100, &Counters::default());
        assert_eq!(schedule.take(100).unwrap().user, Some(0));
        assert_eq!(schedule.take(100).unwrap().user, Some(1));
        assert_eq!((schedule.take(100), schedule.next_at()), (None, None));
        schedule.answered(Some(1), 150);
        assert_eq!(schedule.next_at(), Some(155));
        assert_eq!(schedule.take(155).unwrap().index, 2);
        schedule.answered(Some(0), 160);
        assert_eq!((schedule.take(200), schedule.next_at()), (None, None));
    }

    #[test]
    fn a_user_with_a_rate_keeps_it_as_far_as_the_answers_allow() {
        let users = Users {
            user_rate: "10/s".parse().ok(),
            ..Users::restless(2)
        };
        let plan = plan(Timing::Closed(users), Until::Requests(9), 0);
        let mut schedule = Schedule::new(&plan, ScenarioId(0), (0, 1), 0, &Counters::default());
        let ms = 1_000_000;
        assert_eq!(schedule.take(0).unwrap().intended, 0);
        assert_eq!(schedule.next_at(), Some(50 * ms)); // the second user begins half a gap later
        assert_eq!(schedule.take(50 * ms).unwrap().user, Some(1));
        schedule.answered(Some(0), 20 * ms);
        assert_eq!(schedule.next_at(), Some(100 * ms));
        assert_eq!(schedule.take(100 * ms).unwrap().user, Some(0));
        schedule.answered(Some(0), 330 * ms); // late: again at once
        assert_eq!(schedule.next_at(), Some(330 * ms));
    }
}
