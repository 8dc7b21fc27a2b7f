//! `ndcg`: how well the ranking puts the most relevant documents first.
//!
//! `nDCG@k` = `DCG@k` / `IDCG@k` with `DCG@k` = Σ gain(grade of rank i) / log2(i + 1), i from 1 to k; the ideal ranking is that of
//! all relevant documents, found or not (Järvelin and Kekäläinen 2002). Gains are linear, as in `trec_eval`; with
//! `gain = "exponential"` they are 2^grade − 1 (Burges et al. 2005). Without grades every relevant document has grade 1, and
//! the two are the same.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::ranking::Ranking;
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
    #[serde(default)]
    gain: Gain,
    /// What a case must reach to pass; 1 without it.
    min: Option<Share>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Gain {
    #[default]
    Linear,
    Exponential,
}

impl Gain {
    fn of(self, grade: f64) -> f64 {
        match self {
            Self::Linear => grade,
            Self::Exponential => grade.exp2() - 1.0,
        }
    }
}

impl Assertion for Ndcg {
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

fn discounted(gains: impl Iterator<Item = f64>) -> f64 {
    gains
        .enumerate()
        .map(|(at, gain)| gain / ((at + 2) as f64).log2())
        .sum()
}

impl Check for Spec {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let ranking = match Ranking::read(self.value.as_ref(), subject.scope, subject.reply) {
            Ok(ranking) => ranking,
            Err(unscored) => return unscored,
        };
        let top = ranking.top(self.k).iter();
        let found = discounted(top.map(|id| self.gain.of(ranking.grade(id))));
        let mut grades: Vec<f64> = ranking
            .relevant
            .iter()
            .map(|id| ranking.grade(id))
            .collect();
        grades.sort_by(|a, b| b.total_cmp(a));
        grades.truncate(self.k.map_or(usize::MAX, |k| k as usize));
        let ideal = discounted(grades.into_iter().map(|grade| self.gain.of(grade)));
        let ndcg = found / ideal;
        Scored::graded(ndcg, self.min.map_or(1.0, Share::value), || {
            format!(
                "{} reaches {ndcg:.3} of the ideal ranking",
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
}
