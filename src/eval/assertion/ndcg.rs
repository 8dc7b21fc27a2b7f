//! `ndcg`: how well the ranking puts the most relevant documents first.
//!
//! `nDCG@k` = `DCG@k` / `IDCG@k` with `DCG@k` = Σ gain(grade of rank i) / log2(i + 1), i from 1 to
//! k; the ideal ranking is that of all relevant documents, found or not (Järvelin and Kekäläinen
//! 2002). Gains are linear, as in `trec_eval`; with `gain = "exponential"` they are 2^grade − 1
//! (Burges et al. 2005). Without grades every relevant document has grade 1, and the two are the
//! same.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::ranking::Keys;
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::measure::Share;
use crate::name::Name;
use crate::registry::Entry;
use crate::template::ValueTemplate;

pub(super) struct Ndcg;

impl Entry for Ndcg {
    fn name(&self) -> &'static str {
        "ndcg"
    }

    fn summary(&self) -> &'static str {
        "Normalised discounted cumulative gain of the ranking's top `k`; grades in `expected.ids = {id: grade}`"
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
    /// An empty list of ids means that nothing should be found.
    #[serde(default)]
    none: bool,
    #[serde(default)]
    gain: Gain,
    /// What a case must reach to pass; 1 without it.
    min: Option<Share>,
}

#[derive(Debug)]
struct Ready {
    keys: Keys,
    gain: Gain,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Gain {
    #[default]
    Linear,
    Exponential,
}

impl Gain {
    /// Returns the gain of a grade of at most `most`, the highest there is, as a share of `most` or
    /// of 2^`most`: where it came from cancels out, and no grade is too large or too small for it.
    fn of(self, grade: f64, most: f64) -> f64 {
        match self {
            Self::Linear => grade / most,
            // (2^g − 1) / 2^m = (1 − 2^−g) 2^(g − m).
            Self::Exponential => {
                -(-grade * std::f64::consts::LN_2).exp_m1() * (grade - most).exp2()
            }
        }
    }
}

impl Assertion for Ndcg {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        let keys = Keys {
            name: spec.name,
            value: spec.value,
            k: spec.k,
            none: spec.none,
            min: spec.min,
        };
        let keys = keys.checked(table, problems)?;
        Some(Parsed {
            name: keys.name.clone(),
            check: Box::new(Ready {
                keys,
                gain: spec.gain,
            }),
        })
    }

    fn needs(&self) -> Option<&'static str> {
        Some("ids")
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

fn discounted(gains: impl Iterator<Item = f64>) -> f64 {
    gains
        .enumerate()
        .map(|(at, gain)| gain / ((at + 2) as f64).log2())
        .sum()
}

impl Check for Ready {
    fn reads_ids(&self) -> bool {
        true
    }

    fn score(&self, subject: &Subject<'_>) -> Scored {
        let ranking = match self.keys.ranking_with_relevant(subject) {
            Ok(ranking) => ranking,
            Err(otherwise) => return otherwise,
        };
        let ideal = ranking.ideal();
        let most = ideal.first().copied().unwrap_or(1.0);
        let gain = |grade: f64| self.gain.of(grade, most);
        let found = discounted(ranking.top.iter().map(|id| gain(ranking.grade(id))));
        let places = self.keys.k.map_or(usize::MAX, |k| k as usize);
        let ndcg = found / discounted(ideal.into_iter().take(places).map(gain));
        self.keys.graded(ndcg, || {
            format!(
                "{} reaches {ndcg:.3} of the ideal ranking",
                self.keys.place()
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
    fn both_gains_match_the_reference_rankings() {
        for vector in vectors::all() {
            let ranked: Vec<&str> = vector.ranked.iter().map(String::as_str).collect();
            let run = |gain: &str| {
                let toml = format!("k = {}\ngain = '{gain}'", vector.k);
                value(&on_ids(
                    "ndcg",
                    &toml,
                    json!({"ids": vector.relevance}),
                    &ranked,
                ))
            };
            assert!((run("linear") - vector.ndcg_linear).abs() < 1e-9);
            assert!((run("exponential") - vector.ndcg_exp).abs() < 1e-9);
        }
    }

    #[test]
    fn the_best_ranking_is_ideal_and_an_empty_one_is_nothing() {
        let run = |ids: &[&str]| {
            on_ids(
                "ndcg",
                "k = 3",
                json!({"ids": {"a": 2, "b": 1, "c": 0}}),
                ids,
            )
        };
        assert!(passed(&run(&["a", "b"])));
        assert_eq!(value(&run(&[])), 0.0);
        assert_eq!(
            why(&run(&["b", "a"])),
            "the top 3 reaches 0.860 of the ideal ranking"
        );
        assert_eq!(problems("ndcg", "gain = 'log'").len(), 1);
    }

    /// field 11
    #[test]
    fn grades_may_be_written_as_text() {
        let run = |grades: serde_json::Value, ids: &[&str]| {
            value(&on_ids("ndcg", "k = 2", json!({"ids": grades}), ids))
        };
        for grades in [
            json!({"a": 3, "b": "2"}),
            json!({"a": "3", "b": "2"}),
            json!([{"id": "a", "grade": 3}, {"id": "b", "grade": "2"}]),
        ] {
            assert!((run(grades, &["b", "a"]) - 0.913).abs() < 5e-4);
        }
        let one = json!([{"id": "a", "grade": 3}]);
        assert_eq!(run(one.clone(), &["a"]), 1.0);
        assert_eq!(run(one, &["id", "grade"]), 0.0);
    }
}
