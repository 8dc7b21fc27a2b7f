//! What can be wrong with an invocation that the manifest alone does not show.

use miette::Diagnostic;

use crate::error::{Classify, Kind};
use crate::golden::NO_CASE;
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
    /// Two flags, or a flag and the manifest, that exclude each other.
    #[error("{message}")]
    Conflict { message: String, help: String },
}

impl Diagnostic for PlanError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let text = match self {
            Self::Unknown { name, known, .. } => {
                match did_you_mean(name, known.iter().map(String::as_str)) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None if known.is_empty() => "There is none.".to_owned(),
                    None => format!("There is: {}.", known.join(", ")),
                }
            }
            Self::Nothing { family, .. } => format!("Add a table [{family}.NAME] to the manifest."),
            Self::Resolve { .. } => "Check the address in the manifest's environment.".to_owned(),
            Self::Request { case, .. } if case == NO_CASE => {
                "Give the load `data`: a golden set whose inputs are sent.".to_owned()
            }
            Self::Request { .. } => {
                "Check the templates of the stage against the case's `input`.".to_owned()
            }
            Self::Step { step, .. } => {
                format!("Try it alone with `stagegate check --probe`, and see `{step}` there.")
            }
            Self::Tls { .. } => "Check the scheme and host of the stage's `url`.".to_owned(),
            Self::Conflict { help, .. } => help.clone(),
        };
        Some(Box::new(text))
    }
}

impl Classify for PlanError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown { .. } | Self::Nothing { .. } | Self::Conflict { .. } => Kind::Usage,
            Self::Request { .. } => Kind::Manifest,
            Self::Resolve { .. } | Self::Step { .. } | Self::Tls { .. } => Kind::Environment,
        }
    }
}
