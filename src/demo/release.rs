//! The two releases of the demo deployment, and what is different in the second.

use std::fmt::{self, Display};
use std::str::FromStr;

/// A release of the demo deployment.
///
/// Two things are worse in `V2`, and a few short English questions show neither: the reranker takes
/// another pass for long questions (see `latency`), and the prompt quotes passages as they were
/// indexed, which mangles German (see `prompt` and `text::normalise_german`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Release {
    /// Healthy.
    #[default]
    V1,
    /// With two hidden regressions.
    V2,
}

impl Release {
    /// Returns the release's name, also the git tag that the demo sets.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no release of the demo has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no release `{0}`; the demo has `v1` and `v2`")]
pub(crate) struct UnknownRelease(String);

impl FromStr for Release {
    type Err = UnknownRelease;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            other => Err(UnknownRelease(other.to_owned())),
        }
    }
}
