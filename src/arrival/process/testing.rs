//! Processes read from the text of their keys.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::de::ValueDeserializer;

use super::PROCESSES;
use crate::arrival::arrivals::Arrivals;
use crate::arrival::curve::Curve;
use crate::arrival::gaps::Gaps;
use crate::arrival::timing::Timing;

/// Returns the arrivals of a load of a minute, for instance of `{ rate = "20/s" }`.
pub(super) fn read(process: &str, keys: &'static str) -> Arc<dyn Arrivals> {
    let process = PROCESSES.get(process).unwrap();
    let keys = ValueDeserializer::parse(keys).unwrap();
    let length = Some(Duration::from_mins(1));
    process.read(keys, length).unwrap().unwrap()
}

/// Returns the gaps and the curve of an open loop, as they are debugged.
pub(super) fn drawn(process: &str, keys: &'static str) -> String {
    match read(process, keys).timing(Path::new("")).unwrap() {
        Timing::Drawn { gaps, curve } => format!("{gaps:?} {curve:?}"),
        other => panic!("{other:?}"),
    }
}

/// What [`drawn`] should be.
pub(super) fn expected(gaps: Gaps, curve: &dyn Curve) -> String {
    format!("{gaps:?} {curve:?}")
}
