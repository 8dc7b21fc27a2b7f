//! Retrieval: BM25 over the corpus.

use std::collections::{BTreeMap, HashMap};

use super::corpus::Passage;
use super::text::{indexed_form, normalise_german, words};

/// How quickly repetitions of a word stop counting; the usual value.
const K1: f64 = 1.2;
/// How much long passages are held back; the usual value.
const B: f64 = 0.75;

/// A passage that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hit {
    /// Its place in the corpus.
    pub(super) passage: usize,
    pub(super) score: f64,
}

/// An inverted index with what BM25 needs.
#[derive(Debug)]
pub(super) struct Index {
    /// Word to (passage, occurrences).
    postings: HashMap<String, Vec<(usize, u32)>>,
    /// Words per passage.
    lengths: Vec<f64>,
    mean_length: f64,
}

impl Index {
    /// Indexes the passages, each as its language's rules say.
    pub(super) fn new(passages: &[Passage]) -> Self {
        let mut postings: HashMap<String, Vec<(usize, u32)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(passages.len());
        for (at, passage) in passages.iter().enumerate() {
            let all = words(&indexed_form(&passage.text, passage.lang));
            lengths.push(all.len() as f64);
            let mut counts: BTreeMap<String, u32> = BTreeMap::new();
            for word in all {
                *counts.entry(word).or_default() += 1;
            }
            for (word, count) in counts {
                postings.entry(word).or_default().push((at, count));
            }
        }
        let mean_length = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        Self {
            postings,
            lengths,
            mean_length,
        }
    }

    /// Returns the inverse document frequency of a word, never negative: ln(1 + (N − n + ½) / (n +
    /// ½)).
    pub(super) fn idf(&self, word: &str) -> f64 {
        let total = self.lengths.len() as f64;
        let containing = self
            .postings
            .get(word)
            .map_or(0.0, |list| list.len() as f64);
        ((total - containing + 0.5) / (containing + 0.5)).ln_1p()
    }

    /// Returns the `k` best passages, best first; ties go to the earlier passage.
    ///
    /// Okapi BM25: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
    /// Beyond", 2009, with k1 = 1.2 and b = 0.75. The language of a query is not known, so its
    /// words are looked up as written and as the German index spells them.
    pub(super) fn search(&self, query: &str, k: usize) -> Vec<Hit> {
        let mut wanted = words(query);
        wanted.extend(words(&normalise_german(query)));
        wanted.sort_unstable();
        wanted.dedup();
        let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
        for word in &wanted {
            let idf = self.idf(word);
            for (passage, count) in self.postings.get(word).into_iter().flatten() {
                let frequency = f64::from(*count);
                let length = 1.0 - B + B * self.lengths[*passage] / self.mean_length;
                *scores.entry(*passage).or_default() +=
                    idf * frequency * (K1 + 1.0) / (frequency + K1 * length);
            }
        }
        let mut hits: Vec<Hit> = scores
            .into_iter()
            .map(|(passage, score)| Hit { passage, score })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        hits.truncate(k);
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::super::corpus::{Lang, Passage};
    use super::Index;

    fn passage(id: &str, lang: Lang, text: &str) -> Passage {
        Passage {
            id: id.to_owned(),
            lang,
            topic: String::new(),
            text: text.to_owned(),
        }
    }

    fn index() -> Index {
        Index::new(&[
            passage("common", Lang::En, "the lamp and the lamp and the lamp"),
            passage("rare", Lang::En, "the hub and the lamp"),
            passage("german", Lang::De, "der Schlüssel liegt bereit"),
        ])
    }

    #[test]
    fn score_is_the_formula_by_hand() {
        // N = 3, lengths 8, 5, 4: mean 17/3. `hub` is in one passage: idf = ln(1 + 2.5 / 1.5).
        let hits = index().search("hub", 5);
        let idf = (1.0_f64 + 2.5 / 1.5).ln();
        let length = 0.25 + 0.75 * 5.0 / (17.0 / 3.0);
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].passage, 1);
        assert!((hits[0].score - idf * 2.2 / (1.0 + 1.2 * length)).abs() < 1e-12);
    }

    #[test]
    fn rare_words_and_short_passages_rank_first() {
        let order: Vec<_> = index()
            .search("hub lamp", 5)
            .iter()
            .map(|hit| hit.passage)
            .collect();
        assert_eq!(order, [1, 0]);
        assert!(index().search("hub lamp", 1).len() == 1);
    }

    #[test]
    fn german_is_found_in_either_spelling() {
        for query in ["SCHLÜSSEL", "Schluessel", "schlussel"] {
            assert_eq!(index().search(query, 5)[0].passage, 2, "{query}");
        }
        assert!(index().search("window", 5).is_empty());
    }
}
