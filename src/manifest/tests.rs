//! The manifest as a whole, and texts that nobody writes.

use std::time::Duration;

use proptest::prelude::*;

use super::testing::{CONTRACT, parse, render, with};
use crate::arrival::{Gaps, Length, Until, at};
use crate::metric::{Figure, LatencyMetric, Limit, Stat, Unit};

fn limit(value: f64, unit: Unit) -> Limit {
    Limit { value, unit }
}

#[test]
fn the_manifest_of_the_contract_is_right() {
    let manifest = match parse(CONTRACT) {
        Ok(manifest) => manifest,
        Err(error) => panic!("{}", render(&error)),
    };

    let stages: Vec<&str> = manifest.stages.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        stages,
        ["gateway", "retrieve", "rerank", "llm", "llm_small"]
    );
    assert_eq!(manifest.owner("gateway"), Some("app-team"));
    assert_eq!(manifest.owner("llm"), Some("ml-platform"));
    let slo = &manifest.stage("llm").unwrap().slo[0];
    let ttft = Figure::Latency(LatencyMetric::Ttft, Stat::P95);
    assert_eq!((&slo.figure, slo.limit), (&ttft, limit(500.0, Unit::Time)));
    let load = manifest.load_named("peak").unwrap();
    assert_eq!(
        load.until,
        Length::Until(Until::Duration(Duration::from_mins(1)))
    );
    let poisson = at(Gaps::Exponential, "20/s".parse().unwrap());
    assert_eq!(load.arrivals.document(), poisson.document());
    let gate = manifest.gate.as_ref().unwrap();
    assert_eq!(gate.rules[0].max, Some(limit(2_000.0, Unit::Time)));
    assert_eq!(gate.rules[1].min, Some(limit(0.9, Unit::Share)));
    assert_eq!(manifest.accept[0].until, "v1.5.0");
    assert_eq!(manifest.faults[0].expect["recovery"], "<= 5s");
    let secrets: Vec<_> = manifest.secrets.iter().collect();
    assert_eq!(secrets.len(), 1);
    assert_eq!(secrets[0].0, "API_KEY");
    assert!(secrets[0].1.contains("gateway"));
    let eval = manifest.eval_named("answers").unwrap();
    assert_eq!(eval.assertion_names(), ["contains", "recall"]);
    assert_eq!((eval.repeats, eval.concurrency), (3, 16));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        if let Err(error) = parse(&text) {
            render(&error);
        }
    }

    #[test]
    fn no_mutation_makes_it_panic(
        at in 0..CONTRACT.len(),
        length in 0_usize..30,
        inserted in "[\\[\\]{}=\"'.,a-z0-9#\n -]{0,6}|\\{\\{ ?[a-z.|]{0,8} ?\\}\\}",
    ) {
        prop_assume!(CONTRACT.is_char_boundary(at));
        let rest = CONTRACT[at..].chars().skip(length).collect::<String>();
        let text = format!("{}{inserted}{rest}", &CONTRACT[..at]);
        if let Err(error) = parse(&text) {
            render(&error);
        }
    }

    #[test]
    fn no_override_makes_it_panic(key in "[a-z.\"0-9]{0,12}|(load|stage|gate)\\.(peak|gateway|rule)\\.[a-z0-9]{1,6}", value in ".{0,12}") {
        if let Err(error) = with(&[(&key, &value)]) {
            render(&error);
        }
    }
}
