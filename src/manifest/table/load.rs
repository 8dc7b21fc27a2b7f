//! `[load.NAME]`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::arrivals;
use super::connections::{Connections, RawConnections};
use super::mix::{OfLoad, RawMix, Scenario};
use super::prompts::RawPrompts;
use super::sends::{RawSends, RawSessions, Sends};
use crate::arrival::{Arrivals, Length, Until, Users};
use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::{self, Section};
use crate::manifest::span::{Span, Spanned};
use crate::measure::Time;
use crate::name::Name;

/// The target that stands for every stage, each for itself.
const EACH: &str = "each";

/// Any fixed number serves: what matters is that two runs without `seed` send the same.
const DEFAULT_SEED: u64 = 1;

// What may be written, but for `arrivals`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawLoad {
    target: Option<Spanned<OneOrMany>>,
    duration: Option<Spanned<Time>>,
    requests: Option<Spanned<u64>>,
    warmup: Option<Time>,
    seed: Option<u64>,
    data: Option<PathBuf>,
    prompts: Option<Spanned<RawPrompts>>,
    order: Option<Spanned<String>>,
    score_with: Option<Spanned<Name>>,
    max_requests: Option<Spanned<u64>>,
    max_cost: Option<Spanned<f64>>,
    max_tokens_total: Option<Spanned<u64>>,
    honour_retry_after: Option<Spanned<bool>>,
    connections: Option<Spanned<RawConnections>>,
    sessions: Option<Spanned<RawSessions>>,
    mix: Option<Spanned<RawMix>>,
}

/// `"gateway"` or `["gateway", "retrieve"]`.
#[derive(Clone, Debug)]
enum OneOrMany {
    One(String),
    Many(Vec<Spanned<String>>),
}

/// `[load.NAME]`.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) name: Name,
    /// What receives the arrivals, each all of them; empty where there is a mix.
    pub(crate) targets: Vec<Name>,
    /// What the arrivals are shared out among, instead.
    pub(crate) mix: Vec<Scenario>,
    pub(crate) arrivals: Arc<dyn Arrivals>,
    pub(crate) until: Length,
    pub(crate) warmup: Duration,
    pub(crate) seed: u64,
    pub(crate) sends: Sends,
    /// The suite that scores what came back.
    pub(crate) score_with: Option<Name>,
    pub(crate) max_requests: Option<u64>,
    /// USD.
    pub(crate) max_cost: Option<f64>,
    /// Tokens, of prompts and answers together.
    pub(crate) max_tokens_total: Option<u64>,
    /// Whether a user of a closed loop waits as long as `Retry-After` says.
    pub(crate) honour_retry_after: bool,
    pub(crate) connections: Connections,
    /// The table's header in the text.
    pub(crate) span: Span,
}

impl Load {
    /// Returns a load that is made of flags alone.
    pub(crate) fn bare(arrivals: Arc<dyn Arrivals>, until: Until) -> Self {
        Self {
            name: "flags".parse().expect("these are letters"),
            targets: Vec::new(),
            mix: Vec::new(),
            arrivals,
            until: Length::Until(until),
            warmup: Duration::ZERO,
            seed: 1,
            sends: Sends::NOTHING,
            score_with: None,
            max_requests: None,
            max_cost: None,
            max_tokens_total: None,
            honour_retry_after: false,
            connections: Connections::Pooled,
            span: 0..0,
        }
    }

    /// Checks the table; `None` where it cannot be told what it sends, when, or for how long.
    pub(in crate::manifest) fn check(section: Section, manifest: &mut Checker<'_>) -> Option<Self> {
        let Section { name, mut table } = section;
        let arrivals = table.entries.remove("arrivals");
        let (raw, mut checker) = manifest.read::<RawLoad>(table, &["arrivals"]);
        let raw = raw?;
        let checker = &mut checker;
        let until = until(&raw, checker);
        let (arrivals, length) = arrivals_of(arrivals.as_ref(), &until, checker);
        let written = RawSends {
            data: raw.data.as_ref(),
            prompts: raw.prompts.as_ref(),
            order: raw.order.as_ref(),
            sessions: raw.sessions.as_ref(),
        };
        let sends = Sends::check(written, &Sends::NOTHING, checker);
        if let Some(suite) = &raw.score_with {
            checker.reference("score_with", suite, Family::Eval);
        }
        let max_cost = raw.max_cost.as_ref().map(|it| max_cost(it, checker));
        let users = arrivals.as_ref().map(|it| it.users());
        let is_open = users.is_some_and(|users| users.is_none());
        let honour_retry_after = honours(raw.honour_retry_after.as_ref(), is_open, checker);
        let mix = mix(&raw, &sends, users.flatten(), checker);
        let targets = if raw.mix.is_some() || checker.is_wrong("mix") {
            Some(Vec::new())
        } else {
            let target = checker.required(raw.target, "target");
            target.map(|target| targets(target, checker))
        };
        let mixed = mix.iter().map(|scenario| &scenario.sends);
        let has_sessions = mixed.chain([&sends]).any(|it| it.sessions.is_some());
        let begins_each = is_open && !has_sessions;
        let connections = Connections::check(raw.connections.as_ref(), begins_each, checker);
        let max_requests = checker.positive("max_requests", raw.max_requests.as_ref());
        Some(Self {
            name,
            targets: targets?,
            mix,
            arrivals: arrivals?,
            until: length?,
            warmup: raw.warmup.map_or(Duration::ZERO, |time| time.0),
            seed: raw.seed.unwrap_or(DEFAULT_SEED),
            sends,
            score_with: raw.score_with.map(|suite| suite.value),
            max_requests,
            max_cost,
            max_tokens_total: checker.positive("max_tokens_total", raw.max_tokens_total.as_ref()),
            honour_retry_after,
            connections: connections?,
            span: checker.span.clone(),
        })
    }
}

/// Checks the target of a load: the names of stages and pipelines, or every stage.
fn targets(written: Spanned<OneOrMany>, checker: &mut Checker<'_>) -> Vec<Name> {
    const KEY: &str = "target";
    let span = written.span;
    let names = match written.value {
        OneOrMany::One(value) => Vec::from([Spanned { value, span }]),
        OneOrMany::Many(names) => {
            if names.is_empty() {
                checker.bad(KEY, &span, "is empty", None);
            }
            names
        }
    };
    if let [name] = names.as_slice()
        && name.value == EACH
    {
        let stages = checker.known.names(Family::Stage).into_iter();
        return stages.filter_map(|stage| stage.parse().ok()).collect();
    }
    let mut found: Vec<Name> = Vec::new();
    for name in &names {
        let Some(stage) = target(name, checker) else {
            continue;
        };
        if found.contains(&stage) {
            let reason = format!("names `{stage}` twice");
            checker.bad(KEY, &name.span, &reason, None);
        } else {
            found.push(stage);
        }
    }
    found
}

/// Checks one name of a target.
fn target(written: &Spanned<String>, checker: &mut Checker<'_>) -> Option<Name> {
    let by = checker.key("target");
    let is_known = checker.exists(&written.value, &written.span, Family::Target, &by);
    is_known.then(|| written.value.parse().ok()).flatten()
}

/// Checks the scenarios, and the one target that those have that name none.
fn mix(
    raw: &RawLoad,
    sends: &Sends,
    users: Option<Users>,
    checker: &mut Checker<'_>,
) -> Vec<Scenario> {
    let Some(written) = &raw.mix else {
        return Vec::new();
    };
    let target = raw.target.as_ref();
    let of_load = OfLoad {
        target: target.and_then(|it| target_of_all(it, checker)),
        sends,
        users: users.map(|users| users.concurrency),
    };
    Scenario::check_all(written, &of_load, checker)
}

fn target_of_all(written: &Spanned<OneOrMany>, checker: &mut Checker<'_>) -> Option<Name> {
    let one = match &written.value {
        OneOrMany::One(name) => Spanned {
            value: name.clone(),
            span: written.span.clone(),
        },
        OneOrMany::Many(names) if names.len() == 1 => names[0].clone(),
        OneOrMany::Many(_) => {
            let reason = "must be one stage or pipeline, as it has a `mix`";
            let help = "Give each scenario a `target` of its own.".to_owned();
            checker.bad("target", &written.span, reason, Some(help));
            return None;
        }
    };
    target(&one, checker)
}

/// What is wrong has been reported.
struct Reported;

/// Returns when the load says that it ends; `None` where it does not.
fn until(raw: &RawLoad, checker: &mut Checker<'_>) -> Result<Option<Until>, Reported> {
    match (&raw.duration, &raw.requests) {
        (Some(duration), None) if duration.value.0.is_zero() => {
            checker.bad("duration", &duration.span, "must be above zero", None);
            Err(Reported)
        }
        (Some(duration), None) => Ok(Some(Until::Duration(duration.value.0))),
        (None, Some(requests)) => {
            checker.positive("requests", Some(requests));
            Ok(Some(Until::Requests(requests.value)))
        }
        (Some(_), Some(requests)) => {
            let message = format!("{} has both `duration` and `requests`", checker.what);
            let help = "Keep one of them; `max_requests` limits a `duration`.".to_owned();
            checker.at(requests.span.clone(), message, Some(help));
            Err(Reported)
        }
        (None, None) if checker.is_wrong("duration") || checker.is_wrong("requests") => {
            Err(Reported)
        }
        (None, None) => Ok(None),
    }
}

/// Checks a budget in USD.
pub(super) fn max_cost(written: &Spanned<f64>, checker: &mut Checker<'_>) -> f64 {
    let cost = written.value;
    if !(cost.is_finite() && cost > 0.0) {
        checker.bad("max_cost", &written.span, "must be above zero", None);
    }
    cost
}

fn honours(written: Option<&Spanned<bool>>, is_open: bool, checker: &mut Checker<'_>) -> bool {
    let Some(honour) = written.filter(|it| it.value) else {
        return false;
    };
    if is_open {
        let help = "An open loop sends when it is due, whatever the answers say.".to_owned();
        let reason = "is for a closed loop";
        checker.bad("honour_retry_after", &honour.span, reason, Some(help));
    }
    true
}

/// Checks when the requests are sent, and for how long.
fn arrivals_of(
    written: Option<&document::Value>,
    until: &Result<Option<Until>, Reported>,
    checker: &mut Checker<'_>,
) -> (Option<Arc<dyn Arrivals>>, Option<Length>) {
    let have_length = written.is_some_and(arrivals::have_length);
    let duration = match until {
        Ok(Some(Until::Duration(duration))) => Some(*duration),
        _ => None,
    };
    if written.is_none() {
        let message = format!("{} has no `arrivals`", checker.what);
        checker.here(message, Some(arrivals::HELP.to_owned()));
    }
    let arrivals = written.and_then(|it| arrivals::check(it, duration, checker));
    let own = arrivals.as_ref().and_then(|it| it.length());
    let length = match until {
        Ok(Some(until)) => Some(Length::Until(*until)),
        Ok(None) if own.is_none() && !have_length => {
            let message = format!("{} does not say when it ends", checker.what);
            let help = "Add `duration = \"60s\"` or `requests = 1000`.".to_owned();
            checker.here(message, Some(help));
            None
        }
        Ok(None) | Err(Reported) => own,
    };
    (arrivals, length)
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or an array of names")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(OneOrMany::Many(names))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

schema_is!(OneOrMany, "OneOrMany", {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
    "description": "a name or an array of names"
});

#[cfg(test)]
mod tests {
    use crate::manifest::testing::{spoilt, with};

    #[test]
    fn a_load_is_open_or_closed_and_has_one_end() {
        insta::assert_snapshot!(spoilt("rate = \"20/s\"", "concurrency = 3"), @r#"
x `arrivals` of load `peak` mixes an open and a closed loop
    ,-[stagegate.toml:30:12]
 29 | target = "gateway"
 30 | arrivals = { process = "poisson", concurrency = 3 }
    :            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 31 | duration = "60s"
    `----
  help: Write `arrivals = { process = "poisson", rate = "20/s" }`, or
        `{ concurrency = 8 }` for a closed loop.
"#);
        insta::assert_snapshot!(spoilt("process = \"poisson\", rate = \"20/s\"", "concurrency = 0"), @r#"
x `arrivals.concurrency` of load `peak` must be at least 1
    ,-[stagegate.toml:30:28]
 29 | target = "gateway"
 30 | arrivals = { concurrency = 0 }
    :                            ^
 31 | duration = "60s"
    `----
"#);
        insta::assert_snapshot!(spoilt("poisson", "poison"), @r#"
x `arrivals.process` of load `peak` cannot be `poison`
    ,-[stagegate.toml:30:24]
 29 | target = "gateway"
 30 | arrivals = { process = "poison", rate = "20/s" }
    :                        ^^^^^^^^
 31 | duration = "60s"
    `----
  help: Did you mean `poisson`?
"#);
        insta::assert_snapshot!(spoilt("duration = \"60s\"", "duration = \"60s\"\nrequests = 5"), @r#"
x load `peak` has both `duration` and `requests`
    ,-[stagegate.toml:32:12]
 31 | duration = "60s"
 32 | requests = 5
    :            ^
 33 |
    `----
  help: Keep one of them; `max_requests` limits a `duration`.
"#);
        insta::assert_snapshot!(spoilt("duration = \"60s\"", ""), @r#"
x load `peak` does not say when it ends
    ,-[stagegate.toml:28:1]
 27 |
 28 | [load.peak]
    : ^^^^^^^^^^^
 29 | target = "gateway"
    `----
  help: Add `duration = "60s"` or `requests = 1000`.
"#);
    }

    #[test]
    fn each_stands_for_every_stage() {
        let manifest = with(&[("load.peak.target", "\"each\"")]).unwrap();
        let targets: Vec<&str> = manifest.loads[0]
            .targets
            .iter()
            .map(crate::name::Name::as_str)
            .collect();
        assert_eq!(targets, ["gateway", "retrieve"]);
    }
}
