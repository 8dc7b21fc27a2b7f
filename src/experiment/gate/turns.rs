//! Base and head measured in turns, round after round, until the gated latencies are settled.

use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::head::{HeadRuns, judge_head};
use super::slot::{Side, Slot};
use crate::diff::GatedBy;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::Experiment;
use crate::experiment::load::{Measured, measure_load};
use crate::experiment::recording::verdict;
use crate::experiment::release::add_versions;
use crate::experiment::rounds::{NoSum, in_round, joined};
use crate::manifest::{Abba, Load};
use crate::measure::show_duration;
use crate::plan::{GatePlan, LoadOverrides, Portion};
use crate::record::{
    BASE_SIDE, Change, Comparison, DiffDocument, ROUNDS_MISSING, Reason, Release, RunRecord,
};

/// Said once.
const UNKNOWN_COST: &str = "`max_cost` of `[gate]` cannot end the gate: not every answer has told its tokens, or a stage that counts tokens has no `cost`";

/// What the rounds have brought.
pub(super) struct Turns {
    /// One run of each load, of all rounds that count.
    pub(super) base: Vec<RunRecord>,
    pub(super) head: HeadRuns,
    /// Why there were no more rounds, where the verdict was not settled.
    pub(super) ended: Option<Reason>,
}

/// What was measured so far.
struct Taken<'a> {
    loads: &'a [Load],
    /// The stages of the manifest.
    stages: Vec<&'a str>,
    /// By load, then by round.
    base: Vec<Vec<Measured>>,
    head: Vec<Vec<Measured>>,
    /// What is in the slot on each side, as it was told in its first slice.
    releases: [Option<Release>; 2],
    void: u32,
    requests: u64,
    /// USD; `None` once something came that has no price.
    cost: Option<f64>,
}

/// Takes turns with the slot; `release` is that of the base.
pub(super) async fn take_turns(
    experiment: &Experiment,
    plan: &GatePlan<'_>,
    (abba, slot): (&Abba, &mut Slot<'_>),
    release: &Release,
) -> Result<Turns> {
    let loads: Vec<Load> = plan.loads.iter().map(|load| sliced(load, abba)).collect();
    let mut coin = ChaCha8Rng::seed_from_u64(loads.first().map_or(1, |load| load.seed));
    let stages = &experiment.project.manifest.stages;
    let stages: Vec<&str> = stages.iter().map(|it| it.name.as_str()).collect();
    let mut taken = Taken::new(&loads, stages);
    let least = plan.rounds().0 as usize;
    let (begin, mut ended, mut told) = (Instant::now(), None, false);
    for round in 1..=abba.max_rounds {
        let order = match coin.next_u32() % 2 {
            0 => [Side::Base, Side::Head],
            _ => [Side::Head, Side::Base],
        };
        experiment.note(format!(
            "round {round} of at most {}: {}, then {}",
            abba.max_rounds,
            order[0].word(),
            order[1].word()
        ));
        let slices = match taken.round(experiment, (order, round), slot, release).await {
            Ok((slices, Status::Passed)) => slices,
            Ok((slices, status)) => {
                taken.sort_in(slices);
                return taken.into_turns(experiment, status, None);
            }
            Err(error) => {
                // What was measured is kept, and nothing is left running.
                drop(taken.into_turns(experiment, Status::Interrupted, None)?);
                slot.end().await;
                return Err(error);
            }
        };
        taken.add(experiment, round, slices);
        if taken.rounds() >= least {
            let document = taken.judged(experiment)?;
            tell(experiment, &document);
            if is_settled(&document) {
                return taken.into_turns(experiment, Status::Passed, None);
            }
            ended = hopeless(&document);
        }
        if abba.max_cost.is_some() && taken.cost.is_none() && !std::mem::replace(&mut told, true) {
            experiment.warn(UNKNOWN_COST);
        }
        ended = ended.or_else(|| used_up(abba, &taken, begin));
        if ended.is_some() {
            break;
        }
    }
    let key = ended.unwrap_or_else(|| format!("`max_rounds` = {} ended the gate", abba.max_rounds));
    let reason = taken.unsettled(&key);
    taken.into_turns(experiment, Status::Passed, Some(reason))
}

/// Returns a load as it is measured in a round.
fn sliced(load: &Load, abba: &Abba) -> Load {
    LoadOverrides {
        duration: abba.slice,
        ..LoadOverrides::default()
    }
    .apply(load)
}

/// Returns the release in the slot, with the versions that its stages tell.
async fn of_side(experiment: &Experiment, side: Side, base: &Release) -> Release {
    let mut release = match side {
        Side::Base => base.clone(),
        Side::Head => experiment.release.clone(),
    };
    let (project, client) = (&experiment.project, &experiment.client);
    add_versions(&mut release, project, client, experiment.sink.as_ref()).await;
    client.rest().await;
    release
}

/// Returns the budget that is used up, as it stands in the manifest.
fn used_up(abba: &Abba, taken: &Taken<'_>, begin: Instant) -> Option<String> {
    let time = abba.max_time.filter(|most| begin.elapsed() >= *most);
    let time = time.map(|most| format!("`max_time` = {} ended the gate", show_duration(most)));
    let requests = abba.max_requests.filter(|most| taken.requests >= *most);
    let requests = requests.map(|most| format!("`max_requests` = {most} ended the gate"));
    let spent = taken.cost.unwrap_or(0.0);
    let cost = abba.max_cost.filter(|most| spent >= *most);
    let cost = cost.map(|most| format!("`max_cost` = {most} ended the gate"));
    time.or(requests).or(cost)
}

/// Returns whether another round could change the verdict: not once something is slower, nor when
/// all is known to be alike.
fn is_settled(document: &DiffDocument) -> bool {
    let gated: Vec<&Comparison> = by_rounds(document).collect();
    let is_worse = gated.iter().any(|it| it.verdict == Change::Regressed);
    let is_open =
        |it: &&Comparison| matches!(it.verdict, Change::Inconclusive | Change::Insufficient);
    is_worse || !gated.is_empty() && !gated.iter().any(is_open)
}

/// Returns why no further round would help: a gated latency is not known in one of them.
fn hopeless(document: &DiffDocument) -> Option<String> {
    let mut all = document.comparisons.iter();
    let missing = all.find(|it| it.method == ROUNDS_MISSING)?;
    Some(format!(
        "`{}` ended the gate, as it is not known in every round,",
        missing.metric
    ))
}

/// Returns what the rounds decide about.
fn by_rounds(document: &DiffDocument) -> impl Iterator<Item = &Comparison> {
    document.comparisons.iter().filter(|it| it.is_by_rounds())
}

fn tell(experiment: &Experiment, document: &DiffDocument) {
    let percent = |share: f64| format!("{:+.1} %", share * 100.0);
    for it in by_rounds(document).filter(|it| it.verdict == Change::Inconclusive) {
        let change = it.change.map_or_else(String::new, percent);
        let range = match it.low.zip(it.high) {
            Some((low, high)) => format!(" ({} to {})", percent(low), percent(high)),
            None => String::new(),
        };
        experiment.note(format!("`{}` {change}{range}: not settled", it.metric));
    }
}

impl<'a> Taken<'a> {
    fn new(loads: &'a [Load], stages: Vec<&'a str>) -> Self {
        let none = || loads.iter().map(|_| Vec::new()).collect();
        Self {
            loads,
            stages,
            base: none(),
            head: none(),
            releases: [None, None],
            void: 0,
            requests: 0,
            cost: Some(0.0),
        }
    }

    /// Measures one round: both sides, each after a switch. Returns what there is, and how it ended
    /// where it did not come to its end.
    async fn round(
        &mut self,
        experiment: &Experiment,
        (order, round): ([Side; 2], u32),
        slot: &mut Slot<'_>,
        base: &Release,
    ) -> Result<(Vec<(Side, Measured)>, Status)> {
        let mut slices = Vec::new();
        for side in order {
            if !slot.put(side).await? {
                return Ok((slices, Status::Interrupted));
            }
            for load in self.loads {
                let load = in_round(load, self.rounds() == 0);
                let mut measured = measure_load(experiment, &load, &Portion::default()).await?;
                measured.record.release = self.release(experiment, side, base).await;
                let status = measured.status;
                self.spend(&measured);
                slices.push((side, measured));
                if status == Status::Unmeasured {
                    experiment.warn(format!(
                        "round {round}: the {} was not reached",
                        side.word()
                    ));
                }
                if matches!(status, Status::Interrupted | Status::Unmeasured) {
                    return Ok((slices, status));
                }
            }
        }
        Ok((slices, Status::Passed))
    }

    /// Returns the release of a side, with the versions that its stages tell.
    async fn release(&mut self, experiment: &Experiment, side: Side, base: &Release) -> Release {
        let at = usize::from(side == Side::Head);
        if let Some(known) = &self.releases[at] {
            return known.clone();
        }
        let release = of_side(experiment, side, base).await;
        self.releases[at] = Some(release.clone());
        release
    }

    /// Counts what a slice has cost: the requests to stages, not those of what they are steps of.
    fn spend(&mut self, measured: &Measured) {
        let stages = measured.record.stages.iter();
        for (_, stage) in stages.filter(|(name, _)| self.stages.contains(&name.as_str())) {
            self.requests += stage.attempted;
            self.cost = match (self.cost, stage.cost_usd) {
                (Some(spent), Some(more)) => Some(spent + more),
                (spent, None) if stage.tokens.is_none() => spent,
                _ => None,
            };
        }
    }

    /// Adds a round, of both sides' loads; one in which the generator itself was late is void,
    /// whatever it shows.
    fn add(&mut self, experiment: &Experiment, round: u32, slices: Vec<(Side, Measured)>) {
        let invalid = slices.iter().find(|(_, it)| it.status == Status::Invalid);
        if let Some((side, measured)) = invalid {
            self.void += 1;
            let reasons = measured.record.validity.reasons.join(", ");
            return experiment.warn(format!(
                "round {round} is void: of the {}, {reasons}",
                side.word()
            ));
        }
        self.sort_in(slices);
    }

    fn sort_in(&mut self, slices: Vec<(Side, Measured)>) {
        for (side, measured) in slices {
            let of_side = match side {
                Side::Base => &mut self.base,
                Side::Head => &mut self.head,
            };
            let name = &measured.record.name;
            let place = self
                .loads
                .iter()
                .position(|load| load.name.as_str() == name);
            if let Some(at) = place {
                of_side[at].push(measured);
            }
        }
    }

    fn rounds(&self) -> usize {
        self.head.first().map_or(0, Vec::len)
    }

    /// Compares what there is.
    fn judged(&self, experiment: &Experiment) -> Result<DiffDocument> {
        let base = whole(self.base.clone())?;
        let head = whole(self.head.clone())?;
        let records = |side: Vec<Measured>| side.into_iter().map(|it| it.record).collect();
        let (base, head): (Vec<RunRecord>, Vec<RunRecord>) = (records(base), records(head));
        let judged = judge_head(experiment, (&base, GatedBy::Rounds), &head);
        Ok(judged.document)
    }

    fn unsettled(&self, key: &str) -> Reason {
        let rounds = self.rounds();
        let void = match self.void {
            0 => String::new(),
            void => format!(", {void} more were void"),
        };
        Reason {
            text: format!("{key} after {rounds} rounds, before its latencies were settled{void}"),
            short: format!("not settled after {rounds} rounds"),
            owner: None,
            decided: true,
        }
    }

    /// Stores both sides.
    fn into_turns(
        self,
        experiment: &Experiment,
        status: Status,
        ended: Option<Reason>,
    ) -> Result<Turns> {
        // Rounds that were all void have measured nothing.
        let status = match self.rounds() {
            0 if status == Status::Passed => Status::Invalid,
            _ => status,
        };
        let complete = !matches!(status, Status::Interrupted | Status::Unmeasured);
        let keep = |measured: Measured, overrides: &[&str]| {
            let mut record = measured.record;
            record.verdict = verdict(measured.status);
            record.complete &= complete;
            record
                .overrides
                .extend(overrides.iter().map(|it| (*it).to_owned()));
            experiment.keep(record, Status::Passed)
        };
        let mut head = HeadRuns {
            runs: Vec::new(),
            status,
        };
        let mut base = Vec::new();
        for measured in whole(self.base)? {
            let kept = keep(measured, &[BASE_SIDE]);
            head.status = head.status.and(kept.status);
            base.push(kept.record);
        }
        for measured in whole(self.head)? {
            head.add(keep(measured, &[]));
        }
        Ok(Turns { base, head, ended })
    }
}

/// Puts the rounds of each load together, where there are any.
fn whole(side: Vec<Vec<Measured>>) -> Result<Vec<Measured>, NoSum> {
    let measured = side.into_iter().filter(|rounds| !rounds.is_empty());
    measured.map(joined).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BY_ROUNDS;
    use crate::store::testing::fixture;

    fn document(verdicts: &[(&str, Change)]) -> DiffDocument {
        let document = fixture("v1.1", "gate").diff.unwrap();
        let any = document.comparisons[0].clone();
        let row = |(method, verdict): &(&str, Change)| Comparison {
            method: (*method).to_owned(),
            verdict: *verdict,
            ..any.clone()
        };
        DiffDocument {
            comparisons: verdicts.iter().map(row).collect(),
            ..document
        }
    }

    #[test]
    fn a_regression_settles_a_gate_and_so_does_that_nothing_is_open() {
        use Change::{Improved, Inconclusive, Insufficient, Regressed, Unchanged};
        for (verdicts, settled) in [
            (
                &[(BY_ROUNDS, Regressed), (BY_ROUNDS, Inconclusive)][..],
                true,
            ),
            (&[(BY_ROUNDS, Unchanged), ("rounds_t+holm", Improved)], true),
            (
                &[(BY_ROUNDS, Unchanged), ("rounds_t+holm", Inconclusive)],
                false,
            ),
            // What only explains settles nothing, and holds nothing up.
            (&[("mover", Regressed)], false),
            (&[(BY_ROUNDS, Unchanged), ("mover", Insufficient)], true),
            (&[], false),
        ] {
            assert_eq!(is_settled(&document(verdicts)), settled, "{verdicts:?}");
        }
    }

    #[test]
    fn a_latency_that_a_round_does_not_have_ends_a_gate() {
        let none = document(&[
            (BY_ROUNDS, Change::Inconclusive),
            ("mover", Change::Insufficient),
        ]);
        assert_eq!(hopeless(&none), None);
        let missing = document(&[(ROUNDS_MISSING, Change::Insufficient)]);
        assert!(
            hopeless(&missing)
                .unwrap()
                .contains("not known in every round")
        );
    }

    #[test]
    fn the_budget_that_is_used_up_is_named() {
        let abba = Abba {
            base: String::new(),
            head: String::new(),
            slice: None,
            max_rounds: 40,
            max_time: None,
            max_requests: Some(100),
            max_cost: Some(2.5),
        };
        let loads = [];
        let mut taken = Taken::new(&loads, Vec::new());
        assert_eq!(used_up(&abba, &taken, Instant::now()), None);
        taken.cost = Some(2.5);
        let said = |abba: &Abba, taken: &Taken<'_>| used_up(abba, taken, Instant::now());
        assert_eq!(
            said(&abba, &taken).unwrap(),
            "`max_cost` = 2.5 ended the gate"
        );
        taken.requests = 100;
        assert_eq!(
            said(&abba, &taken).unwrap(),
            "`max_requests` = 100 ended the gate"
        );
        let timed = Abba {
            max_time: Some(std::time::Duration::ZERO),
            ..abba
        };
        assert_eq!(
            said(&timed, &taken).unwrap(),
            "`max_time` = 0ms ended the gate"
        );
        taken.void = 2;
        let reason = taken.unsettled("`max_rounds` = 40 ended the gate");
        assert!(reason.decided && reason.text.ends_with("settled, 2 more were void"));
    }
}
