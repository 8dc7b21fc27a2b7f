//! What the ranking metrics share: the ranked ids of the answer against the relevant ids of the case.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use super::Scored;
use crate::protocol::Reply;
use crate::template::{Scope, ValueTemplate};

/// A ranking and what it should hold.
#[derive(Debug, PartialEq)]
pub(super) struct Ranking {
    /// Best first, each id once: a second hit on the same document says nothing new and takes no rank.
    pub(super) ranked: Vec<String>,
    /// At least one.
    pub(super) relevant: BTreeSet<String>,
    /// How relevant each is; above zero.
    grades: BTreeMap<String, f64>,
}

impl Ranking {
    /// Reads the ranking of an answer; `value` takes the place of `expected.ids`.
    pub(super) fn read(
        value: Option<&ValueTemplate>,
        scope: &Scope,
        reply: &Reply,
    ) -> Result<Self, Scored> {
        let Some(ids) = reply.ids() else {
            return Err(Scored::Unscored("the stage has no `output.ids`".to_owned()));
        };
        let wanted = match value {
            Some(value) => value
                .value(scope)
                .map_err(|error| Scored::Unscored(error.to_string()))?,
            None => scope.expected.get("ids").cloned().unwrap_or(Value::Null),
        };
        let grades = grades(&wanted);
        if grades.is_empty() {
            let what = if value.is_some() {
                "`value`"
            } else {
                "`expected.ids`"
            };
            return Err(Scored::Unscored(format!(
                "the case names no relevant ids in {what}"
            )));
        }
        let mut seen = HashSet::new();
        let ranked = ids.into_iter().filter(|id| seen.insert(id.clone()));
        Ok(Self {
            ranked: ranked.collect(),
            relevant: grades.keys().cloned().collect(),
            grades,
        })
    }

    /// Returns how relevant a document is; 0 when it is not.
    pub(super) fn grade(&self, id: &str) -> f64 {
        self.grades.get(id).copied().unwrap_or(0.0)
    }

    /// Returns the ranking cut after `k`.
    pub(super) fn top(&self, k: Option<u32>) -> &[String] {
        let k = k.map_or(self.ranked.len(), |k| k as usize);
        &self.ranked[..k.min(self.ranked.len())]
    }

    /// Returns `top 5` or `the ranking`, for reasons.
    pub(super) fn place(k: Option<u32>) -> String {
        k.map_or_else(|| "the ranking".to_owned(), |k| format!("the top {k}"))
    }
}

/// Reads `["a", "b"]`, each with grade 1, or `{"a": 3, "b": 0}`: a grade of zero or less is not relevant.
fn grades(value: &Value) -> BTreeMap<String, f64> {
    match value {
        Value::Null => BTreeMap::new(),
        Value::Array(ids) => ids.iter().flat_map(grades).collect(),
        Value::Object(graded) => graded
            .iter()
            .filter_map(|(id, grade)| Some((id.clone(), grade.as_f64().filter(|it| *it > 0.0)?)))
            .collect(),
        Value::String(id) => BTreeMap::from([(id.clone(), 1.0)]),
        other => BTreeMap::from([(other.to_string(), 1.0)]),
    }
}

#[cfg(test)]
pub(super) mod vectors {
    //! Reference values from outside.

    use serde_json::Value;

    /// One reference ranking.
    pub(in super::super) struct Vector {
        pub(in super::super) ranked: Vec<String>,
        pub(in super::super) relevant: Vec<String>,
        pub(in super::super) k: u64,
        pub(in super::super) recall: f64,
        pub(in super::super) mrr: f64,
        pub(in super::super) precision: f64,
        pub(in super::super) ndcg_linear: f64,
        pub(in super::super) ndcg_exp: f64,
        pub(in super::super) relevance: Value,
    }

    /// Returns every reference ranking.
    pub(in super::super) fn all() -> Vec<Vector> {
        let text = include_str!("../../../tests/fixtures/vectors/metrics.json");
        let file: Value = serde_json::from_str(text).unwrap();
        let vectors = file["vectors"].as_array().unwrap().iter().map(|vector| {
            let inputs = &vector["inputs"];
            let ranked = inputs["ranked"].as_array().unwrap().iter();
            let relevance = inputs["relevance"].as_object().unwrap().iter();
            Vector {
                ranked: ranked.map(|id| id.as_str().unwrap().to_owned()).collect(),
                relevant: relevance
                    .filter(|(_, grade)| grade.as_f64().unwrap() > 0.0)
                    .map(|(id, _)| id.clone())
                    .collect(),
                k: inputs["k"].as_u64().unwrap(),
                recall: vector["expected"]["recall"].as_f64().unwrap(),
                mrr: vector["expected"]["mrr"].as_f64().unwrap(),
                precision: vector["expected"]["precision"].as_f64().unwrap(),
                ndcg_linear: vector["expected"]["ndcg_linear"].as_f64().unwrap(),
                ndcg_exp: vector["expected"]["ndcg_exp"].as_f64().unwrap(),
                relevance: inputs["relevance"].clone(),
            }
        });
        vectors.collect()
    }
}
