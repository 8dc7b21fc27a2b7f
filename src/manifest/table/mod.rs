//! The tables of the manifest, a file each: what may be written, its checks, and what it means.

pub(super) mod accept;
pub(super) mod arrivals;
pub(super) mod connections;
pub(super) mod deployment;
pub(super) mod environment;
pub(super) mod eval;
pub(super) mod fault;
pub(super) mod gate;
pub(super) mod load;
pub(super) mod measuring;
pub(super) mod mix;
pub(super) mod pipeline;
pub(super) mod prompts;
pub(super) mod release;
pub(super) mod rule;
pub(super) mod sends;
pub(super) mod slo;
pub(super) mod stage;
pub(super) mod timeout;
