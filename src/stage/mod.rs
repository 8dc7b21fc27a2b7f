//! Layer 4: a stage as it is called, and why a call failed.

mod failure;

pub(crate) use failure::{CallFailure, origin, retry_after};
