//! `[load.NAME.mix.SCENARIO]`: kinds of users that share the arrivals of a load.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::prompts::RawPrompts;
use super::sends::{RawSends, RawSessions, Sends};
use crate::manifest::checker::{Checker, Family};
use crate::manifest::span::{Span, Spanned};
use crate::name::Name;

// What may be written: scenarios under their names.
pub(super) type RawMix = BTreeMap<Name, Spanned<RawScenario>>;

/// One kind of user beside others.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScenario {
    weight: Option<Spanned<f64>>,
    target: Option<Spanned<Name>>,
    data: Option<PathBuf>,
    prompts: Option<Spanned<RawPrompts>>,
    order: Option<Spanned<String>>,
    sessions: Option<Spanned<RawSessions>>,
}

/// One kind of user of a load's mix.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: Name,
    /// How many arrivals are its own, beside those of the others.
    pub(crate) weight: f64,
    pub(crate) target: Name,
    pub(crate) sends: Sends,
}

/// What a scenario takes from its load where it says nothing itself.
pub(super) struct OfLoad<'a> {
    pub(super) target: Option<Name>,
    pub(super) sends: &'a Sends,
    /// Users of a closed loop.
    pub(super) users: Option<u32>,
}

impl Scenario {
    /// Checks the scenarios and returns them in the order of the text.
    pub(super) fn check_all(
        written: &Spanned<RawMix>,
        load: &OfLoad<'_>,
        checker: &mut Checker<'_>,
    ) -> Vec<Self> {
        let mut scenarios: Vec<_> = written.value.iter().collect();
        scenarios.sort_by_key(|(_, scenario)| scenario.span.start);
        if scenarios.is_empty() {
            let help = "Add `[load.NAME.mix.SCENARIO]`, or remove it.".to_owned();
            checker.bad("mix", &written.span, "is empty", Some(help));
        }
        let mut found = Vec::new();
        for (name, written) in scenarios {
            let what = format!("scenario `{name}` of {}", checker.what);
            let mut checker = checker.inside(what, written.span.clone());
            found.extend(Self::check(name, &written.value, load, &mut checker));
        }
        if let Some(users) = load.users {
            enough_users(&found, users, &written.span, checker);
        }
        found
    }

    fn check(
        name: &Name,
        raw: &RawScenario,
        load: &OfLoad<'_>,
        checker: &mut Checker<'_>,
    ) -> Option<Self> {
        if checker.known.names(Family::Target).contains(&name.as_str()) {
            let message = format!("`{name}` is the name of a stage or a pipeline already");
            let help = "Figures are kept by name: call the scenario something else.".to_owned();
            checker.here(message, Some(help));
            return None;
        }
        let weight = raw.weight.as_ref().map_or(1.0, |it| weight(it, checker));
        let written = RawSends {
            data: raw.data.as_ref(),
            prompts: raw.prompts.as_ref(),
            order: raw.order.as_ref(),
            sessions: raw.sessions.as_ref(),
        };
        let sends = Sends::check(written, load.sends, checker);
        let target = match (&raw.target, &load.target) {
            (Some(own), _) => checker
                .reference("target", own, Family::Target)
                .then(|| own.value.clone()),
            (None, Some(shared)) => Some(shared.clone()),
            (None, None) => {
                let message = format!("{} has no `target`", checker.what);
                let help = "Add `target = …` to it, or to the load for all scenarios.".to_owned();
                checker.here(message, Some(help));
                None
            }
        };
        Some(Self {
            name: name.clone(),
            weight,
            target: target?,
            sends,
        })
    }

    /// Returns the share of each in the arrivals: next to one another from 0 to 1.
    pub(crate) fn shares(mix: &[Self]) -> Vec<ShareOfArrivals> {
        let whole: f64 = mix.iter().map(|it| it.weight).sum();
        let mut until = 0.0;
        let share = mix.iter().map(|it| {
            let from = until;
            until += it.weight / whole;
            ShareOfArrivals { from, until }
        });
        let mut shares: Vec<ShareOfArrivals> = share.collect();
        // Rounding must leave no arrival without a scenario.
        if let Some(last) = shares.last_mut() {
            last.until = 1.0;
        }
        shares
    }
}

fn weight(written: &Spanned<f64>, checker: &mut Checker<'_>) -> f64 {
    let weight = written.value;
    if weight > 0.0 && weight.is_finite() {
        return weight;
    }
    checker.bad("weight", &written.span, "must be above zero", None);
    1.0
}

/// In a closed loop each kind needs a user.
fn enough_users(found: &[Scenario], users: u32, span: &Span, checker: &mut Checker<'_>) {
    for (share, scenario) in Scenario::shares(found).iter().zip(found) {
        if share.users(users).is_empty() {
            let (of, name) = (&checker.what, &scenario.name);
            let message =
                format!("of the {users} users of {of}, none is left for scenario `{name}`");
            let help = "Raise `concurrency`, or the scenario's `weight`.".to_owned();
            checker.at(span.clone(), message, Some(help));
        }
    }
}

/// The part of a load's arrivals that is one scenario's: those whose draw from [0, 1) falls into
/// it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShareOfArrivals {
    from: f64,
    until: f64,
}

impl ShareOfArrivals {
    /// All of them.
    pub(crate) const ALL: Self = Self {
        from: 0.0,
        until: 1.0,
    };

    /// Returns how much of all it is.
    pub(crate) fn size(self) -> f64 {
        self.until - self.from
    }

    /// Returns whether an arrival with that draw from [0, 1) is in it.
    pub(crate) fn holds(self, draw: f64) -> bool {
        (self.from..self.until).contains(&draw)
    }

    /// Returns which of so many users of a closed loop are in it: as near to its share as whole
    /// users can be.
    pub(crate) fn users(self, concurrency: u32) -> Range<u32> {
        let at = |share: f64| (share * f64::from(concurrency)).round() as u32;
        at(self.from)..at(self.until)
    }
}
