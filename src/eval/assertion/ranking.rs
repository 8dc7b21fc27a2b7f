//! What the ranking metrics share: their keys, and the ranked ids of the answer against the
//! relevant ids of the case.

use std::collections::{BTreeSet, HashSet};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::golden::{Grades, grades};
use crate::manifest::{KindTable, Problems};
use crate::measure::Share;
use crate::name::Name;
use crate::protocol::Reply;
use crate::registry::Entry;
use crate::template::ValueTemplate;

/// The keys of a ranking metric.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) name: Option<Name>,
    /// Takes the place of `expected.ids`.
    pub(super) value: Option<ValueTemplate>,
    /// The whole ranking without it.
    pub(super) k: Option<u32>,
    /// An empty list of ids means that nothing should be found.
    #[serde(default)]
    pub(super) none: bool,
    /// What a case must reach to pass; 1 without it.
    pub(super) min: Option<Share>,
}

impl Keys {
    /// Parses the keys of a metric that has no others.
    pub(super) fn parse(table: &KindTable, problems: &mut Problems) -> Option<Self> {
        let keys: Self = table.parse(problems)?;
        keys.checked(table, problems)
    }

    /// Returns the keys if they can be used.
    pub(super) fn checked(self, table: &KindTable, problems: &mut Problems) -> Option<Self> {
        if self.k == Some(0) {
            let message = format!("{}: `k` must be at least 1", table.what());
            problems.at(table.span_of("k"), message, None);
            return None;
        }
        Some(self)
    }

    /// Returns the score, and whether it is enough.
    pub(super) fn graded(&self, score: f64, why: impl FnOnce() -> String) -> Scored {
        Scored::graded(score, self.min.map_or(1.0, Share::value), why)
    }

    /// Returns `top 5` or `the ranking`, for reasons.
    pub(super) fn place(&self) -> String {
        self.k
            .map_or_else(|| "the ranking".to_owned(), |k| format!("the top {k}"))
    }

    /// Reads the ranking of an answer, cut after `k`.
    pub(super) fn ranking(&self, subject: &Subject<'_>) -> Result<Ranked, Scored> {
        let Some(ids) = subject.reply.ids() else {
            return Err(Scored::Unscored("the stage has no `output.ids`".to_owned()));
        };
        let expected = &subject.scope.expected;
        let (what, wanted) = match &self.value {
            Some(value) => (
                "`value`",
                value
                    .value(subject.scope)
                    .map_err(|error| Scored::Unscored(error.to_string()))?,
            ),
            None => (
                "`expected.ids`",
                expected.get("ids").cloned().unwrap_or(Value::Null),
            ),
        };
        let mut relevant =
            grades(&wanted).map_err(|reason| Scored::Unscored(format!("{what}: {reason}")))?;
        let is_empty = relevant.is_empty();
        relevant.retain(|_, grade| *grade > 0.0);
        if relevant.is_empty() {
            let none = expected.get("none") == Some(&Value::Bool(true));
            return if none || self.none && is_empty && !wanted.is_null() {
                Ok(Ranked::NothingWanted { found: ids.len() })
            } else {
                let reason = format!("the case names no relevant ids in {what}");
                Err(Scored::Unscored(reason))
            };
        }
        if are_positions(subject.reply, &relevant) {
            return Err(Scored::Unscored(format!(
                "the ids are positions ({}), and the case's are not: write `output.order` in place of `output.ids`",
                ids.join(", ")
            )));
        }
        let mut seen = HashSet::new();
        let ranked = ids.into_iter().filter(|id| seen.insert(id.clone()));
        Ok(Ranked::Ranking(Ranking {
            top: ranked
                .take(self.k.map_or(usize::MAX, |k| k as usize))
                .collect(),
            grades: relevant,
        }))
    }

    /// Reads the ranking of an answer for a metric that only relevant documents give a meaning. A
    /// case for which nothing should be found does not count for it.
    pub(super) fn ranking_with_relevant(&self, subject: &Subject<'_>) -> Result<Ranking, Scored> {
        match self.ranking(subject)? {
            Ranked::Ranking(ranking) => Ok(ranking),
            Ranked::NothingWanted { found } => Err(Scored::NotCounted {
                passed: found == 0,
                why: nothing_wanted(found),
            }),
        }
    }
}

/// A metric that has the keys of every ranking metric and no others: a number of a ranking.
pub(super) trait RankingMetric: Entry {
    const SCORE: fn(&Keys, &Subject<'_>) -> Scored;
}

impl<M: RankingMetric> Assertion for M {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let keys = Keys::parse(table, problems)?;
        Some(Parsed {
            name: keys.name.clone(),
            check: Box::new(Ready {
                keys,
                score: M::SCORE,
            }),
        })
    }

    fn needs(&self) -> Option<&'static str> {
        Some("ids")
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Keys::json_schema(generator)
    }
}

/// A ranking metric with its keys.
#[derive(Debug)]
struct Ready {
    keys: Keys,
    score: fn(&Keys, &Subject<'_>) -> Scored,
}

impl Check for Ready {
    fn reads_ids(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Scored {
        (self.score)(&self.keys, subject)
    }
}

/// Documents that a request may carry, at most: numbers below are taken for positions.
const MOST_DOCUMENTS: u64 = 1000;

/// Returns whether all ids of an answer are small whole numbers, each once, and none of the
/// relevant ones is a number.
fn are_positions(reply: &Reply, relevant: &Grades) -> bool {
    let Some(Value::Array(ids)) = reply.outputs.get("ids") else {
        return false;
    };
    let places = ids.iter().filter_map(Value::as_u64);
    let places: HashSet<u64> = places.filter(|id| *id < MOST_DOCUMENTS).collect();
    let are_places = !ids.is_empty() && places.len() == ids.len();
    are_places && relevant.keys().all(|id| id.parse::<f64>().is_err())
}

/// Says what was wrong where nothing should have been found.
pub(super) fn nothing_wanted(found: usize) -> String {
    format!("{found} ids where nothing should be found")
}

/// A ranking and what it should hold.
pub(super) enum Ranked {
    Ranking(Ranking),
    /// The case says that no document is relevant.
    NothingWanted {
        /// How many ids came.
        found: usize,
    },
}

/// A ranking of which something is relevant.
#[derive(Debug, PartialEq)]
pub(super) struct Ranking {
    /// The best `k`, each id once: a second hit on the same document says nothing new and takes no
    /// rank.
    pub(super) top: Vec<String>,
    /// How relevant each is; at least one, and above zero.
    grades: Grades,
}

impl Ranking {
    /// Returns the ids of the relevant documents.
    pub(super) fn relevant(&self) -> BTreeSet<&str> {
        self.grades.keys().map(String::as_str).collect()
    }

    /// Returns whether a document is relevant.
    pub(super) fn is_relevant(&self, id: &str) -> bool {
        self.grades.contains_key(id)
    }

    /// Returns how relevant a document is; 0 when it is not.
    pub(super) fn grade(&self, id: &str) -> f64 {
        self.grades.get(id).copied().unwrap_or(0.0)
    }

    /// Returns the grades of all relevant documents, best first.
    pub(super) fn ideal(&self) -> Vec<f64> {
        let mut grades: Vec<f64> = self.grades.values().copied().collect();
        grades.sort_by(|a, b| b.total_cmp(a));
        grades
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
