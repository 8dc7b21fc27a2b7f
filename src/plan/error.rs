//! What can be wrong with an invocation that the manifest alone does not show.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use miette::Diagnostic;

use crate::error::{Classify, Kind};
use crate::golden::NO_CASE;
use crate::measure::show_duration;
use crate::name::Name;
use crate::registry::did_you_mean;

/// Why an invocation cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// A name on the command line that the manifest does not have.
    #[error("there is no {family} `{name}` in `{manifest}`")]
    Unknown {
        family: &'static str,
        name: String,
        manifest: String,
        known: Vec<String>,
    },
    /// The manifest has nothing of that family.
    #[error("`{manifest}` has no [{family}.NAME], so there is nothing to run")]
    Nothing {
        family: &'static str,
        manifest: String,
    },
    /// A stage's address does not resolve.
    #[error("stage `{stage}`: `{host}` cannot be resolved: {reason}")]
    Resolve {
        stage: String,
        host: String,
        reason: String,
    },
    /// A request cannot be written for a case.
    #[error("stage `{stage}`, case `{case}`: {reason}")]
    Request {
        stage: String,
        case: String,
        reason: String,
    },
    /// What a header is filled with cannot stand in one: a secret with a line break, most of the
    /// time.
    #[error("stage `{stage}`: {reason}")]
    Header { stage: String, reason: String },
    /// A stage whose request needs other stages could not get their answers.
    #[error("stage `{stage}`, case `{case}`: the step `{step}` before it failed: {reason}")]
    Step {
        stage: String,
        case: String,
        step: String,
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("stage `{stage}`: TLS cannot be set up: {reason}")]
    Tls { stage: String, reason: String },
    /// Two `-e`.
    #[error("`-e {first}` and `-e {second}`: one run has one environment")]
    Environments { first: String, second: String },
    /// `--start-at` that cannot be kept.
    #[error("`--start-at {start}` is past, or too soon for the warm-up")]
    TooLate {
        start: Timestamp,
        now: Timestamp,
        warmup: Duration,
    },
    /// `--start-at` for more than one load.
    #[error("`--start-at` is for one load, and there are {loads}")]
    OneStart { loads: usize },
    /// `--stage` with a load whose arrivals are shared out.
    #[error("`--stage {stage}`: load `{load}` is a mix")]
    StageOfMix { stage: String, load: Name },
    /// Fewer users than kinds of users.
    #[error("of {users} users, none is left for scenario `{scenario}` of load `{load}`")]
    NoUser {
        users: u32,
        scenario: Name,
        load: Name,
    },
    /// A golden set that sends nothing.
    #[error("stage `{stage}` has no case to send")]
    NoCase { stage: String },
    /// A load that was as long as its trace, with other arrivals.
    #[error("load `{load}` is as long as its trace, which is not sent")]
    NoLength { load: Name },
    /// `--find-limit` without anything to hold.
    #[error("`--find-limit` needs an SLO, and no stage of this load has one")]
    NoSlo,
    /// `profile` of nothing in particular.
    #[error("the manifest does not say what users call")]
    NoEntry,
    /// `profile` of what cannot be a stage.
    #[error("`{written}` is not a name")]
    NoName { written: String },
    /// `profile` without arrivals.
    #[error("there is no load to profile under")]
    NoLoad,
    /// No `[gate]`.
    #[error("`{manifest}` has no [gate]")]
    NoGate { manifest: String },
    /// A `[gate]` that names nothing.
    #[error("the [gate] of `{manifest}` names neither loads nor evals")]
    EmptyGate { manifest: String },
}

impl Diagnostic for PlanError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.remedy()))
    }
}

impl PlanError {
    /// Returns what to do about it.
    fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::Unknown { name, known, .. } => near(name, known).into(),
            Self::Nothing { family, .. } => {
                format!("Add a table [{family}.NAME] to the manifest.").into()
            }
            Self::Resolve { .. } => "Check the address in the manifest's environment.".into(),
            Self::Request { case, .. } if case == NO_CASE => {
                "Give the load `data`: a golden set whose inputs are sent.".into()
            }
            Self::Request { .. } => {
                "Check the templates of the stage against the case's `input`.".into()
            }
            Self::Header { .. } => {
                "Check the secrets in the stage's headers: is there a line break at the end of one?"
                    .into()
            }
            Self::Step { step, .. } => {
                format!("Try it alone with `stagegate check --probe`, and see `{step}` there.")
                    .into()
            }
            Self::Tls { .. } => "Check the scheme and host of the stage's `url`.".into(),
            Self::TooLate { now, warmup, .. } => {
                let warmup = show_duration(*warmup);
                format!("It is {now}; the warm-up takes {warmup}.").into()
            }
            Self::Environments { .. } => "Run the command once for each environment.".into(),
            Self::OneStart { .. } => "Name the load.".into(),
            Self::StageOfMix { .. } => {
                "Name a load with a `target`, or leave `--stage` out.".into()
            }
            Self::NoUser { .. } => "Raise `--concurrency`.".into(),
            Self::NoCase { .. } => "Give the load a golden set with at least one case.".into(),
            Self::NoLength { .. } => "Add `--duration`.".into(),
            Self::NoSlo => "Add `slo = { response_time.p95 = \"500ms\" }` to the stage.".into(),
            Self::NoEntry => "Name a stage or a pipeline, or set `entry` of `[deployment]`.".into(),
            Self::NoName { .. } => "Name a stage or a pipeline of the manifest.".into(),
            Self::NoLoad => {
                "Give `--rate` or `--concurrency`, or add a `[load.NAME]` to the manifest.".into()
            }
            Self::NoGate { .. } => NO_GATE.into(),
            Self::EmptyGate { .. } => {
                "Add `loads = [\"NAME\"]` or `evals = [\"NAME\"]` to [gate].".into()
            }
        }
    }
}

const NO_GATE: &str =
    "Name what the gate runs: [gate] with `loads` and `evals`, and a [[gate.rule]] or two.";

/// Returns what may have been meant, or else what there is.
fn near(name: &str, known: &[String]) -> String {
    match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if known.is_empty() => "There is none.".to_owned(),
        None => format!("There is: {}.", known.join(", ")),
    }
}

impl Classify for PlanError {
    fn kind(&self) -> Kind {
        match self {
            Self::Request { .. } | Self::NoGate { .. } | Self::EmptyGate { .. } => Kind::Manifest,
            Self::Resolve { .. } | Self::Header { .. } | Self::Step { .. } | Self::Tls { .. } => {
                Kind::Environment
            }
            _ => Kind::Usage,
        }
    }
}
