//! What the registry knows of a process: its name, its keys, and how arrivals are made of them.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use toml::de::{Error, ValueDeserializer};

use crate::arrival::arrivals::Arrivals;
use crate::arrival::wrong::Wrong;
use crate::registry::Entry;

/// The keys of a process, but for `process`. What is not an `Option` must be there.
pub(super) trait Keys: DeserializeOwned + JsonSchema {
    /// The word of `process`.
    const NAME: &'static str;
    /// One line without a full stop.
    const SUMMARY: &'static str;
    /// Whether a load need not say how long it is.
    const HAS_LENGTH: bool = false;

    /// Makes the arrivals; `length` is the load's duration, where it has one.
    fn arrivals(self, length: Option<Duration>) -> Result<Arc<dyn Arrivals>, Wrong>;
}

/// A way to say when requests are sent.
pub(crate) trait ArrivalProcess: Entry {
    /// Returns the schema of its keys, in their order.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// Returns whether a load need not say how long it is.
    fn has_length(&self) -> bool;

    /// Reads its keys and makes the arrivals; `length` is the load's duration, where it has one.
    /// The outer error is a value of the wrong type.
    fn read(
        &self,
        keys: ValueDeserializer<'static>,
        length: Option<Duration>,
    ) -> Result<Result<Arc<dyn Arrivals>, Wrong>, Error>;
}

/// A process by its keys.
pub(super) struct Kind<K>(PhantomData<fn() -> K>);

impl<K> Kind<K> {
    pub(super) const NEW: Self = Self(PhantomData);
}

impl<K: Keys> Entry for Kind<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn summary(&self) -> &'static str {
        K::SUMMARY
    }
}

impl<K: Keys> ArrivalProcess for Kind<K> {
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        K::json_schema(generator)
    }

    fn has_length(&self) -> bool {
        K::HAS_LENGTH
    }

    fn read(
        &self,
        keys: ValueDeserializer<'static>,
        length: Option<Duration>,
    ) -> Result<Result<Arc<dyn Arrivals>, Wrong>, Error> {
        Ok(K::deserialize(keys)?.arrivals(length))
    }
}
