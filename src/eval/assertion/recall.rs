//! `recall`: how many of the relevant documents are among the first `k`.
//!
//! recall@k = |relevant ∩ top k| / |relevant|, binary relevance, as in `trec_eval`.

use super::ranking::{Keys, RankingMetric};
use super::{Scored, Subject};
use crate::registry::Entry;

pub(super) struct Recall;

impl Entry for Recall {
    fn name(&self) -> &'static str {
        "recall"
    }

    fn summary(&self) -> &'static str {
        "The share of the relevant ids (`expected.ids`) in the ranking's top `k`"
    }
}

impl RankingMetric for Recall {
    const SCORE: fn(&Keys, &Subject<'_>) -> Scored = score;
}

fn score(keys: &Keys, subject: &Subject<'_>) -> Scored {
    let ranking = match keys.ranking_with_relevant(subject) {
        Ok(ranking) => ranking,
        Err(otherwise) => return otherwise,
    };
    let relevant = ranking.relevant();
    let is_there = |id: &&str| ranking.top.iter().any(|found| found == id);
    let missing: Vec<&str> = relevant
        .iter()
        .copied()
        .filter(|id| !is_there(id))
        .collect();
    let found = relevant.len() - missing.len();
    keys.graded(found as f64 / relevant.len() as f64, || {
        format!(
            "{found} of {} relevant ids in {}, missing `{}`",
            relevant.len(),
            keys.place(),
            missing.join("`, `")
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ranking::vectors;
    use super::super::testing::{
        check, on_ids, on_text, passed, problems, scope, subject, value, why,
    };
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

    /// field 10
    #[test]
    fn one_and_one_point_zero_are_the_same_id() {
        let parse = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
        let run = |expected: &str, answer: &str| {
            let mut reply = crate::protocol::Reply::default();
            reply.outputs.insert("ids".to_owned(), parse(answer));
            let scope = scope(json!({"ids": parse(expected)}));
            value(&check("recall", "").score(&subject(&scope, &reply)))
        };
        assert_eq!(run("[1.0]", "[1]"), 1.0);
        assert_eq!(run("[1]", "[1.0]"), 1.0);
        assert_eq!(run("[\"1\"]", "[1.0]"), 1.0);
        assert_eq!(run("[9007199254740993]", "[9007199254740992]"), 0.0);
    }

    /// field 11
    #[test]
    fn a_grade_that_is_text_is_not_dropped() {
        let run = |ids: serde_json::Value, answer: &[&str]| {
            on_ids("recall", "", json!({"ids": ids}), answer)
        };
        assert_eq!(value(&run(json!({"a": 3, "b": "1"}), &["a"])), 0.5);
        assert_eq!(value(&run(json!({"a": "3", "b": "0"}), &["a"])), 1.0);
        assert_eq!(
            run(json!({"a": 3, "b": "high"}), &["a"]),
            Scored::Unscored(
                "`expected.ids`: the grade of `b` is \"high\", which is no number".to_owned()
            )
        );
    }

    /// field 26
    #[test]
    fn a_case_for_which_nothing_should_be_found_does_not_count() {
        let nothing = json!({"ids": [], "none": true});
        for kind in ["recall", "mrr", "ndcg"] {
            let found = on_ids(kind, "", nothing.clone(), &["a", "b"]);
            assert_eq!(
                found,
                Scored::NotCounted {
                    passed: false,
                    why: "2 ids where nothing should be found".to_owned()
                }
            );
            let said_in_the_suite = on_ids(kind, "none = true", json!({"ids": []}), &[]);
            assert!(matches!(
                said_in_the_suite,
                Scored::NotCounted { passed: true, .. }
            ));
        }
        // Nothing was said of a case without `ids`.
        let silent = on_ids("recall", "none = true", json!({}), &[]);
        assert!(matches!(silent, Scored::Unscored(_)));
    }
}
