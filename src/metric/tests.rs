//! Metrics of every family, by what they are to documents, rules, and the manual.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Every figure of a stage under load.
fn figures() -> Vec<Figure> {
    let latency = |metric| Stat::ALL.map(|stat| Figure::Latency(metric, stat));
    let latencies = LatencyMetric::ALL.into_iter().flat_map(latency);
    let shares = ShareMetric::ALL.into_iter().map(Figure::Share);
    let rates = RateMetric::ALL.into_iter().map(Figure::Rate);
    latencies.chain(shares).chain(rates).collect()
}

#[test]
fn every_figure_is_read_as_it_is_written() {
    let all = figures();
    assert_eq!(all.len(), 15 * 8 + 3 + 4);
    for figure in all {
        let text = figure.to_string();
        assert_eq!(Figure::parse(&text), Ok(figure.clone()), "{text}");
        assert_eq!(json!(figure), text);
        let read: Figure = serde_json::from_value(text.clone().into()).unwrap();
        assert_eq!(read, figure);
        let metric = Metric::load("peak", "gateway", figure.clone());
        assert_eq!(metric.to_string(), format!("load.peak.gateway.{text}"));
        assert_eq!(Metric::parse(&metric.to_string()), Ok(metric.clone()));
        assert_eq!(metric.unit(), figure.unit());
    }
}

/// A key that two families share would be read as that of the first.
#[test]
fn no_two_families_share_a_key() {
    let keys = Figure::keys();
    let different: BTreeSet<&str> = keys.iter().copied().collect();
    assert_eq!(keys.len(), different.len());
    assert_eq!(keys.len(), 15 + 3 + 4);
    let expectations = Expectation::ALL.map(Expectation::key);
    let different: BTreeSet<&str> = expectations.into_iter().collect();
    assert_eq!(different.len(), expectations.len());
}

#[test]
fn each_row_is_that_of_its_metric_and_means_something() {
    let mut meanings = BTreeSet::new();
    let mut told = |meaning: &'static str| {
        assert!(!meaning.ends_with('.') && meaning.len() > 8, "{meaning}");
        assert!(meanings.insert(meaning), "{meaning}");
    };
    for metric in LatencyMetric::ALL {
        assert_eq!(metric.row().metric, metric);
        assert_eq!(LatencyMetric::of(metric.key()), Some(metric));
        told(metric.row().meaning);
    }
    for metric in ShareMetric::ALL {
        assert_eq!(metric.row().metric, metric);
        told(metric.row().meaning);
    }
    for metric in RateMetric::ALL {
        assert_eq!(metric.row().metric, metric);
        told(metric.row().meaning);
    }
    for metric in Expectation::ALL {
        assert_eq!(metric.row().metric, metric);
        assert_eq!(Expectation::of(metric.key()), Some(metric));
        told(metric.row().meaning);
    }
}

#[test]
fn less_is_better_of_times_and_errors_and_more_of_what_is_good() {
    let better = |text: &str| Figure::parse(text).unwrap().better();
    for lower in [
        "ttft.p95",
        "schedule_lag.max",
        "error_rate",
        "fallback_rate",
    ] {
        assert_eq!(better(lower), Better::Lower, "{lower}");
    }
    for higher in ["attainment", "achieved_rps", "goodput_rps", "goodput_tps"] {
        assert_eq!(better(higher), Better::Higher, "{higher}");
    }
    assert_eq!(better("offered_rps"), Better::Neither);
    assert_eq!(Figure::Other("new".to_owned()).better(), Better::Neither);
}

#[test]
fn a_wrong_figure_says_what_is_missing_or_what_was_meant() {
    let wrong = |text: &str| Figure::parse(text).unwrap_err();
    let help = wrong("response_time").help.unwrap();
    assert_eq!(help, "Write it like `response_time.p95`.");
    assert!(
        wrong("reponse_time.p95")
            .help
            .unwrap()
            .contains("response_time")
    );
    let help = wrong("response_time.p59").help.unwrap();
    assert!(help.starts_with("Did you mean `p"), "{help}");
    for text in [
        "error_rate.p95",
        "goodput_rps.mean",
        "",
        ".p95",
        "ttft.p95.p99",
    ] {
        assert!(Figure::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_wrong_metric_says_how_to_write_it() {
    for (text, said) in [
        ("load.peak", "load.NAME.STAGE"),
        ("load.peak.gateway", "load.NAME.STAGE"),
        ("load.peak.gateway.ttft", "`ttft.p95`"),
        ("load.peak.gateway.error_rat", "error_rate"),
        ("eval.answers", "eval.NAME.pass_rate"),
        ("eval.answers.slice.lang=de", "slice"),
        ("fault.down", "fault.NAME.success_rate"),
        ("fault.down.recovry", "recovery"),
        ("lod.peak.gateway.error_rate", "load"),
        ("eval.\"answers.pass_rate", "quote"),
    ] {
        let wrong = Metric::parse(text).unwrap_err();
        let help = wrong.help.unwrap_or_default();
        assert!(help.contains(said), "{text}: {} {help}", wrong.message);
    }
}

/// A name with a dot in it is one name when it is read again.
#[test]
fn a_refused_run_is_named_so_that_it_is_read_again() {
    let of = |name: &str| Metric::Run {
        kind: "load".to_owned(),
        name: name.to_owned(),
    };
    assert_eq!(of("peak").to_string(), "load.peak");
    assert_eq!(of("v1.2").to_string(), "load.\"v1.2\"");
    for name in ["peak", "v1.2", "a\"b", "c\\d"] {
        let read: Metric = serde_json::from_value(json!(of(name))).unwrap();
        assert_eq!(read, of(name));
        assert_eq!(of(name).unit(), Unit::Number);
    }
}

#[test]
fn only_pass_rates_are_pass_rates_and_only_slices_are_slices() {
    let metric = |text: &str| Metric::parse(text).unwrap();
    assert!(metric("eval.a.pass_rate").is_pass_rate());
    assert!(metric("eval.a.slice.\"lang=de\".pass_rate").is_pass_rate());
    assert!(!metric("eval.a.recall.score").is_pass_rate());
    assert!(!metric("load.a.b.error_rate").is_pass_rate());
    assert!(!Metric::eval("a", EvalPart::MustPass).is_pass_rate());
}

#[test]
fn a_long_name_may_be_broken_behind_whose_it_is() {
    let two = |text: &str| Metric::parse(text).unwrap().in_two();
    let of = |one: &str, two: &str| (one.to_owned(), Some(two.to_owned()));
    let load = two("load.peak.gateway.response_time.p95");
    assert_eq!(load, of("load.peak.gateway", "response_time.p95"));
    let slice = two("eval.a.slice.\"lang=de\".pass_rate");
    assert_eq!(slice, of("eval.a", "slice.\"lang=de\".pass_rate"));
    assert_eq!(two("fault.down.recovery").1, None);
}

#[test]
fn a_limit_is_kept_on_its_own_side() {
    let limit = Limit::read(Written::Text("250ms"), Unit::Time).unwrap();
    assert!(limit.is_kept(250.0, Better::Lower) && !limit.is_kept(250.1, Better::Lower));
    let limit = Limit::read(Written::Number(0.9), Unit::Share).unwrap();
    assert!(limit.is_kept(0.9, Better::Higher) && !limit.is_kept(0.89, Better::Higher));
    // What was not measured keeps nothing.
    assert!(!limit.is_kept(f64::NAN, Better::Higher));
    assert!(!limit.is_kept(f64::NAN, Better::Lower));
}

#[test]
fn a_limit_that_is_none_says_what_one_is() {
    let said = |written, unit| Limit::read(written, unit).unwrap_err();
    assert!(said(Written::Number(250.0), Unit::Time).contains("no unit"));
    assert!(said(Written::Text("20"), Unit::Rate).contains("`20/s`"));
    assert!(said(Written::Number(-1.0), Unit::Rate).contains("zero or more"));
    assert!(said(Written::Text("x"), Unit::Number).contains("`x`"));
    assert!(said(Written::Number(f64::INFINITY), Unit::Number).contains("zero or more"));
    assert!(said(Written::Number(1.01), Unit::Share).contains("between 0 and 1"));
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9_-]{1,8}", "[a-z.\"\\\\= ]{1,8}", "\\PC{1,6}"]
}

fn metric() -> impl Strategy<Value = Metric> {
    let figure = proptest::sample::select(figures());
    let load =
        (part(), part(), figure).prop_map(|(load, stage, it)| Metric::load(&load, &stage, it));
    let eval_part = prop_oneof![
        Just(EvalPart::PassRate),
        part().prop_map(EvalPart::Score),
        part().prop_map(EvalPart::Slice),
    ];
    let eval = (part(), eval_part).prop_map(|(eval, part)| Metric::eval(&eval, part));
    let fault = (part(), proptest::sample::select(Expectation::ALL.to_vec()));
    let fault = fault.prop_map(|(fault, expectation)| Metric::Fault { fault, expectation });
    prop_oneof![load, eval, fault]
}

proptest! {
    #[test]
    fn a_metric_of_any_names_is_read_as_it_was_written(metric in metric()) {
        prop_assert_eq!(Metric::parse(&metric.to_string()), Ok(metric.clone()));
        let read: Metric = serde_json::from_value(json!(metric)).unwrap();
        prop_assert_eq!(read, metric);
    }

    /// What another version wrote keeps its name from one document to the next.
    #[test]
    fn any_text_of_a_document_is_a_metric_that_stays_the_same(text in "[a-z.\"\\\\]{0,16}") {
        let read: Metric = serde_json::from_value(Value::from(text)).unwrap();
        let again: Metric = serde_json::from_value(json!(read)).unwrap();
        prop_assert_eq!(again, read);
    }

    #[test]
    fn any_text_of_a_document_is_a_figure_that_stays_the_same(text in "\\PC{0,16}") {
        let read: Figure = serde_json::from_value(Value::from(text.clone())).unwrap();
        prop_assert_eq!(json!(read), text);
    }

    #[test]
    fn a_limit_is_a_number_of_zero_or_more(text in "\\PC{0,8}", number in any::<f64>()) {
        for unit in [Unit::Time, Unit::Share, Unit::Rate, Unit::Number] {
            for written in [Written::Text(&text), Written::Number(number)] {
                if let Ok(limit) = Limit::read(written, unit) {
                    prop_assert!(limit.value >= 0.0 && limit.value.is_finite());
                    prop_assert_eq!(limit.unit, unit);
                }
            }
        }
    }
}
