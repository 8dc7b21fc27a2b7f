//! Pairs the runs of two releases and puts the comparison document together.

use std::collections::{BTreeMap, BTreeSet};

use super::blame::blame;
use super::context::Context;
use super::judge::{is_invalid, verdict};
use super::measured::Measured;
use super::summary::summary;
use super::{evals, loads, rule};
use crate::metric::{EvalPart, Figure, LatencyMetric, Metric, Stat};
use crate::record::{CaseChanges, Changed, Comparison, DIFF_SCHEMA, DiffDocument, Side};
use crate::record::{FormatVersion, RunKind, RunRecord};

/// Compares the runs of two releases, judges rules and SLOs, and says what decided.
///
/// The runs are those the store chose: of each kind and name the one that stands for its release (of several, the newest
/// counts). `diff` fails when a pass rate, of a suite or of a slice, is shown to be lower, when an SLO that the base met
/// is missed, when a `must_pass` case did not pass, or when a rule is broken; it is inconclusive when there was nothing to
/// decide by, and passed otherwise: passed means that no regression was found in what was compared.
pub(crate) fn compare(
    base: &[RunRecord],
    head: &[RunRecord],
    context: &Context<'_>,
) -> DiffDocument {
    let mut found = Found::default();
    let asked: BTreeSet<&Metric> = context.rules.iter().map(|rule| &rule.metric).collect();
    let pairs: Vec<Matched<'_>> = newest(head)
        .into_iter()
        .map(|head| Matched {
            base: partner(head, base),
            head,
        })
        .collect();
    for pair in &pairs {
        found.add(pair, &asked, context);
    }
    for run in newest(base) {
        found.gone(run, head, context);
    }
    found.judge(&pairs, context);

    let (broke, fixed) = (
        found.broke.into_iter().collect(),
        found.fixed.into_iter().collect(),
    );
    let comparisons = in_order(found.measured, found.judged);
    let invalid = base.iter().chain(head).any(is_invalid);
    let mut document = DiffDocument {
        schema: DIFF_SCHEMA.to_owned(),
        version: FormatVersion::CURRENT,
        base: side(base),
        head: side(head),
        verdict: verdict(&comparisons, invalid),
        comparisons,
        cases: CaseChanges { broke, fixed },
        blame: blame(&pairs, context),
        changed: changed(base, head),
        summary: String::new(),
    };
    document.summary = summary(&document, &pairs, context);
    document
}

/// A run of the head and the run of the base it is compared with.
pub(super) struct Matched<'a> {
    pub(super) base: Option<&'a RunRecord>,
    pub(super) head: &'a RunRecord,
}

impl Matched<'_> {
    /// Returns whether both sides are there and neither is invalid.
    pub(super) fn is_comparable(&self) -> bool {
        !is_invalid(self.head) && self.base.is_some_and(|base| !is_invalid(base))
    }
}

/// Returns the newest run of each kind, name, and environment; ids are ordered by time.
fn newest(runs: &[RunRecord]) -> Vec<&RunRecord> {
    let mut chosen = BTreeMap::new();
    for run in runs {
        let place = chosen.entry((run.kind, &run.name, &run.env)).or_insert(run);
        if run.id > place.id {
            *place = run;
        }
    }
    chosen.into_values().collect()
}

/// Returns the base's run of the same kind and name, of the same environment where there is one.
fn partner<'a>(head: &RunRecord, base: &'a [RunRecord]) -> Option<&'a RunRecord> {
    base.iter()
        .filter(|run| run.kind == head.kind && run.name == head.name)
        .max_by_key(|run| (run.env == head.env, &run.id))
}

#[derive(Default)]
struct Found {
    measured: Vec<Measured>,
    /// By metric, so that several rules of one metric stand together.
    judged: BTreeMap<Metric, Vec<Comparison>>,
    broke: BTreeSet<String>,
    fixed: BTreeSet<String>,
}

impl Found {
    fn add(&mut self, pair: &Matched<'_>, asked: &BTreeSet<&Metric>, context: &Context<'_>) {
        let invalid = [("base", pair.base), ("head", Some(pair.head))];
        for (side, run) in invalid {
            if let Some(run) = run.filter(|run| is_invalid(run)) {
                self.measured.push(refused(side, run));
            }
        }
        if is_invalid(pair.head) {
            return;
        }
        let base = pair.base.filter(|run| !is_invalid(run));
        let name = &pair.head.name;
        if let Some(head) = &pair.head.eval {
            let base = base.and_then(|run| run.eval.as_ref());
            let compared = evals::compare(name, base, head, context);
            self.measured.extend(compared.measured);
            self.broke.extend(compared.cases.broke);
            self.fixed.extend(compared.cases.fixed);
        }
        if pair.head.kind == RunKind::Load {
            let base = base.map(|run| &run.stages);
            let compared = loads::compare(name, base, &pair.head.stages, asked, context);
            self.measured.extend(compared);
        }
    }

    /// Lists what only the base measured: a suite or a stage that fell away must not go unseen.
    fn gone(&mut self, base: &RunRecord, head: &[RunRecord], context: &Context<'_>) {
        let partner = partner(base, head);
        let mut missing = |metric: Metric, value: Option<f64>, stage: &str| {
            let mut shown = Measured::shown(metric, value, None);
            shown.comparison.note = Some("not measured in the head".to_owned());
            shown.comparison.owner = (context.owner)(stage);
            self.measured.push(shown);
        };
        if let (Some(eval), None) = (&base.eval, partner) {
            let metric = Metric::eval(&base.name, EvalPart::PassRate);
            missing(metric, Some(eval.pass_rate.value), &eval.stage);
        }
        if base.kind != RunKind::Load {
            return;
        }
        for (stage, result) in &base.stages {
            if !partner.is_some_and(|run| run.stages.contains_key(stage)) {
                let p95 = Figure::Latency(LatencyMetric::ResponseTime, Stat::P95);
                let metric = Metric::load(&base.name, stage, p95);
                let summary = result.metrics.get(&LatencyMetric::ResponseTime);
                missing(metric, summary.and_then(|summary| summary.p95), stage);
            }
        }
    }

    fn judge(&mut self, pairs: &[Matched<'_>], context: &Context<'_>) {
        let mut rules: Vec<_> = context.rules.iter().collect();
        // A drop that `max_drop` agreed to is no regression for the other rules of the metric.
        rules.sort_by_key(|rule| rule.max_drop.is_none());
        for rule in rules {
            let comparison = match self.find(&rule.metric) {
                Some(measured) => {
                    let judged = rule::judge(rule, measured, context);
                    measured.comparison.verdict = judged.verdict;
                    judged
                }
                None => rule::judge(
                    rule,
                    &Measured::shown(rule.metric.clone(), None, None),
                    context,
                ),
            };
            self.keep(comparison);
        }
        for pair in pairs.iter().filter(|pair| !is_invalid(pair.head)) {
            self.judge_slos(pair, context);
            let eval = pair.head.eval.as_ref();
            if let Some(broken) =
                eval.and_then(|eval| rule::judge_must_pass(pair.head, eval, context))
            {
                self.keep(broken);
            }
        }
    }

    fn judge_slos(&mut self, pair: &Matched<'_>, context: &Context<'_>) {
        if pair.head.kind != RunKind::Load {
            return;
        }
        let name = &pair.head.name;
        for (stage, result) in &pair.head.stages {
            let before = pair.base.and_then(|run| run.stages.get(stage));
            for slo in &result.slo {
                let base =
                    before.and_then(|stage| stage.slo.iter().find(|of| of.metric == slo.metric));
                let metric = Metric::load(name, stage, slo.metric.clone());
                let comparison = if let Some(measured) = self.find(&metric) {
                    measured.comparison.clone()
                } else {
                    let before = base.and_then(|slo| slo.value);
                    let mut shown = Measured::shown(metric, before, slo.value).comparison;
                    shown.owner = (context.owner)(stage).or_else(|| result.owner.clone());
                    shown
                };
                self.keep(rule::judge_slo(slo, base, comparison, context));
            }
        }
    }

    fn find(&mut self, metric: &Metric) -> Option<&mut Measured> {
        self.measured
            .iter_mut()
            .find(|of| of.comparison.metric == *metric)
    }

    fn keep(&mut self, judged: Comparison) {
        self.judged
            .entry(judged.metric.clone())
            .or_default()
            .push(judged);
    }
}

fn refused(side: &str, run: &RunRecord) -> Measured {
    let mut measured = Measured::shown(
        Metric::Run {
            kind: run.kind.word().to_owned(),
            name: run.name.clone(),
        },
        None,
        None,
    );
    measured.comparison.note = Some(format!(
        "the {side}'s run `{}` is invalid: {}",
        run.id,
        run.validity.reasons.join(", ")
    ));
    measured
}

/// Returns every metric once, or once per rule that judged it, in the order of measuring; rules without a measurement
/// come last.
fn in_order(
    measured: Vec<Measured>,
    mut judged: BTreeMap<Metric, Vec<Comparison>>,
) -> Vec<Comparison> {
    let mut all = Vec::new();
    for of in measured {
        match judged.remove(&of.comparison.metric) {
            Some(rules) => all.extend(rules),
            None => all.push(of.comparison),
        }
    }
    all.extend(judged.into_values().flatten());
    all
}

fn side(runs: &[RunRecord]) -> Side {
    let newest = runs.iter().max_by_key(|run| &run.id);
    let mut ids: Vec<String> = runs.iter().map(|run| run.id.clone()).collect();
    ids.sort();
    Side {
        id: newest.map(|run| run.id.clone()),
        commit: newest.and_then(|run| run.release.commit.clone()),
        tag: newest.and_then(|run| run.release.tag.clone()),
        runs: ids,
        passed_over: Vec::new(),
        dirty: newest.is_some_and(|run| run.release.dirty),
        dirt: newest.map_or_else(Vec::new, |run| run.release.dirt.clone()),
    }
}

fn changed(base: &[RunRecord], head: &[RunRecord]) -> Changed {
    let newest = |runs: &'_ [RunRecord]| runs.iter().max_by_key(|run| &run.id).cloned();
    let (Some(base), Some(head)) = (newest(base), newest(head)) else {
        return Changed::default();
    };
    let (before, after) = (base.release.versions, head.release.versions);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let versions = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| {
            (
                name.clone(),
                (before.get(name).cloned(), after.get(name).cloned()),
            )
        })
        .collect();
    Changed {
        manifest: base.release.manifest != head.release.manifest,
        versions,
    }
}

#[cfg(test)]
mod tests {
    use super::compare;
    use crate::diff::Mode;
    use crate::diff::fixtures::{answers, eval, load, stage, with};
    use crate::metric::Metric;
    use crate::record::RunRecord;

    fn diff(base: &[RunRecord], head: &[RunRecord]) -> super::DiffDocument {
        with(Mode::Diff, &[], |context| compare(base, head, context))
    }

    #[test]
    fn sides_name_the_newest_run_and_all_that_took_part() {
        let mut older = eval("01", answers(20, |_| true));
        older.release.commit = Some("aaa".to_owned());
        let mut newer = load("02", [("gateway", stage(10, |_| 1.0))]);
        newer.release.commit = Some("bbb".to_owned());
        newer.release.tag = Some("v1".to_owned());
        let base = diff(&[newer, older], &[]).base;
        assert_eq!(base.id.as_deref(), Some("02"));
        assert_eq!(
            (base.commit.as_deref(), base.tag.as_deref()),
            (Some("bbb"), Some("v1"))
        );
        assert_eq!(base.runs, ["01", "02"]);
    }

    #[test]
    fn only_what_differs_between_the_releases_is_changed() {
        let with_versions = |id, model: &str| {
            let mut run = eval(id, answers(20, |_| true));
            run.release.manifest = "blake3:1".to_owned();
            run.release.versions = [("model", model), ("prompt", "p1")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
            run
        };
        let changed = diff(&[with_versions("b", "m1")], &[with_versions("h", "m2")]).changed;
        assert!(!changed.manifest);
        let expected = (
            "model".to_owned(),
            (Some("m1".to_owned()), Some("m2".to_owned())),
        );
        assert_eq!(changed.versions.into_iter().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn of_several_runs_the_newest_of_the_same_environment_counts() {
        let of = |id: &str, env: &str, passed: usize| {
            let mut run = eval(id, answers(40, |i| i < passed));
            run.env = env.to_owned();
            run
        };
        let base = [
            of("1", "local", 10),
            of("2", "local", 40),
            of("3", "eu", 20),
        ];
        let document = diff(&base, &[of("4", "local", 40)]);
        assert_eq!(document.comparisons[0].base, Some(1.0));
        let document = diff(&base[2..], &[of("4", "local", 40)]);
        assert_eq!(document.comparisons[0].base, Some(0.5));
    }

    #[test]
    fn what_only_the_base_measured_is_listed() {
        let base = [
            load(
                "b1",
                [
                    ("gateway", stage(80, |_| 5.0)),
                    ("rerank", stage(80, |_| 2.0)),
                ],
            ),
            eval("b2", answers(20, |_| true)),
        ];
        let head = [load("h1", [("gateway", stage(80, |_| 5.0))])];
        let gone: Vec<_> = diff(&base, &head)
            .comparisons
            .into_iter()
            .filter(|c| c.note.as_deref() == Some("not measured in the head"))
            .map(|c| (c.metric, c.base.is_some(), c.head))
            .collect();
        let p95 = Metric::parse("load.peak.rerank.response_time.p95").unwrap();
        let rate = Metric::parse("eval.answers.pass_rate").unwrap();
        assert_eq!(gone, [(p95, true, None), (rate, true, None)]);
    }

    #[test]
    fn runs_of_different_names_are_not_compared() {
        let mut other = eval("b", answers(20, |_| true));
        other.name = "other".to_owned();
        let document = diff(&[other], &[eval("h", answers(20, |_| true))]);
        assert!(document.comparisons.iter().all(|c| c.change.is_none()));
    }
}
