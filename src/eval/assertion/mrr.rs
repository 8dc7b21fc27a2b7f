//! `mrr`: how far up the first relevant document stands.
//!
//! Reciprocal rank, whose mean over cases is the MRR; 0 when nothing relevant was found, as in
//! `trec_eval`.

use super::ranking::{Keys, RankingMetric};
use super::{Scored, Subject};
use crate::registry::Entry;

pub(super) struct Mrr;

impl Entry for Mrr {
    fn name(&self) -> &'static str {
        "mrr"
    }

    fn summary(&self) -> &'static str {
        "One over the rank of the first relevant id (`expected.ids`), 0 beyond rank `k`"
    }
}

impl RankingMetric for Mrr {
    const SCORE: fn(&Keys, &Subject<'_>) -> Scored = score;
}

fn score(keys: &Keys, subject: &Subject<'_>) -> Scored {
    let ranking = match keys.ranking_with_relevant(subject) {
        Ok(ranking) => ranking,
        Err(otherwise) => return otherwise,
    };
    let rank = ranking.top.iter().position(|id| ranking.is_relevant(id));
    let reciprocal = rank.map_or(0.0, |rank| 1.0 / (rank + 1) as f64);
    keys.graded(reciprocal, || match rank {
        Some(rank) => format!("the first relevant id has rank {}", rank + 1),
        None => format!("no relevant id in {}", keys.place()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ranking::vectors;
    use super::super::testing::{on_ids, passed, problems, value, why};

    #[test]
    fn the_reciprocal_rank_matches_the_reference_rankings() {
        for vector in vectors::all() {
            let ranked: Vec<&str> = vector.ranked.iter().map(String::as_str).collect();
            let scored = on_ids("mrr", "", json!({"ids": vector.relevant}), &ranked);
            assert!((value(&scored) - vector.mrr).abs() < 1e-9);
        }
    }

    #[test]
    fn beyond_k_nothing_counts_and_duplicates_take_no_rank() {
        let run = |toml: &str, ids: &[&str]| on_ids("mrr", toml, json!({"ids": ["d"]}), ids);
        assert_eq!(value(&run("k = 2", &["a", "b", "d"])), 0.0);
        assert_eq!(
            why(&run("k = 2", &["a", "b", "d"])),
            "no relevant id in the top 2"
        );
        let second = run("", &["a", "a", "d"]);
        assert!((value(&second) - 0.5).abs() < 1e-12);
        assert_eq!(why(&second), "the first relevant id has rank 2");
        assert!(passed(&run("min = 0.5", &["a", "d"])));
        assert_eq!(why(&run("", &[])), "no relevant id in the ranking");
        assert_eq!(problems("mrr", "k = 0").len(), 1);
    }
}
