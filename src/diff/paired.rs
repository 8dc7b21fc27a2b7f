//! The cases of two eval runs, paired by id.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::CaseChanges;
use crate::record::{CaseResult, EvalResult};
use crate::stats::{
    Difference, MIN_CLUSTERS, bonett_price, clustered_difference, mcnemar_p, mcnemar_p_worse,
};

/// One case on one side: all its repeats.
pub(super) struct Case<'a> {
    answers: Vec<&'a CaseResult>,
}

/// The cases of one run by id.
pub(super) type Cases<'a> = BTreeMap<&'a str, Case<'a>>;

/// Returns the cases of a run, repeats gathered.
pub(super) fn gather(eval: &EvalResult) -> Cases<'_> {
    let mut cases = Cases::new();
    for answer in &eval.cases {
        cases
            .entry(answer.id.as_str())
            .or_insert_with(|| Case {
                answers: Vec::new(),
            })
            .answers
            .push(answer);
    }
    cases
}

impl Case<'_> {
    /// Returns the share of the repeats that passed; an errored one did not.
    pub(super) fn pass_rate(&self) -> f64 {
        let passed = self
            .answers
            .iter()
            .filter(|a| a.passed && a.error.is_none());
        passed.count() as f64 / self.answers.len() as f64
    }

    /// Returns the mean score of an assertion; an errored answer scores 0. `None` when the assertion was not made.
    pub(super) fn score(&self, assertion: &str) -> Option<f64> {
        let scores: Vec<f64> = self
            .answers
            .iter()
            .filter_map(|answer| {
                let scored = answer.assertions.get(assertion).copied();
                if answer.error.is_some() {
                    Some(0.0)
                } else {
                    scored
                }
            })
            .collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// Returns whether the case belongs to the slice `tag=value`.
    pub(super) fn is_in(&self, slice: &str) -> bool {
        let tags = self.answers.first().map(|answer| &answer.tags);
        slice
            .split_once('=')
            .zip(tags)
            .is_some_and(|((tag, value), tags)| tags.get(tag).is_some_and(|of| of == value))
    }

    fn group(&self) -> Option<&str> {
        self.answers
            .first()
            .and_then(|answer| answer.group.as_deref())
    }

    fn passes(&self) -> bool {
        self.pass_rate() >= 0.5
    }
}

/// One value of a case on both sides.
pub(super) struct Pair<'a> {
    pub(super) cluster: &'a str,
    pub(super) base: f64,
    pub(super) head: f64,
}

/// Two runs of a suite, the cases that both have.
pub(super) struct Pairs<'a> {
    base: &'a Cases<'a>,
    head: &'a Cases<'a>,
    pub(super) ids: Vec<&'a str>,
    /// One answer a case and no groups.
    simple: bool,
}

impl<'a> Pairs<'a> {
    /// Pairs by id.
    pub(super) fn new(base: &'a Cases<'a>, head: &'a Cases<'a>) -> Self {
        let ids: Vec<&str> = head
            .keys()
            .copied()
            .filter(|id| base.contains_key(id))
            .collect();
        let simple = |case: &Case<'_>| case.answers.len() == 1 && case.group().is_none();
        let simple = ids.iter().all(|id| simple(&base[id]) && simple(&head[id]));
        Self {
            base,
            head,
            ids,
            simple,
        }
    }

    /// Returns how many cases only one side has.
    pub(super) fn unpaired(&self) -> usize {
        self.base.len() + self.head.len() - 2 * self.ids.len()
    }

    /// Returns the pass rate of the cases chosen by their head side.
    pub(super) fn pass_rates(&self, chosen: impl Fn(&Case<'_>) -> bool) -> Vec<Pair<'a>> {
        self.values(|case| Some(case.pass_rate()), chosen)
    }

    /// Returns the scores of an assertion.
    pub(super) fn scores(&self, assertion: &str) -> Vec<Pair<'a>> {
        self.values(|case| case.score(assertion), |_| true)
    }

    fn values(
        &self,
        value: impl Fn(&Case<'_>) -> Option<f64>,
        chosen: impl Fn(&Case<'_>) -> bool,
    ) -> Vec<Pair<'a>> {
        let pair = |id: &&'a str| {
            let (base, head) = (&self.base[*id], &self.head[*id]);
            chosen(head).then_some(())?;
            Some(Pair {
                cluster: head.group().unwrap_or(id),
                base: value(base)?,
                head: value(head)?,
            })
        };
        self.ids.iter().filter_map(pair).collect()
    }

    /// Returns the change over the pairs: McNemar where every case has one answer that is right or wrong, else the
    /// cluster-robust t.
    pub(super) fn change(&self, pairs: &[Pair<'_>]) -> Option<PairedChange> {
        let binary = |v: f64| v <= 0.0 || v >= 1.0;
        if pairs.is_empty() {
            return None;
        }
        if self.simple
            && pairs
                .iter()
                .all(|pair| binary(pair.base) && binary(pair.head))
        {
            let won = pairs.iter().filter(|p| p.base < p.head).count() as u64;
            let lost = pairs.iter().filter(|p| p.base > p.head).count() as u64;
            return Some(PairedChange {
                difference: bonett_price(pairs.len() as u64, won, lost),
                p: mcnemar_p(lost, won),
                p_worse: mcnemar_p_worse(lost, won),
                method: "mcnemar",
                few_clusters: false,
            });
        }
        let changes = pairs
            .iter()
            .map(|pair| (pair.cluster, pair.head - pair.base));
        let difference = clustered_difference(changes)?;
        Some(PairedChange {
            difference,
            p: difference.p(),
            p_worse: difference.p_worse(),
            method: "paired_t",
            few_clusters: difference.clusters < MIN_CLUSTERS,
        })
    }

    /// Returns which cases passed before and not now, and the other way round; with repeats, by at least half of them.
    pub(super) fn changes(&self) -> CaseChanges {
        let turned = |from: bool| {
            let ids = self
                .ids
                .iter()
                .filter(|id| self.base[**id].passes() == from && self.head[**id].passes() != from);
            ids.map(|id| (*id).to_owned()).collect()
        };
        CaseChanges {
            broke: turned(true),
            fixed: turned(false),
        }
    }

    /// Returns how many cases errored on (base, head).
    pub(super) fn errored(&self) -> (usize, usize) {
        let count = |cases: &Cases<'_>| {
            let errored = |id: &&&str| cases[**id].answers.iter().any(|a| a.error.is_some());
            self.ids.iter().filter(errored).count()
        };
        (count(self.base), count(self.head))
    }
}

/// A paired change with its test.
pub(super) struct PairedChange {
    pub(super) difference: Difference,
    /// Two-sided.
    pub(super) p: f64,
    /// One-sided, for "worse".
    pub(super) p_worse: f64,
    pub(super) method: &'static str,
    /// Too few clusters for the t to be trusted.
    pub(super) few_clusters: bool,
}

/// Returns the slices that either side reports.
pub(super) fn slices<'a>(base: &'a EvalResult, head: &'a EvalResult) -> BTreeSet<&'a str> {
    base.slices
        .keys()
        .chain(head.slices.keys())
        .map(String::as_str)
        .collect()
}

/// Returns the assertions that either side reports.
pub(super) fn assertions<'a>(base: &'a EvalResult, head: &'a EvalResult) -> BTreeSet<&'a str> {
    base.assertions
        .keys()
        .chain(head.assertions.keys())
        .map(String::as_str)
        .collect()
}
