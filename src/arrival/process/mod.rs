//! The arrival processes, a file each.

pub(super) mod closed;
mod constant;
mod gamma;
pub(super) mod kind;
mod on_off;
mod poisson;
pub(super) mod ramp;
mod recorded;
pub(super) mod sine;
mod spike;
pub(super) mod steps;
#[cfg(test)]
mod testing;
mod trace;

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use self::kind::{ArrivalProcess, Kind};
use crate::registry::Registry;

/// Every process of an open loop, by the word of `process`.
pub(crate) static PROCESSES: Registry<dyn ArrivalProcess> = Registry::new(
    "arrival process",
    &[
        &Kind::<constant::Constant>::NEW,
        &Kind::<poisson::Poisson>::NEW,
        &Kind::<gamma::Gamma>::NEW,
        &Kind::<ramp::Ramp>::NEW,
        &Kind::<steps::Steps>::NEW,
        &Kind::<spike::Spike>::NEW,
        &Kind::<sine::Sine>::NEW,
        &Kind::<on_off::OnOff>::NEW,
        &Kind::<trace::Trace>::NEW,
    ],
);

/// The closed loop, which has no `process`.
pub(crate) static CLOSED: &dyn ArrivalProcess = &Kind::<closed::Closed>::NEW;

/// Returns the schema of `arrivals`: a table with the keys of every process.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Value {
    let mut properties = Map::new();
    properties.insert("process".to_owned(), json!({"type": "string"}));
    for process in PROCESSES.iter().chain([CLOSED]) {
        let own = process.schema(generator).to_value();
        for (key, schema) in own["properties"].as_object().into_iter().flatten() {
            properties.entry(key).or_insert_with(|| schema.clone());
        }
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_the_same_for_every_process() {
        let mut generator = crate::schema::generator();
        let merged = schema(&mut generator);
        for process in PROCESSES.iter().chain([CLOSED]) {
            let own = process.schema(&mut generator).to_value();
            for (key, schema) in own["properties"].as_object().unwrap() {
                // One needs it, and another may have it: the same but for null.
                let type_of = |it: &Value| it["type"].to_string().replace(",\"null\"", "");
                let merged = type_of(&merged["properties"][key]).replace(['[', ']'], "");
                assert_eq!(merged, type_of(schema).replace(['[', ']'], ""), "{key}");
            }
        }
    }
}
