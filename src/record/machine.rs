//! The machine that a run was measured from: latencies of two machines are not held against each
//! other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What latencies depend on besides the deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Machine {
    /// The processor's model, as the operating system calls it; `None` where it does not say.
    #[serde(default)]
    pub(crate) cpu: Option<String>,
    /// Cores that the run might use.
    pub(crate) cores: u64,
    /// Rounded to GiB; `None` where the operating system does not say.
    #[serde(default)]
    pub(crate) memory_gib: Option<u64>,
    /// Operating system and architecture.
    pub(crate) os: String,
}
