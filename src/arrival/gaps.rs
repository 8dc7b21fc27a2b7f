//! How the gaps between arrivals vary around the mean that a curve gives.

use super::wrong::Wrong;
use crate::registry::suggest;

/// How the gaps between arrivals vary around the mean that the curve gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Gaps {
    /// All alike.
    Even,
    /// Exponential: a Poisson process.
    Exponential,
    /// Gamma with this coefficient of variation: below 1 evener than Poisson, above 1 burstier.
    Gamma { cv: f64 },
}

/// Words for `gaps`; `gamma` needs `cv`.
const WORDS: [&str; 3] = ["constant", "poisson", "gamma"];

impl Gaps {
    /// Reads the keys `gaps` and `cv`, which every process has whose rate is not flat.
    pub(super) fn read(written: Option<&str>, cv: Option<f64>) -> Result<Self, Wrong> {
        match (written, cv) {
            (None, None) | (Some("constant"), _) => Ok(Self::Even),
            (None, Some(_)) => {
                let help = "Add `gaps = \"gamma\"`.".to_owned();
                Err(Wrong::key("cv", "belongs to gamma gaps").help(Some(help)))
            }
            (Some("poisson"), _) => Ok(Self::Exponential),
            (Some("gamma"), Some(cv)) => Self::gamma(cv),
            (Some("gamma"), None) => Err(Wrong::whole("has gamma gaps and no `cv`")),
            (Some(other), _) => {
                let wrong = Wrong::key("gaps", format!("cannot be `{other}`"));
                Err(wrong.help(suggest(other, &WORDS)))
            }
        }
    }

    /// Checks a coefficient of variation.
    pub(super) fn gamma(cv: f64) -> Result<Self, Wrong> {
        if cv.is_finite() && (0.01..=100.0).contains(&cv) {
            return Ok(Self::Gamma { cv });
        }
        let help = "1 is Poisson, less is evener, more is burstier.".to_owned();
        Err(Wrong::key("cv", "must be between 0.01 and 100").help(Some(help)))
    }

    /// Returns the word of the manifest.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Even => "constant",
            Self::Exponential => "poisson",
            Self::Gamma { .. } => "gamma",
        }
    }

    /// Returns the coefficient of variation, of gamma gaps.
    pub(super) const fn cv(self) -> Option<f64> {
        match self {
            Self::Even | Self::Exponential => None,
            Self::Gamma { cv } => Some(cv),
        }
    }
}
