//! `precision`: how many of the first `k` documents are relevant.
//!
//! precision@k = |relevant ∩ top k| / k, as in `trec_eval`: a ranking shorter than `k` has not
//! filled its places. Without `k`, the ranking's own length stands for it.

use super::ranking::{Keys, Ranked, RankingMetric, nothing_wanted};
use super::{Scored, Subject};
use crate::registry::Entry;

pub(super) struct Precision;

impl Entry for Precision {
    fn name(&self) -> &'static str {
        "precision"
    }

    fn summary(&self) -> &'static str {
        "The share of the ranking's top `k` that is relevant (`expected.ids`)"
    }
}

impl RankingMetric for Precision {
    const SCORE: fn(&Keys, &Subject<'_>) -> Scored = score;
}

fn score(keys: &Keys, subject: &Subject<'_>) -> Scored {
    let ranking = match keys.ranking(subject) {
        Ok(Ranked::Ranking(ranking)) => ranking,
        Ok(Ranked::NothingWanted { found }) => {
            return Scored::binary(found == 0, || nothing_wanted(found));
        }
        Err(unscored) => return unscored,
    };
    let top = &ranking.top;
    let found = top.iter().filter(|id| ranking.is_relevant(id)).count();
    let places = keys.k.map_or(top.len(), |k| k as usize);
    let precision = found as f64 / places.max(1) as f64;
    keys.graded(precision, || {
        format!(
            "{found} of {places} places in {} are relevant",
            keys.place()
        )
    })
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

    /// field 26
    #[test]
    fn where_nothing_should_be_found_anything_is_wrong() {
        for (toml, expected) in [
            ("", json!({"ids": [], "none": true})),
            ("k = 3", json!({"none": true})),
            ("none = true", json!({"ids": []})),
            (
                "value = '{{ expected.docs }}'\nnone = true",
                json!({"docs": []}),
            ),
        ] {
            let run = |ids: &[&str]| on_ids("precision", toml, expected.clone(), ids);
            assert!(passed(&run(&[])), "{toml}");
            assert_eq!(value(&run(&["a"])), 0.0);
            assert_eq!(why(&run(&["a"])), "1 ids where nothing should be found");
        }
    }
}
