//! `precision`: how many of the first `k` documents are relevant.
//!
//! precision@k = |relevant ∩ top k| / k, as in `trec_eval`: a ranking shorter than `k` has not filled its places. Without
//! `k`, the ranking's own length stands for it.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::ranking::Ranking;
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::measure::Share;
use crate::name::Name;
use crate::registry::Entry;
use crate::template::ValueTemplate;

pub(super) struct Precision;

impl Entry for Precision {
    fn name(&self) -> &'static str {
        "precision"
    }

    fn summary(&self) -> &'static str {
        "The share of the ranking's top `k` that is relevant (`expected.ids`)"
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    /// Takes the place of `expected.ids`.
    value: Option<ValueTemplate>,
    k: Option<u32>,
    /// What a case must reach to pass; 1 without it.
    min: Option<Share>,
}

impl Assertion for Precision {
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
        let ranking = match Ranking::read(self.value.as_ref(), subject.scope, subject.reply) {
            Ok(ranking) => ranking,
            Err(unscored) => return unscored,
        };
        let top = ranking.top(self.k);
        let found = top
            .iter()
            .filter(|id| ranking.relevant.contains(*id))
            .count();
        let places = self.k.map_or(top.len(), |k| k as usize);
        let precision = if places == 0 {
            0.0
        } else {
            found as f64 / places as f64
        };
        Scored::graded(precision, self.min.map_or(1.0, Share::value), || {
            format!(
                "{found} of {places} places in {} are relevant",
                Ranking::place(self.k)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ranking::vectors;
    use super::super::testing::{on_ids, passed, problems, value, why};

    #[test]
    fn precision_matches_the_reference_rankings() {
        for vector in vectors::all() {
            let ranked: Vec<&str> = vector.ranked.iter().map(String::as_str).collect();
            let toml = format!("k = {}", vector.k);
            let scored = on_ids("precision", &toml, json!({"ids": vector.relevant}), &ranked);
            assert!((value(&scored) - vector.precision).abs() < 1e-9);
        }
    }

    #[test]
    fn a_short_ranking_has_not_filled_its_places() {
        let run = |toml: &str, ids: &[&str]| on_ids("precision", toml, json!({"ids": ["a"]}), ids);
        assert_eq!(
            why(&run("k = 4", &["a"])),
            "1 of 4 places in the top 4 are relevant"
        );
        assert!(passed(&run("k = 4\nmin = 0.25", &["a"])));
        assert!(passed(&run("", &["a"])));
        assert_eq!(value(&run("", &[])), 0.0);
        assert_eq!(problems("precision", "k = 0").len(), 1);
    }
}
