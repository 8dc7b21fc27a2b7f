//! Layer 6: the reference server. What it sends, it sends at times that are known exactly, and says
//! in the answer when it sent it, so that whoever measures it can be held against the truth.

mod connection;
mod floor;
mod server;
mod statistics;

pub(crate) use floor::Floor;
pub(crate) use server::{Reference, Script};
