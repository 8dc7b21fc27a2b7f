//! Which runs are compared, and what the document says of them.

use crate::diff::Mode;
use crate::diff::compare;
use crate::diff::fixtures::{answers, eval, load, stage, with};
use crate::metric::Metric;
use crate::record::RunRecord;

fn diff(base: &[RunRecord], head: &[RunRecord]) -> crate::record::DiffDocument {
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
