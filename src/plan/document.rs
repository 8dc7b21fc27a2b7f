//! A load's plan as it is stored with the run.

use serde_json::{Value, json};

use super::prompts;
use crate::arrival::Until;
use crate::load::{LoadPlan, Scenario};
use crate::manifest::{Load, Sends};
use crate::measure::show_duration;
use crate::record::Shard;

/// The key of a stored plan that says which part of the load was sent.
pub(crate) const SHARD: &str = "shard";

/// Returns the plan as it is stored with the run: what was sent, when, and for how long.
pub(crate) fn plan_document(load: &Load, plan: &LoadPlan) -> Value {
    let targets: Vec<&str> = plan.scenario_names().collect();
    let mut document = json!({
        "target": targets,
        "arrivals": load.arrivals.document(),
        "warmup": show_duration(load.warmup),
        "seed": load.seed,
        "connections": load.connections.to_string(),
        "max_requests": load.max_requests,
        "max_cost": load.max_cost,
    });
    // Absent without one: documents of before it stay as they are.
    if let Some(most) = load.max_tokens_total {
        document["max_tokens_total"] = json!(most);
    }
    if load.mix.is_empty() {
        describe(&load.sends, plan.scenarios.first(), &mut document);
    } else {
        let mix = load
            .mix
            .iter()
            .zip(&plan.scenarios)
            .map(|(kind, scenario)| {
                let mut document = json!({
                    "weight": kind.weight,
                    "target": kind.target.as_str(),
                });
                describe(&kind.sends, Some(scenario), &mut document);
                (kind.name.to_string(), document)
            });
        document["mix"] = mix.collect();
    }
    let (key, until) = match plan.until {
        Until::Duration(duration) => ("duration", json!(show_duration(duration))),
        Until::Requests(count) => ("requests", json!(count)),
    };
    document[key] = until;
    if plan.shard != Shard::WHOLE {
        document[SHARD] = json!(plan.shard.to_string());
    }
    document
}

/// Adds what is sent to a stored plan.
fn describe(sends: &Sends, scenario: Option<&Scenario>, document: &mut Value) {
    document["data"] = json!(sends.data);
    // Absent without data.
    if let Some(digest) = scenario.and_then(|it| it.cases.digest.as_ref()) {
        document["data_digest"] = json!(digest);
    }
    document["prompts"] = json!(sends.prompts.as_ref().map(prompts::document));
    document["order"] = json!(sends.order.key());
    document["sessions"] = json!(sends.sessions.map(|it| {
        let think_time = show_duration(it.think_time);
        json!({"think_time": think_time})
    }));
}
