//! The demo deployment without sockets and without waiting: what each stage answers.

use super::answer;
use super::corpus::{Passage, index_version, passages};
use super::embed::{cosine, embed};
use super::prompt::{Found, Prompts};
use super::release::Release;
use super::rerank;
use super::retrieve::Index;
use super::text::indexed_form;

/// How many passages the orchestrator asks the search for.
pub(super) const SEARCHED: usize = 8;
/// How many passages the orchestrator names as its sources.
pub(super) const SOURCES: usize = 5;
/// How many passages the orchestrator quotes in the prompt.
pub(super) const QUOTED: usize = 3;

/// Every stage of the deployment.
#[derive(Debug)]
pub(super) struct Pipeline {
    corpus: Vec<Passage>,
    index: Index,
    prompts: Prompts,
    index_version: String,
    /// The embedding of each passage.
    vectors: Vec<Vec<f64>>,
}

impl Pipeline {
    /// Reads and indexes the corpus.
    pub(super) fn new() -> Self {
        let corpus = passages();
        let index = Index::new(&corpus);
        let texts = corpus
            .iter()
            .map(|passage| indexed_form(&passage.text, passage.lang));
        Self {
            vectors: texts.map(|text| embed(&index, &text)).collect(),
            index,
            prompts: Prompts::new(),
            index_version: index_version(),
            corpus,
        }
    }

    /// Returns the version of the index.
    pub(super) fn index_version(&self) -> &str {
        &self.index_version
    }

    /// Returns the `k` passages that match best, best first.
    pub(super) fn search(&self, query: &str, k: usize) -> Vec<Found> {
        self.index
            .search(query, k)
            .into_iter()
            .map(|hit| {
                let passage = &self.corpus[hit.passage];
                Found {
                    id: passage.id.clone(),
                    topic: passage.topic.clone(),
                    text: passage.text.clone(),
                    indexed: indexed_form(&passage.text, passage.lang),
                    score: hit.score,
                }
            })
            .collect()
    }

    /// Returns the embedding of a text.
    pub(super) fn embed(&self, text: &str) -> Vec<f64> {
        embed(&self.index, text)
    }

    /// Returns the id and the cosine of the `k` passages nearest to a vector, nearest first.
    pub(super) fn nearest(&self, vector: &[f64], k: usize) -> Vec<(&str, f64)> {
        let scores = self.vectors.iter().map(|it| cosine(it, vector));
        let ids = self.corpus.iter().map(|passage| passage.id.as_str());
        let mut found: Vec<(&str, f64)> = ids.zip(scores).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found.truncate(k);
        found
    }

    /// Returns (index, score) of each text, best first.
    pub(super) fn rerank(&self, query: &str, texts: &[&str]) -> Vec<(usize, f64)> {
        rerank::rerank(&self.index, query, texts)
    }

    /// Returns the prompt that the orchestrator of a release sends to the model.
    pub(super) fn prompt(&self, release: Release, question: &str, ranked: &[Found]) -> String {
        let quoted = &ranked[..ranked.len().min(QUOTED)];
        self.prompts.fill(release, question, quoted)
    }

    /// Returns what the model says to a prompt.
    pub(super) fn complete(&self, prompt: &str) -> String {
        answer::answer(&self.index, prompt)
    }
}

/// Returns the passages in the order that the reranker gave, each with its score.
pub(super) fn reorder(found: &[Found], order: &[(usize, f64)]) -> Vec<Found> {
    order
        .iter()
        .filter_map(|(index, score)| {
            let passage = found.get(*index)?.clone();
            Some(Found {
                score: *score,
                ..passage
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::super::release::Release;
    use super::{Pipeline, SEARCHED, SOURCES, reorder};
    use crate::stats::Flips;

    const GOLDEN: &str = include_str!("../../templates/demo/golden/support.jsonl");
    const RAG: &str = include_str!("../../templates/init/rag/golden/support.jsonl");
    const MINIMAL: &str = include_str!("../../templates/init/minimal/golden/questions.jsonl");

    fn cases(golden: &str) -> Vec<Value> {
        golden
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Reads a string of a case; `input` and `expected` of the minimal template are strings
    /// themselves. Reads a string of a case; `input` and `expected` of the minimal template are
    /// strings themselves.
    fn string<'a>(case: &'a Value, pointer: &str) -> &'a str {
        let short = pointer
            .rsplit_once('/')
            .and_then(|(parent, _)| case.pointer(parent));
        let value = case.pointer(pointer).or(short);
        value.and_then(Value::as_str).unwrap()
    }

    /// What the orchestrator answers, with its sources: the demo's `/chat`, without HTTP.
    fn chat(pipeline: &Pipeline, release: Release, question: &str) -> (String, Vec<String>) {
        let found = pipeline.search(question, SEARCHED);
        let texts: Vec<_> = found.iter().map(|passage| passage.text.as_str()).collect();
        let ranked = reorder(&found, &pipeline.rerank(question, &texts));
        let answer = pipeline.complete(&pipeline.prompt(release, question, &ranked));
        let sources = ranked.into_iter().take(SOURCES).map(|passage| passage.id);
        (answer, sources.collect())
    }

    /// The cases that fail, with the answer.
    fn failures(golden: &str, release: Release) -> Vec<(String, String)> {
        let pipeline = Pipeline::new();
        cases(golden)
            .iter()
            .filter_map(|case| {
                let (answer, sources) = chat(&pipeline, release, string(case, "/input/question"));
                let wanted = case.pointer("/expected/ids/0").and_then(Value::as_str);
                let passed = answer.contains(string(case, "/expected/answer"))
                    && wanted.is_none_or(|wanted| sources.iter().any(|id| id == wanted));
                (!passed).then(|| (string(case, "/id").to_owned(), answer))
            })
            .collect()
    }

    #[test]
    fn first_release_answers_every_golden_case() {
        for golden in [GOLDEN, RAG, MINIMAL] {
            assert_eq!(failures(golden, Release::V1), []);
        }
    }

    #[test]
    fn second_release_breaks_german_and_nothing_else() {
        let broken = failures(GOLDEN, Release::V2);
        let german = cases(GOLDEN)
            .iter()
            .filter(|case| string(case, "/tags/lang") == "de")
            .count();
        assert!(
            broken.iter().all(|(id, _)| id.starts_with("q-de-")),
            "{broken:#?}"
        );
        assert!(
            broken.len() * 10 >= german * 8,
            "{} of {german}",
            broken.len()
        );
    }

    #[test]
    fn reranker_improves_the_order_of_retrieval() {
        let pipeline = Pipeline::new();
        let place = |ids: &[String], wanted: &str| {
            ids.iter()
                .position(|id| id == wanted)
                .map_or(0.0, |at| 1.0 / (at + 1) as f64)
        };
        let (mut before, mut after) = (0.0, 0.0);
        for case in cases(GOLDEN) {
            let (question, wanted) = (
                string(&case, "/input/question"),
                string(&case, "/expected/ids/0"),
            );
            let found = pipeline.search(question, SEARCHED);
            let ids: Vec<_> = found.iter().map(|passage| passage.id.clone()).collect();
            before += place(&ids, wanted);
            after += place(&chat(&pipeline, Release::V1, question).1, wanted);
        }
        let total = cases(GOLDEN).len() as f64;
        assert!(
            after > before,
            "MRR {} after {}",
            after / total,
            before / total
        );
        assert!(before / total > 0.85, "MRR of retrieval {}", before / total);
    }

    #[test]
    fn golden_set_is_balanced() {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for case in cases(GOLDEN) {
            for tag in ["lang", "length"] {
                let value = string(&case, &format!("/tags/{tag}")).to_owned();
                *counts.entry((tag.to_owned(), value)).or_default() += 1;
            }
            let long = string(&case, "/input/question").split_whitespace().count() > 12;
            assert_eq!(string(&case, "/tags/length") == "long", long, "{case}");
        }
        let counts: Vec<_> = counts
            .iter()
            .map(|((tag, value), count)| format!("{tag}={value}: {count}"))
            .collect();
        insta::assert_snapshot!(counts.join(", "), @"lang=de: 20, lang=en: 38, lang=es: 10, lang=fr: 12, length=long: 19, length=short: 61");
    }

    /// Where nothing changed, each template's `max_drop` must be shown, or the gate of an unchanged
    /// release could not pass (statistics 10).
    #[test]
    fn golden_sets_are_large_enough_for_their_margins() {
        let others = [
            include_str!("../../templates/init/agent/golden/tasks.jsonl"),
            include_str!("../../templates/init/chat/golden/grounded.jsonl"),
            include_str!("../../templates/init/embeddings/golden/queries.jsonl"),
        ];
        let others = others.map(|golden| (golden, 0.1));
        let all = [(GOLDEN, 0.05), (RAG, 0.1), (MINIMAL, 0.1)];
        for (golden, max_drop) in all.into_iter().chain(others) {
            let (n, won, lost) = (cases(golden).len() as u64, 0, 0);
            assert!(Flips { n, won, lost }.keeps(max_drop, 0.05), "{n} cases");
        }
    }
}
