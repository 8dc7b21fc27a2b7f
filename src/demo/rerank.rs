//! The reranker: orders a few passages by how much of the question each one covers.

use std::collections::BTreeSet;

use super::retrieve::Index;
use super::text::{sentences, words};

/// What a passage's best sentence counts against the passage as a whole: an answer stands in one
/// sentence.
const SENTENCE_WEIGHT: f64 = 0.5;
/// What two neighbouring words of the question count when they are neighbours in the passage as
/// well.
const PAIR_WEIGHT: f64 = 0.25;

/// Returns (index, score in 0..) of each passage, best first; ties keep the given order.
///
/// The score is the share of the question's words that the passage covers, each weighted by its
/// inverse document frequency, the same share for its best sentence, and a bonus for word pairs.
/// Unlike BM25 it neither rewards repetition nor punishes length, and it sees word order.
pub(super) fn rerank(index: &Index, query: &str, passages: &[&str]) -> Vec<(usize, f64)> {
    let query = words(query);
    let mut scored: Vec<(usize, f64)> = passages
        .iter()
        .map(|text| score(index, &query, text))
        .enumerate()
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored
}

fn score(index: &Index, query: &[String], text: &str) -> f64 {
    let best_sentence = sentences(text)
        .into_iter()
        .map(|sentence| coverage(index, query, &words(sentence)))
        .fold(0.0, f64::max);
    let all = words(text);
    coverage(index, query, &all)
        + SENTENCE_WEIGHT * best_sentence
        + PAIR_WEIGHT * pair_share(query, &all)
}

/// Returns the weighted share of the question's words that are among `found`.
fn coverage(index: &Index, query: &[String], found: &[String]) -> f64 {
    let found: BTreeSet<&String> = found.iter().collect();
    let asked: BTreeSet<&String> = query.iter().collect();
    let total: f64 = asked.iter().map(|word| index.idf(word)).sum();
    let covered: f64 = asked.intersection(&found).map(|word| index.idf(word)).sum();
    if total > 0.0 { covered / total } else { 0.0 }
}

/// Returns the share of the question's neighbouring word pairs that the passage has.
fn pair_share(query: &[String], found: &[String]) -> f64 {
    let pairs: BTreeSet<_> = found.windows(2).collect();
    let asked = query.windows(2);
    let total = asked.len().max(1) as f64;
    asked.filter(|pair| pairs.contains(pair)).count() as f64 / total
}

#[cfg(test)]
mod tests {
    use super::super::corpus::passages;
    use super::super::retrieve::Index;
    use super::rerank;

    #[test]
    fn passage_that_covers_the_question_comes_first() {
        let index = Index::new(&passages());
        let texts = [
            "Lamps, lamps, lamps: the lamps of the hub.",
            "The warranty of lamps is two years.",
            "Nothing of the kind.",
        ];
        let order: Vec<_> = rerank(&index, "How long is the warranty of lamps?", &texts)
            .into_iter()
            .map(|(index, _)| index)
            .collect();
        assert_eq!(order, [1, 0, 2]);
    }

    #[test]
    fn order_is_kept_when_nothing_matches() {
        let index = Index::new(&passages());
        assert_eq!(rerank(&index, "?", &["b", "a"]), [(0, 0.0), (1, 0.0)]);
    }
}
