//! The JSON Schema of `stagegate.toml`: for completion and checking in editors. `check` knows more,
//! for instance whether what is named exists.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::table::accept::RawAccept;
use super::table::deployment::RawDeployment;
use super::table::eval::RawEval;
use super::table::fault::RawFault;
use super::table::gate::RawGate;
use super::table::load::RawLoad;
use super::table::pipeline::RawPipeline;
use super::table::release::RawVersionSource;
use super::table::rule::RawRule;
use super::table::stage::RawStage;
use super::table::timeout::RawTimeouts;
use crate::measure::Time;
use crate::metric::{LatencyMetric, ShareMetric, Stat};
use crate::schema::KindSchema;

/// Puts the schema together; stage kinds and assertions bring their own keys.
pub(crate) fn schema(
    generator: &mut SchemaGenerator,
    kinds: Vec<KindSchema>,
    assertions: Vec<KindSchema>,
) -> Value {
    let stages = one_of(&shared_of_stages(generator), kinds);
    let asserts = one_of(&Map::new(), assertions);
    let mut eval = with_required(
        value(RawEval::json_schema(generator)),
        &["stage", "golden", "assert"],
    );
    eval["properties"]["assert"] = json!({"type": "array", "minItems": 1, "items": asserts});
    let mut fault = with_required(
        value(RawFault::json_schema(generator)),
        &["stage", "load", "inject"],
    );
    fault["properties"]["inject"] = kind_table();
    fault["properties"]["expect"] =
        json!({"type": "object", "additionalProperties": {"type": "string"}});
    let mut gate = value(RawGate::json_schema(generator));
    let rule = with_required(value(RawRule::json_schema(generator)), &["metric"]);
    gate["properties"]["rule"] = json!({"type": "array", "items": rule});
    let mut load = with_required(
        value(RawLoad::json_schema(generator)),
        &["target", "arrivals"],
    );
    if let Some(properties) = load["properties"].as_object_mut() {
        let arrivals = crate::arrival::schema(generator);
        properties.shift_insert(1, "arrivals".to_owned(), arrivals);
    }
    let pipeline = with_required(value(RawPipeline::json_schema(generator)), &["steps"]);
    let accept = value(RawAccept::json_schema(generator));
    let accept = with_required(accept, &["metric", "up_to", "until", "reason"]);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "stagegate.toml",
        "description": "an AI deployment: its stages, and how they are measured, evaluated, and gated",
        "type": "object",
        "additionalProperties": false,
        "definitions": definitions(generator),
        "required": ["version", "stage"],
        "properties": {
            "version": {"const": 1},
            "deployment": value(RawDeployment::json_schema(generator)),
            "env": named(&json!({
                "type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]},
            })),
            "release": named(&value(RawVersionSource::json_schema(generator))),
            "stage": named(&stages),
            "pipeline": named(&pipeline),
            "load": named(&load),
            "eval": named(&eval),
            "fault": named(&fault),
            "gate": gate,
            "accept": {"type": "array", "items": accept},
        },
    })
}

fn value(schema: Schema) -> Value {
    schema.to_value()
}

/// A table of tables under names.
fn named(table: &Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "patternProperties": {"^[A-Za-z0-9_-]+$": table}})
}

fn with_required(mut table: Value, keys: &[&str]) -> Value {
    table["required"] = json!(keys);
    table
}

/// A table whose keys belong to a kind that is not described yet.
fn kind_table() -> Value {
    json!({"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}}})
}

/// The keys of a stage that every kind has.
fn shared_of_stages(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut shared = properties(&value(RawStage::json_schema(generator)));
    for key in ["timeout", "slo"] {
        shared.insert(
            key.to_owned(),
            json!({"$ref": format!("#/definitions/{key}")}),
        );
    }
    shared
}

/// What several tables hold.
fn definitions(generator: &mut SchemaGenerator) -> Value {
    let stat = |stat: Stat| {
        (
            stat.key().to_owned(),
            json!({"$ref": "#/definitions/duration"}),
        )
    };
    let latency = |metric: LatencyMetric| {
        let row = metric.row();
        (
            row.key.to_owned(),
            json!({"$ref": "#/definitions/latency", "description": row.meaning}),
        )
    };
    let share = value(crate::measure::Share::json_schema(generator));
    let mut slo = Map::from_iter(LatencyMetric::ALL.map(latency));
    for metric in ShareMetric::ALL {
        let row = metric.row();
        let mut share = share.clone();
        share["description"] = row.meaning.into();
        slo.insert(row.key.to_owned(), share);
    }
    let timeouts = value(RawTimeouts::json_schema(generator));
    json!({
        "duration": value(Time::json_schema(generator)),
        "timeout": {"anyOf": [{"$ref": "#/definitions/duration"}, timeouts]},
        "latency": {
            "type": "object", "additionalProperties": false, "properties": Map::from_iter(Stat::ALL.map(stat)),
        },
        "slo": {"type": "object", "additionalProperties": false, "properties": slo},
    })
}

fn properties(table: &Value) -> Map<String, Value> {
    table["properties"].as_object().cloned().unwrap_or_default()
}

/// A table that is of one of these kinds: their own keys, and those that all have.
fn one_of(shared: &Map<String, Value>, kinds: Vec<KindSchema>) -> Value {
    let variant = |kind: KindSchema| {
        let own = value(kind.schema);
        let mut all = Map::new();
        all.insert("kind".to_owned(), json!({"const": kind.name}));
        all.extend(properties(&own));
        all.extend(shared.clone());
        let mut required = vec![json!("kind")];
        required.extend(own["required"].as_array().cloned().unwrap_or_default());
        json!({
            "type": "object", "description": kind.summary, "additionalProperties": false,
            "required": required, "properties": all,
        })
    };
    let variants: Vec<Value> = kinds.into_iter().map(variant).collect();
    json!({"oneOf": variants})
}
