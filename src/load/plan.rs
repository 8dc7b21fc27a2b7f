//! What a load run needs, resolved: nothing is left to look up.

use std::sync::Arc;
use std::time::Duration;

use crate::arrival::{Timing, Until};
use crate::load::id::{ScenarioId, StageId, TallyId};
use crate::load::schedule::CaseSequence;
use crate::load::wire::encode::Prepared;
use crate::manifest::{Connections, Cost, ShareOfArrivals, Slo};
use crate::measure::Clock;
use crate::metric::LatencyMetric;
use crate::protocol::TraceIds;
use crate::record::Shard;
use crate::stage::{Stage, strictest};
use crate::template::Scope;

/// What a run may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    Requests,
    Cost,
    Tokens,
}

impl Budget {
    /// Returns the key of the manifest that bounds it.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Requests => "max_requests",
            Self::Cost => "max_cost",
            Self::Tokens => "max_tokens_total",
        }
    }
}

/// One load run. Every scenario receives the whole arrival process (or all users of a closed loop)
/// for itself, or its share of the one that all have.
#[derive(Clone)]
pub(crate) struct LoadPlan {
    /// Every stage that is sent to.
    pub(crate) stages: Vec<Stage>,
    /// What an arrival starts.
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) timing: Timing,
    /// Whether a user of a closed loop waits as long as `Retry-After` says.
    pub(crate) honour_retry_after: bool,
    pub(crate) connections: Connections,
    /// Where the traces of its requests get their identifiers.
    pub(crate) traces: Arc<TraceIds>,
    /// Which shard of it this process sends.
    pub(crate) shard: Shard,
    /// t = 0 on the engine's clock; as soon as possible without.
    pub(crate) start: Option<u64>,
    pub(crate) until: Until,
    pub(crate) warmup: Duration,
    pub(crate) seed: u64,
    /// Stops the run before it sends more, warm-up included.
    pub(crate) max_requests: Option<u64>,
    /// Stops the run once its answers have cost so much, in USD, by the stages' `cost` and the
    /// tokens counted. What is in flight then still comes.
    pub(crate) max_cost: Option<f64>,
    /// A budget of tokens, of prompts and answers together.
    pub(crate) max_tokens: Option<u64>,
    /// The length of the intervals of the time series.
    pub(crate) interval: Duration,
    /// Stamps everything.
    pub(crate) clock: Clock,
}

impl LoadPlan {
    /// Returns whether a budget may end it before its time.
    pub(crate) const fn has_budget(&self) -> bool {
        self.max_requests.is_some() || self.max_cost.is_some() || self.max_tokens.is_some()
    }

    /// Returns what has figures of its own, in the order of the tallies: the stages, then what
    /// scenarios are measured as.
    pub(crate) fn measured(&self) -> impl Iterator<Item = Measured> {
        let wholes = self.scenarios.iter();
        let wholes = wholes.filter_map(|scenario| scenario.whole.clone());
        self.stages.iter().map(Measured::of).chain(wholes)
    }

    /// Returns the tally that a scenario's arrivals count in.
    pub(crate) fn tally_of(&self, scenario: ScenarioId) -> TallyId {
        if self.scenarios[scenario].whole.is_none() {
            return Self::tally_of_stage(self.scenarios[scenario].steps[0]);
        }
        let before = self.scenarios[..scenario.0].iter();
        let wholes = before.filter(|scenario| scenario.whole.is_some()).count();
        TallyId(self.stages.len() + wholes)
    }

    /// Returns the tally of a stage.
    pub(crate) const fn tally_of_stage(stage: StageId) -> TallyId {
        TallyId(stage.0)
    }

    /// Returns every scenario's number.
    pub(crate) fn scenario_ids(&self) -> impl Iterator<Item = ScenarioId> + use<> {
        (0..self.scenarios.len()).map(ScenarioId)
    }

    /// Returns the tallies that hold the answers of a stage or pipeline: its own, and where only
    /// kinds of users call it, theirs.
    pub(crate) fn tallies_of(&self, name: &str) -> Vec<TallyId> {
        let own = self.measured().position(|measured| measured.name == name);
        let calls = |scenario: &ScenarioId| self.scenarios[*scenario].of == name;
        match own {
            Some(own) => vec![TallyId(own)],
            None => self
                .scenario_ids()
                .filter(calls)
                .map(|scenario| self.tally_of(scenario))
                .collect(),
        }
    }

    /// Returns the names of the scenarios, as the manifest's `target` has them.
    pub(crate) fn scenario_names(&self) -> impl Iterator<Item = &str> {
        self.scenario_ids()
            .map(|scenario| self.name(self.tally_of(scenario)))
    }

    /// Returns the name of what a tally belongs to.
    pub(crate) fn name(&self, tally: TallyId) -> &str {
        let wholes = self.scenarios.iter();
        let wholes = wholes.filter_map(|scenario| scenario.whole.as_ref());
        let stages = self.stages.iter().map(|stage| stage.name.as_str());
        let mut names = stages.chain(wholes.map(|whole| whole.name.as_str()));
        names.nth(tally.0).unwrap_or_default()
    }
}

/// What one arrival starts: one request to a stage, or one request after another, each made of what
/// came back before.
#[derive(Clone)]
pub(crate) struct Scenario {
    /// The stages that it calls, in order, by their numbers in [`LoadPlan::stages`]; never empty.
    pub(crate) steps: Vec<StageId>,
    /// The stage or pipeline that this is.
    pub(crate) of: String,
    /// How its cases, or sessions, are chosen.
    pub(crate) sequence: CaseSequence,
    /// What the whole way is measured as, where it is a pipeline or one kind of user of a mix.
    pub(crate) whole: Option<Measured>,
    /// Which of the load's arrivals start it, where scenarios share them out; without, it has an
    /// arrival process of its own.
    pub(crate) share: Option<ShareOfArrivals>,
    pub(crate) cases: Arc<Cases>,
}

/// What the arrivals of a scenario send.
pub(crate) struct Cases {
    /// What the cases are called, in the order of the data.
    pub(crate) ids: Vec<String>,
    /// Of the data that they are from, where they are from any.
    pub(crate) digest: Option<String>,
    /// The first step's request for each case, in the order of the data; empty where a request is
    /// written when it is due.
    pub(crate) requests: Vec<Prepared>,
    /// What the templates of each case see, in the order of the data, without what comes back
    /// during the run; empty where all requests are ready.
    pub(crate) scopes: Vec<Scope>,
    /// Where an arrival begins a session, and not a single request.
    pub(crate) sessions: Option<Sessions>,
}

/// The conversations of a scenario.
pub(crate) struct Sessions {
    /// The cases of each, in the order in which they are sent; none is empty.
    pub(crate) turns: Vec<Vec<usize>>,
    /// Between an answer and the next turn.
    pub(crate) think_time: Duration,
    /// A number that no other run has.
    pub(crate) run: u64,
}

/// Something with figures of its own: a stage, a pipeline, or one kind of user.
#[derive(Clone)]
pub(crate) struct Measured {
    pub(crate) name: String,
    /// Whose limits a good request keeps.
    pub(crate) slo: Vec<Slo>,
    /// Whether the SLOs are its own, and not only those of the stage that it calls.
    pub(crate) is_judged: bool,
    pub(crate) cost: Option<Cost>,
    pub(crate) owner: Option<String>,
}

impl Measured {
    /// Returns what a stage's own figures are.
    pub(crate) fn of(stage: &Stage) -> Self {
        Self {
            name: stage.name.clone(),
            slo: stage.slo.clone(),
            is_judged: true,
            cost: stage.cost,
            owner: stage.owner.clone(),
        }
    }

    /// Returns the limits in ns that a good request keeps: each latency with an SLO, whatever its
    /// percentile; the strictest where one metric has several.
    pub(crate) fn limits(&self) -> Vec<(LatencyMetric, u64)> {
        strictest(&self.slo)
    }
}
