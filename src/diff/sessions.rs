//! The sessions of a base: what gates before this one measured of a load, one run of it each.

use crate::metric::Metric;
use crate::record::RunRecord;

/// What decides about latencies in a gate.
pub(crate) struct LatencyGate {
    /// One-sided, for all gated latencies together.
    pub(crate) alpha: f64,
    /// A smaller increase is no regression, as a share.
    pub(crate) floor: f64,
    /// A smaller change is none, in ms.
    pub(crate) abs_floor_ms: f64,
    /// What is gated though no rule names it.
    pub(crate) unruled: Vec<Metric>,
    pub(crate) by: GatedBy,
}

/// What latencies are decided by.
#[derive(Clone, Debug)]
pub(crate) enum GatedBy {
    /// They are only shown.
    Nothing,
    /// The sessions of the base.
    Sessions(Sessions),
    /// The rounds in which both sides were measured in turns.
    Rounds,
}

/// The runs of loads in earlier gates, newest first; each is one session of its load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(pub(crate) Vec<RunRecord>);

/// The sessions of one load.
#[derive(Clone, Debug, Default)]
pub(super) struct OfLoad<'a> {
    /// Those that did the same on the same machine.
    pub(super) alike: Vec<&'a RunRecord>,
    /// How many others there are.
    pub(super) unlike: usize,
    /// The session that is held against them.
    pub(super) head: Option<&'a RunRecord>,
}

/// The last sessions count: what was long ago was another deployment.
pub(super) const MOST_SESSIONS: usize = 20;

impl Sessions {
    /// Returns the sessions of the load that a run is of: those with the same comparison key
    /// (name, environment, workload, machine), and how many have another one.
    pub(super) fn of<'a>(&'a self, head: &'a RunRecord) -> OfLoad<'a> {
        let of_load = self
            .0
            .iter()
            .filter(|run| run.kind == head.kind && run.name == head.name && run.env == head.env);
        let (mut alike, unlike): (Vec<&RunRecord>, Vec<&RunRecord>) =
            of_load.partition(|run| is_alike(run, head));
        alike.truncate(MOST_SESSIONS);
        OfLoad {
            alike,
            unlike: unlike.len(),
            head: Some(head),
        }
    }
}

fn is_alike(one: &RunRecord, other: &RunRecord) -> bool {
    let same_machine = one.machine.is_some() && one.machine == other.machine;
    // The mean of five rounds is less noisy than one.
    let as_many = one.rounds.len() == other.rounds.len();
    same_machine && one.plan == other.plan && as_many
}
