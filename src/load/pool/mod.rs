//! Connections: opened, kept, and chosen.

pub(crate) mod connection;
pub(crate) mod resolver;
pub(crate) mod socket;
