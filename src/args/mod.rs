//! Layer 7: flags that several commands share.

mod global;

pub(crate) use global::{Global, Out};
