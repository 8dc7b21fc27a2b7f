//! `recall`: how many of the relevant documents are among the first `k`.
//!
//! recall@k = |relevant ∩ top k| / |relevant|, binary relevance, as in `trec_eval`.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::ranking::Ranking;
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::measure::Share;
use crate::name::Name;
use crate::registry::Entry;
use crate::template::ValueTemplate;

pub(super) struct Recall;

impl Entry for Recall {
    fn name(&self) -> &'static str {
        "recall"
    }

    fn summary(&self) -> &'static str {
        "The share of the relevant ids (`expected.ids`) in the ranking's top `k`"
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    /// Takes the place of `expected.ids`.
    value: Option<ValueTemplate>,
    /// The whole ranking without it.
    k: Option<u32>,
    /// What a case must reach to pass; 1 without it.
    min: Option<Share>,
}

impl Assertion for Recall {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        if spec.k == Some(0) {
            let message = format!("{}: `k` must be at least 1", table.what());
            problems.at(table.span_of("k"), message, None);
            return None;
        }
        Some(Parsed {
            name: spec.name.clone(),
            check: Box::new(spec),
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

impl Check for Spec {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let Subject { scope, reply, .. } = subject;
        let ranking = match Ranking::read(self.value.as_ref(), scope, reply) {
            Ok(ranking) => ranking,
            Err(unscored) => return unscored,
        };
        let top = ranking.top(self.k);
        let is_there = |id: &&String| top.contains(*id);
        let found = ranking.relevant.iter().filter(is_there).count();
        let recall = found as f64 / ranking.relevant.len() as f64;
        Scored::graded(recall, self.min.map_or(1.0, Share::value), || {
            let missing = ranking.relevant.iter().filter(|id| !is_there(id));
            let missing: Vec<&str> = missing.map(String::as_str).collect();
            let place = Ranking::place(self.k);
            format!(
                "{found} of {} relevant ids in {place}, missing `{}`",
                ranking.relevant.len(),
                missing.join("`, `")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ranking::vectors;
    use super::super::testing::{on_ids, on_text, passed, problems, value, why};
    use super::*;

    #[test]
    fn recall_matches_the_reference_rankings() {
        for vector in vectors::all() {
            let ranked: Vec<&str> = vector.ranked.iter().map(String::as_str).collect();
            let toml = format!("k = {}", vector.k);
            let scored = on_ids("recall", &toml, json!({"ids": vector.relevant}), &ranked);
            assert!((value(&scored) - vector.recall).abs() < 1e-9);
        }
    }

    #[test]
    fn an_id_counts_once_and_takes_one_rank() {
        let run =
            |toml: &str, ids: &[&str]| on_ids("recall", toml, json!({"ids": ["a", "b", "b"]}), ids);
        let twice = run("k = 2", &["a", "a", "b"]);
        assert!((value(&twice) - 1.0).abs() < 1e-12);
        let cut = run("k = 1", &["a", "b"]);
        assert!((value(&cut) - 0.5).abs() < 1e-12);
        assert_eq!(why(&cut), "1 of 2 relevant ids in the top 1, missing `b`");
        assert!(passed(&run("k = 1\nmin = 0.5", &["a", "b"])));
        assert!(passed(&run("k = 1\nmin = '50%'", &["a", "b"])));
        assert_eq!(value(&run("", &[])), 0.0);
    }

    #[test]
    fn ids_are_compared_as_text_and_may_stand_elsewhere() {
        let numbers = on_ids("recall", "", json!({"ids": [1, 2]}), &["1", "2"]);
        assert!(passed(&numbers));
        let elsewhere = "value = '{{ expected.sources }}'";
        assert!(passed(&on_ids(
            "recall",
            elsewhere,
            json!({"sources": "d1"}),
            &["d1"]
        )));
    }

    #[test]
    fn without_relevant_ids_or_without_ids_it_is_unscored() {
        for expected in [json!({"ids": []}), json!({}), json!("x"), json!(null)] {
            let scored = on_ids("recall", "", expected, &["a"]);
            assert_eq!(
                why(&scored),
                "the case names no relevant ids in `expected.ids`"
            );
            assert!(matches!(scored, Scored::Unscored(_)));
        }
        let scored = on_text("recall", "", json!({"ids": ["a"]}), "a");
        assert_eq!(
            scored,
            Scored::Unscored("the stage has no `output.ids`".to_owned())
        );
    }

    #[test]
    fn a_wrong_k_is_a_problem_of_the_manifest() {
        for toml in ["k = 0", "k = -1", "k = 'five'", "min = 2"] {
            assert_eq!(problems("recall", toml).len(), 1, "{toml}");
        }
    }
}
