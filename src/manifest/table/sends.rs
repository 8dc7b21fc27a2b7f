//! What the arrivals of a load, or of one kind of user in it, send: cases or made-up prompts, in
//! which order, in sessions.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::prompts::{Prompts, RawPrompts};
use crate::manifest::checker::Checker;
use crate::manifest::span::Spanned;
use crate::measure::Time;

/// The keys that say it, of a load or of a scenario.
#[derive(Clone, Copy)]
pub(super) struct RawSends<'a> {
    pub(super) data: Option<&'a PathBuf>,
    pub(super) prompts: Option<&'a Spanned<RawPrompts>>,
    pub(super) order: Option<&'a Spanned<String>>,
    pub(super) sessions: Option<&'a Spanned<RawSessions>>,
}

// What may be written in `sessions`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSessions {
    think_time: Option<Time>,
}

/// What the arrivals of a load send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sends {
    /// A golden set whose inputs are sent, relative to the manifest.
    pub(crate) data: Option<PathBuf>,
    /// What is sent where there is no golden set.
    pub(crate) prompts: Option<Prompts>,
    /// In which order.
    pub(crate) order: CaseOrder,
    /// Where an arrival begins a session.
    pub(crate) sessions: Option<Sessions>,
}

/// In which order the cases of a golden set are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaseOrder {
    /// As they stand in the file, again and again.
    InTurn,
    /// Each pass over the file in an order of its own.
    Shuffled,
    /// At random, each as often as its `weight` says.
    Weighted,
}

/// `sessions`: the cases of one group are the turns of one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sessions {
    /// Between an answer and the next turn.
    pub(crate) think_time: Duration,
}

impl Sends {
    /// One request without a case.
    pub(crate) const NOTHING: Self = Self {
        data: None,
        prompts: None,
        order: CaseOrder::InTurn,
        sessions: None,
    };

    /// Checks the keys; what is not written is as in `otherwise`.
    pub(super) fn check(
        written: RawSends<'_>,
        otherwise: &Self,
        checker: &mut Checker<'_>,
    ) -> Self {
        let mut sends = otherwise.clone();
        if let (Some(_), Some(prompts)) = (written.data, written.prompts) {
            let message = format!("{} has both `data` and `prompts`", checker.what);
            let help = "Keep one of them.".to_owned();
            checker.at(prompts.span.clone(), message, Some(help));
        }
        if let Some(data) = written.data {
            (sends.data, sends.prompts) = (Some(data.clone()), None);
        }
        if let Some(prompts) = written.prompts
            && !checker.is_wrong("prompts")
        {
            sends.data = None;
            sends.prompts = Prompts::check(prompts, checker);
        }
        if let Some(order) = written.order {
            let order = checker.choice("order", order, &CaseOrder::ALL);
            sends.order = order.unwrap_or(CaseOrder::InTurn);
        }
        if let Some(sessions) = written.sessions {
            if written.prompts.is_none() && sends.data.is_none() && sends.prompts.is_none() {
                let help = "The cases of one `group` are the turns of one session.".to_owned();
                let reason = "needs `data` or `prompts`";
                checker.bad("sessions", &sessions.span, reason, Some(help));
            }
            let think_time = sessions.value.think_time;
            sends.sessions = Some(Sessions {
                think_time: think_time.map_or(Duration::ZERO, |time| time.0),
            });
        }
        sends
    }
}

impl CaseOrder {
    const ALL: [(&'static str, Self); 3] = [
        ("in_turn", Self::InTurn),
        ("shuffled", Self::Shuffled),
        ("weighted", Self::Weighted),
    ];

    /// Returns the word of the manifest.
    pub(crate) fn key(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, it)| *it == self);
        found.map_or("", |(word, _)| word)
    }
}
