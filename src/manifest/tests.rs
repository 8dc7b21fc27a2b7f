//! What users see of wrong manifests, and what right ones become.

mod arrivals;

use std::path::Path;
use std::time::Duration;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

use super::error::ManifestError;
use super::*;
use crate::error::Kind;
use crate::metric::{Figure, LatencyMetric, Limit, Stat, Unit};
use crate::template::{Scope, Template, ValueTemplate};

fn limit(value: f64, unit: Unit) -> Limit {
    Limit { value, unit }
}

const CONTRACT: &str = include_str!("../../tests/fixtures/manifests/contract.toml");

/// A manifest that is right, to be spoilt.
const SMALL: &str = include_str!("../../tests/fixtures/manifests/small.toml");

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(Path::new("stagegate.toml"), text, &[])
}

fn with(overrides: &[(&str, &str)]) -> Result<Manifest, ManifestError> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let overrides: Vec<_> = overrides.iter().map(owned).collect();
    Manifest::parse(Path::new("stagegate.toml"), SMALL, &overrides)
}

/// Renders as a terminal of 80 columns without colour and without Unicode lines would show it.
fn render(error: &dyn Diagnostic) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(80);
    let mut out = String::new();
    handler.render_report(&mut out, error).unwrap();
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

fn wrong(text: &str) -> String {
    render(&parse(text).expect_err("the manifest is wrong"))
}

/// The small manifest with a piece replaced.
fn spoilt(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "`{from}` is not in the fixture");
    wrong(&SMALL.replacen(from, to, 1))
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
    let poisson = Arrivals::at(Gaps::Exponential, "20/s".parse().unwrap());
    assert_eq!(load.arrivals, poisson);
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

#[test]
fn every_shape_error_is_shown_at_once() {
    let text = SMALL
        .replace("timeout = \"10s\"", "timeout = \"10\"\nproxy = 9101")
        .replace("duration = \"60s\"", "duration = \"60s\"\nseeed = 3")
        .replace(
            "golden = \"golden.jsonl\"",
            "golden = \"golden.jsonl\"\nrepeats = \"three\"\nconcurency = 3",
        );
    insta::assert_snapshot!(wrong(&text), @r#"
x 5 problems in `stagegate.toml`

Error:
  x `timeout` of stage `gateway`: `10` is not a duration; write it like
  | `250ms`, `2s`, or `5m`
    ,-[stagegate.toml:21:11]
 20 | calls = ["retrieve"]
 21 | timeout = "10"
    :           ^^^^
 22 | proxy = 9101
    `----

Error:
  x `proxy` of stage `gateway`: expected a string, found integer `9101`
    ,-[stagegate.toml:22:9]
 21 | timeout = "10"
 22 | proxy = 9101
    :         ^^^^
 23 | slo = { response_time.p95 = "2s", error_rate = "1%" }
    `----

Error:
  x unknown key `seeed` in load `peak`
    ,-[stagegate.toml:33:1]
 32 | duration = "60s"
 33 | seeed = 3
    : ^^^^^
 34 |
    `----
  help: Did you mean `seed`?

Error:
  x `repeats` of eval `answers`: expected a whole number, found string "three"
    ,-[stagegate.toml:38:11]
 37 | golden = "golden.jsonl"
 38 | repeats = "three"
    :           ^^^^^^^
 39 | concurency = 3
    `----

Error:
  x unknown key `concurency` in eval `answers`
    ,-[stagegate.toml:39:1]
 38 | repeats = "three"
 39 | concurency = 3
    : ^^^^^^^^^^
 40 | slice_by = ["lang"]
    `----
  help: Did you mean `concurrency`?
"#);
}

#[test]
fn every_syntax_error_is_shown_at_once() {
    insta::assert_snapshot!(wrong("version = \n[deployment\nname = \"x\"\nowner = 'a\n"), @r#"
x 2 problems in `stagegate.toml`

Error:
  x not valid TOML: string values must be quoted, expected literal string
   ,-[stagegate.toml:1:11]
 1 | version =
   :           ^
 2 | [deployment
   `----

Error:
  x not valid TOML: unclosed table, expected `]`
   ,-[stagegate.toml:2:12]
 1 | version =
 2 | [deployment
   :            ^
 3 | name = "x"
   `----
"#);
}

#[test]
fn references_to_nothing_are_named_with_what_was_meant() {
    let text = SMALL
        .replace("entry = \"gateway\"", "entry = \"gatway\"")
        .replace("calls = [\"retrieve\"]", "calls = [\"retrive\", \"other\"]")
        .replace("evals = [\"answers\"]", "evals = [\"answer\"]");
    insta::assert_snapshot!(wrong(&text), @r#"
x 4 problems in `stagegate.toml`

Error:
  x `entry` of `[deployment]`: there is no stage or pipeline `gatway`
   ,-[stagegate.toml:5:9]
 4 | name = "small"
 5 | entry = "gatway"
   :         ^^^^^^^^
 6 | env = "local"
   `----
  help: Did you mean `gateway`?

Error:
  x `calls` of stage `gateway`: there is no stage `retrive`
    ,-[stagegate.toml:20:10]
 19 | url = "{{ env.api }}/chat"
 20 | calls = ["retrive", "other"]
    :          ^^^^^^^^^
 21 | timeout = "10s"
    `----
  help: Did you mean `retrieve`?

Error:
  x `calls` of stage `gateway`: there is no stage `other`
    ,-[stagegate.toml:20:21]
 19 | url = "{{ env.api }}/chat"
 20 | calls = ["retrive", "other"]
    :                     ^^^^^^^
 21 | timeout = "10s"
    `----
  help: Known are `gateway`, `retrieve`.

Error:
  x `evals` of `[gate]`: there is no eval `answer`
    ,-[stagegate.toml:42:10]
 41 | loads = ["peak"]
 42 | evals = ["answer"]
    :          ^^^^^^^^
 43 | [[gate.rule]]
    `----
  help: Did you mean `answers`?
"#);
}

#[test]
fn a_circle_of_calls_is_named() {
    let text = spoilt(
        "url = \"{{ env.api }}/search\"",
        "url = \"{{ env.api }}/search\"\ncalls = [\"gateway\"]",
    );
    insta::assert_snapshot!(text, @r#"
x the calls go round in a circle: gateway → retrieve → gateway
    ,-[stagegate.toml:17:1]
 16 |
 17 | [stage.gateway]
    : ^^^^^^^^^^^^^^^
 18 | kind = "http"
    `----
  help: Take one of these stages out of the `calls` of the one before it.
"#);
}

#[test]
fn unknown_keys_list_what_is_known_when_nothing_is_near() {
    insta::assert_snapshot!(spoilt("duration = \"60s\"", "duration = \"60s\"\nusers = 3"), @r#"
x unknown key `users` in load `peak`
    ,-[stagegate.toml:32:1]
 31 | duration = "60s"
 32 | users = 3
    : ^^^^^
 33 |
    `----
  help: Known are `arrivals`, `connections`, `data`, `duration`,
        `honour_retry_after`, `max_cost`, `max_requests`, `mix`, `order`,
        `prompts`, `requests`, `score_with`, `seed`, `sessions`, `target`,
        `warmup`.
"#);
    insta::assert_snapshot!(spoilt("[gate]", "[defaults]\na = 1\n[gate]"), @r#"
x unknown key `defaults`
    ,-[stagegate.toml:40:2]
 39 |
 40 | [defaults]
    :  ^^^^^^^^
 41 | a = 1
    `----
  help: Known are `accept`, `deployment`, `env`, `eval`, `fault`, `gate`,
        `load`, `pipeline`, `release`, `stage`, `version`.
"#);
    insta::assert_snapshot!(spoilt("loads = [\"peak\"]", "loads = [\"peak\"]\nmode = \"abba\""), @r#"
x `mode` of `[gate]` cannot be `abba`
    ,-[stagegate.toml:42:8]
 41 | loads = ["peak"]
 42 | mode = "abba"
    :        ^^^^^^
 43 | evals = ["answers"]
    `----
  help: Only `stored` is known here.
"#);
}

#[test]
fn several_environments_need_a_default_and_every_key_that_is_used() {
    insta::assert_snapshot!(spoilt("env = \"local\"\n", ""), @r#"
x `[deployment]` must say which `env` is the default
   ,-[stagegate.toml:3:1]
 2 |
 3 | [deployment]
   : ^^^^^^^^^^^^
 4 | name = "small"
   `----
  help: Add `env = "local"`; `-e NAME` picks another one.
"#);
    insta::assert_snapshot!(spoilt("api = \"https://eu.example\"", "apy = \"https://eu.example\""), @r#"
x 2 problems in `stagegate.toml`

Error:
  x stage `gateway`: `env.api` is missing in environment `eu`
    ,-[stagegate.toml:19:7]
 18 | kind = "http"
 19 | url = "{{ env.api }}/chat"
    :       ^^^^^^^^^^^^^^^^^^^^
 20 | calls = ["retrieve"]
    `----
  help: Every environment needs `api`.

Error:
  x stage `retrieve`: `env.api` is missing in environment `eu`
    ,-[stagegate.toml:26:7]
 25 | kind = "http"
 26 | url = "{{ env.api }}/search"
    :       ^^^^^^^^^^^^^^^^^^^^^^
 27 |
    `----
  help: Every environment needs `api`.
"#);
    insta::assert_snapshot!(spoilt("{{ env.api }}/search", "{{ env.apj }}/search"), @r#"
x stage `retrieve`: `env.apj` is missing in environments `eu`, `local`
    ,-[stagegate.toml:26:7]
 25 | kind = "http"
 26 | url = "{{ env.apj }}/search"
    :       ^^^^^^^^^^^^^^^^^^^^^^
 27 |
    `----
  help: Did you mean `api`?
"#);
}

#[test]
fn environments_hold_plain_values() {
    insta::assert_snapshot!(
        spoilt("[env.eu]\napi = \"https://eu.example\"", "[env.eu]\napi = \"{{ secret.HOST }}\"\nprotected = \"yes\""),
        @r#"
x 2 problems in `stagegate.toml`

Error:
  x `api` of environment `eu`: templates are not filled in here; put them into
  | the stage
    ,-[stagegate.toml:12:7]
 11 | [env.eu]
 12 | api = "{{ secret.HOST }}"
    :       ^^^^^^^^^^^^^^^^^^^
 13 | protected = "yes"
    `----

Error:
  x `protected` of environment `eu`: expected `true` or `false`
    ,-[stagegate.toml:13:13]
 12 | api = "{{ secret.HOST }}"
 13 | protected = "yes"
    :             ^^^^^
 14 |
    `----
"#
    );
}

#[test]
fn units_are_checked_where_they_stand() {
    insta::assert_snapshot!(spoilt("rate = \"20/s\"", "rate = \"20\""), @r#"
x `arrivals.rate` of load `peak`: `20` is not a rate; write it like `20/s`,
  | `600/m`, or `1000/h`
    ,-[stagegate.toml:30:42]
 29 | target = "gateway"
 30 | arrivals = { process = "poisson", rate = "20" }
    :                                          ^^^^
 31 | duration = "60s"
    `----
"#);
    insta::assert_snapshot!(spoilt("duration = \"60s\"", "duration = 60"), @r#"
x `duration` of load `peak`: expected a duration such as `250ms`, `2s`, or
  | `5m`, found integer `60`
    ,-[stagegate.toml:31:12]
 30 | arrivals = { process = "poisson", rate = "20/s" }
 31 | duration = 60
    :            ^^
 32 |
    `----
"#);
    insta::assert_snapshot!(spoilt("error_rate = \"1%\"", "error_rate = \"101%\""), @r#"
x `slo.error_rate` of stage `gateway`: `101%` is not a share between 0 and
  | 1; write it like `5%` or `0.05`
    ,-[stagegate.toml:22:48]
 21 | timeout = "10s"
 22 | slo = { response_time.p95 = "2s", error_rate = "101%" }
    :                                                ^^^^^^
 23 |
    `----
"#);
}

#[test]
fn slos_and_timeouts_are_checked_key_by_key() {
    insta::assert_snapshot!(spoilt("response_time.p95 = \"2s\"", "response_tme.p95 = \"2s\", ttft.p42 = \"1s\", tpot = \"1s\""), @r#"
x 3 problems in `stagegate.toml`

Error:
  x `slo.response_tme.p95` of stage `gateway`: there is no such metric
    ,-[stagegate.toml:22:28]
 21 | timeout = "10s"
 22 | slo = { response_tme.p95 = "2s", ttft.p42 = "1s", tpot = "1s", error_rate = "1%" }
    :                            ^^^^
 23 |
    `----
  help: Did you mean `response_time`?

Error:
  x `slo.ttft.p42` of stage `gateway`: there is no such statistic
    ,-[stagegate.toml:22:45]
 21 | timeout = "10s"
 22 | slo = { response_tme.p95 = "2s", ttft.p42 = "1s", tpot = "1s", error_rate = "1%" }
    :                                             ^^^^
 23 |
    `----
  help: Known are `max`, `mean`, `min`, `p50`, `p90`, `p95`, `p99`, `p999`.

Error:
  x `slo.tpot` of stage `gateway`: it must say which statistic
    ,-[stagegate.toml:22:58]
 21 | timeout = "10s"
 22 | slo = { response_tme.p95 = "2s", ttft.p42 = "1s", tpot = "1s", error_rate = "1%" }
    :                                                          ^^^^
 23 |
    `----
  help: Write it like `tpot.p95`.
"#);
    insta::assert_snapshot!(spoilt("timeout = \"10s\"", "timeout = { conect = \"1s\", idle = 3 }"), @r#"
x 2 problems in `stagegate.toml`

Error:
  x unknown key `conect` in `timeout` of stage `gateway`
    ,-[stagegate.toml:21:13]
 20 | calls = ["retrieve"]
 21 | timeout = { conect = "1s", idle = 3 }
    :             ^^^^^^
 22 | slo = { response_time.p95 = "2s", error_rate = "1%" }
    `----
  help: Did you mean `connect`?

Error:
  x `idle` of `timeout` of stage `gateway`: expected a duration such as
  | `250ms`, `2s`, or `5m`, found integer `3`
    ,-[stagegate.toml:21:35]
 20 | calls = ["retrieve"]
 21 | timeout = { conect = "1s", idle = 3 }
    :                                   ^
 22 | slo = { response_time.p95 = "2s", error_rate = "1%" }
    `----
"#);
}

#[test]
fn a_load_is_open_or_closed_and_has_one_end() {
    insta::assert_snapshot!(spoilt("rate = \"20/s\"", "concurrency = 3"), @r#"
x `arrivals` of load `peak` mixes an open and a closed loop
    ,-[stagegate.toml:30:12]
 29 | target = "gateway"
 30 | arrivals = { process = "poisson", concurrency = 3 }
    :            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 31 | duration = "60s"
    `----
  help: Write `arrivals = { process = "poisson", rate = "20/s" }`, or
        `{ concurrency = 8 }` for a closed loop.
"#);
    insta::assert_snapshot!(spoilt("process = \"poisson\", rate = \"20/s\"", "concurrency = 0"), @r#"
x `arrivals.concurrency` of load `peak` must be at least 1
    ,-[stagegate.toml:30:28]
 29 | target = "gateway"
 30 | arrivals = { concurrency = 0 }
    :                            ^
 31 | duration = "60s"
    `----
"#);
    insta::assert_snapshot!(spoilt("poisson", "poison"), @r#"
x `arrivals.process` of load `peak` cannot be `poison`
    ,-[stagegate.toml:30:24]
 29 | target = "gateway"
 30 | arrivals = { process = "poison", rate = "20/s" }
    :                        ^^^^^^^^
 31 | duration = "60s"
    `----
  help: Did you mean `poisson`?
"#);
    insta::assert_snapshot!(spoilt("duration = \"60s\"", "duration = \"60s\"\nrequests = 5"), @r#"
x load `peak` has both `duration` and `requests`
    ,-[stagegate.toml:32:12]
 31 | duration = "60s"
 32 | requests = 5
    :            ^
 33 |
    `----
  help: Keep one of them; `max_requests` limits a `duration`.
"#);
    insta::assert_snapshot!(spoilt("duration = \"60s\"", ""), @r#"
x load `peak` does not say when it ends
    ,-[stagegate.toml:28:1]
 27 |
 28 | [load.peak]
    : ^^^^^^^^^^^
 29 | target = "gateway"
    `----
  help: Add `duration = "60s"` or `requests = 1000`.
"#);
}

/// What is said of a rule with that metric and `max`.
#[test]
fn each_stands_for_every_stage() {
    let manifest = with(&[("load.peak.target", "\"each\"")]).unwrap();
    let targets: Vec<&str> = manifest.loads[0]
        .targets
        .iter()
        .map(crate::name::Name::as_str)
        .collect();
    assert_eq!(targets, ["gateway", "retrieve"]);
}

fn rule_says(rules: &[(&str, &str)]) -> String {
    let says = |(metric, max): &(&str, &str)| {
        let text = SMALL
            .replace("load.peak.gateway.response_time.p95", metric)
            .replace("max = \"2s\"", &format!("max = {max}"));
        wrong(&text)
    };
    rules.iter().map(says).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn rules_speak_of_loads_that_the_gate_runs() {
    let rules = [
        ("load.peak.gateway.response_time.p59", "\"2s\""),
        ("load.peek.gateway.response_time.p95", "\"2s\""),
        ("load.peak.retrieve.response_time.p95", "\"2s\""),
    ];
    insta::assert_snapshot!(rule_says(&rules), @r#"
x `metric` of `[[gate.rule]]`: `response_time.p59` is not a metric of a
  | stage under load
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "load.peak.gateway.response_time.p59"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = "2s"
    `----
  help: Did you mean `p50`?

x metric `load.peek.gateway.response_time.p95`: there is no load `peek`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "load.peek.gateway.response_time.p95"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = "2s"
    `----
  help: Did you mean `peak`?

x metric `load.peak.retrieve.response_time.p95`: load `peak` does not call
  | `retrieve`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "load.peak.retrieve.response_time.p95"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = "2s"
    `----
  help: Add `retrieve` to the `target` of load `peak`.
"#);
}

#[test]
fn limits_are_in_the_unit_of_their_metric() {
    let rules = [
        ("load.peak.gateway.error_rate", "\"2s\""),
        ("load.peak.gateway.response_time.p95", "2.5"),
    ];
    insta::assert_snapshot!(rule_says(&rules), @r#"
x `max` of `[[gate.rule]]`: `2s` is not a share between 0 and 1; write it
  | like `5%` or `0.05`
    ,-[stagegate.toml:45:7]
 44 | metric = "load.peak.gateway.error_rate"
 45 | max = "2s"
    :       ^^^^
    `----

x `max` of `[[gate.rule]]`: `2.5` has no unit; write it like `250ms`, `2s`,
  | or `5m`
    ,-[stagegate.toml:45:7]
 44 | metric = "load.peak.gateway.response_time.p95"
 45 | max = 2.5
    :       ^^^
    `----
"#);
}

#[test]
fn rules_speak_of_what_evals_and_faults_measure() {
    let rules = [
        ("eval.answers.contian.score", "0.5"),
        ("eval.answers.slice.\\\"topic=x\\\".pass_rate", "0.5"),
        ("fault.none.recovery", "\"2s\""),
        ("gateway.p95", "\"2s\""),
    ];
    insta::assert_snapshot!(rule_says(&rules), @r#"
x eval `answers` has no assertion `contian`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "eval.answers.contian.score"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = 0.5
    `----
  help: Did you mean `contains`?

x eval `answers` is not sliced by `topic`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "eval.answers.slice.\"topic=x\".pass_rate"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 45 | max = 0.5
    `----
  help: Add `topic` to its `slice_by`.

x metric `fault.none.recovery`: there is no fault `none`
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "fault.none.recovery"
    :          ^^^^^^^^^^^^^^^^^^^^^
 45 | max = "2s"
    `----

x `metric` of `[[gate.rule]]`: `gateway.p95` is not a metric
    ,-[stagegate.toml:44:10]
 43 | [[gate.rule]]
 44 | metric = "gateway.p95"
    :          ^^^^^^^^^^^^^
 45 | max = "2s"
    `----
  help: A metric begins with `load`, `eval`, or `fault`. Known are `eval`,
        `fault`, `load`.
"#);
}

#[test]
fn rules_on_what_the_gate_does_not_run_are_refused() {
    insta::assert_snapshot!(spoilt("loads = [\"peak\"]\n", ""), @r#"
x metric `load.peak.gateway.response_time.p95`: the gate does not run `peak`
    ,-[stagegate.toml:43:10]
 42 | [[gate.rule]]
 43 | metric = "load.peak.gateway.response_time.p95"
    :          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
 44 | max = "2s"
    `----
  help: Add `peak` to `loads` of `[gate]`.
"#);
}

#[test]
fn assertions_go_by_their_name_else_by_their_kind() {
    let more = "[[eval.answers.assert]]\nkind = \"contains\"\n[[eval.answers.assert]]\nkind = \"equals\"\n\
                name = \"exact\"\n";
    let rule = "[[gate.rule]]\nmetric = \"eval.answers.exact.score\"\nmin = 0.5\n";
    let manifest = parse(&(SMALL.replacen("[gate]", &format!("{more}[gate]"), 1) + rule)).unwrap();

    let names = manifest.evals[0].assertion_names();
    assert_eq!(names, ["contains", "contains-2", "exact"]);
}

#[test]
fn limits_of_change_fit_their_metric() {
    let text = SMALL.replace("max = \"2s\"", "max_drop = \"5%\"")
        + "[[gate.rule]]\nmetric = \"eval.answers.pass_rate\"\nmax_increase = \"5%\"\n[[gate.rule]]\nmetric = \"eval.answers.pass_rate\"\n";
    insta::assert_snapshot!(wrong(&text), @r#"
x 3 problems in `stagegate.toml`

Error:
  x `max_drop` of `[[gate.rule]]` 1 is for shares only
    ,-[stagegate.toml:45:12]
 44 | metric = "load.peak.gateway.response_time.p95"
 45 | max_drop = "5%"
    :            ^^^^
 46 | [[gate.rule]]
    `----
  help: Use `max_increase`.

Error:
  x `max_increase` of `[[gate.rule]]` 2 is for times only
    ,-[stagegate.toml:48:16]
 47 | metric = "eval.answers.pass_rate"
 48 | max_increase = "5%"
    :                ^^^^
 49 | [[gate.rule]]
    `----
  help: Use `max_drop`.

Error:
  x `[[gate.rule]]` 3 has no limit
    ,-[stagegate.toml:49:1]
 48 | max_increase = "5%"
 49 | [[gate.rule]]
    : ^^^^^^^^^^^^^
 50 | metric = "eval.answers.pass_rate"
    `----
  help: Add `min`, `max`, or `max_drop = "5%"`.
"#);
}

#[test]
fn names_are_legal_and_unique() {
    let text = SMALL.to_owned()
        + "[pipeline.gateway]\nsteps = [\"retrieve\"]\n[stage.\"a b\"]\nkind = \"http\"\n";
    insta::assert_snapshot!(wrong(&text), @r#"
x 2 problems in `stagegate.toml`

Error:
  x `gateway` is the name of a stage already
    ,-[stagegate.toml:46:1]
 45 | max = "2s"
 46 | [pipeline.gateway]
    : ^^^^^^^^^^^^^^^^^^
 47 | steps = ["retrieve"]
    `----
  help: Stages and pipelines need names of their own.

Error:
  x a stage has a wrong name: `a b` is not a name: use letters, digits, `_`
  | and `-`
    ,-[stagegate.toml:48:8]
 47 | steps = ["retrieve"]
 48 | [stage."a b"]
    :        ^^^^^
 49 | kind = "http"
    `----
"#);
}

#[test]
fn templates_that_name_no_stage_are_found() {
    let body = |body: &str| {
        spoilt(
            "url = \"{{ env.api }}/search\"",
            &format!("url = \"{{{{ env.api }}}}/search\"\nbody = \"{body}\""),
        )
    };
    insta::assert_snapshot!(body("{{ steps.gatewy.text }}"), @r#"
x stage `retrieve`: there is no stage `gatewy`
    ,-[stagegate.toml:27:8]
 26 | url = "{{ env.api }}/search"
 27 | body = "{{ steps.gatewy.text }}"
    :        ^^^^^^^^^^^^^^^^^^^^^^^^^
 28 |
    `----
  help: Did you mean `gateway`?
"#);
}

#[test]
fn version_must_be_one() {
    insta::assert_snapshot!(spoilt("version = 1", "version = 2"), @r#"
x `version` must be 1
   ,-[stagegate.toml:1:11]
 1 | version = 2
   :           ^
 2 |
   `----
  help: Write `version = 1`.
"#);
    insta::assert_snapshot!(wrong(""), @r#"
x 2 problems in `stagegate.toml`

Error:
  x the manifest has no `version`
   ,-[stagegate.toml:1:1]
   `----
  help: Write `version = 1`.

Error:
  x the manifest has no stage
   ,-[stagegate.toml:1:1]
   `----
  help: Add `[stage.NAME]` with `kind` and `url`.
"#);
}

#[test]
fn faults_expect_what_can_be_measured() {
    let fault =
        "[fault.slow]\nstage = \"gateway\"\nload = \"peak\"\ninject = { kind = \"latency\" }\n";
    let text =
        SMALL.to_owned() + fault + "expect = { succes_rate = \">= 99%\", recovery = \"5s\" }\n";
    insta::assert_snapshot!(wrong(&text), @r#"
x 2 problems in `stagegate.toml`

Error:
  x unknown key `succes_rate` in `expect` of fault `slow`
    ,-[stagegate.toml:50:12]
 49 | inject = { kind = "latency" }
 50 | expect = { succes_rate = ">= 99%", recovery = "5s" }
    :            ^^^^^^^^^^^
    `----
  help: Did you mean `success_rate`?

Error:
  x `expect.recovery` of fault `slow` is not a limit
    ,-[stagegate.toml:50:47]
 49 | inject = { kind = "latency" }
 50 | expect = { succes_rate = ">= 99%", recovery = "5s" }
    :                                               ^^^^
    `----
  help: Write it like `"<= 5s"`.
"#);
}

#[test]
fn overrides_are_shown_as_they_were_written() {
    let error = with(&[
        ("load.peak.arrivals.rate", "20"),
        ("load.peak.seed", "seven"),
    ]);
    insta::assert_snapshot!(render(&error.expect_err("both are wrong")), @r#"
x 2 problems in `stagegate.toml`

Error:
  x `arrivals.rate` of load `peak`: expected a rate such as `20/s` or `600/m`,
  | found integer `20`
   ,-[--set load.peak.arrivals.rate=20:1:25]
 1 | load.peak.arrivals.rate=20
   :                         ^^
   `----

Error:
  x `seed` of load `peak`: expected a whole number, found string "seven"
   ,-[--set load.peak.seed=seven:1:16]
 1 | load.peak.seed=seven
   :                ^^^^^
   `----
"#);
    let error = with(&[("version.x", "1")]);
    insta::assert_snapshot!(render(&error.expect_err("`version` is a number")), @r#"
x `version` is not a table, from `--set version.x=1`
   ,-[--set version.x=1:1:1]
 1 | version.x=1
   : ^^^^^^^^^
   `----
"#);
}

#[test]
fn overrides_change_add_and_create() {
    let manifest = with(&[
        ("load.peak.seed", "11"),
        ("load.peak.duration", "5s"),
        (
            "stage.retrieve.timeout",
            "{ connect = \"1s\", total = \"3s\" }",
        ),
        ("env.local.api", "http://127.0.0.1:9000"),
        ("gate.rule.0.max", "3s"),
    ]);
    let manifest = manifest.unwrap_or_else(|error| panic!("{}", render(&error)));

    let load = manifest.load_named("peak").unwrap();
    assert_eq!(
        (load.seed, load.until),
        (11, Length::Until(Until::Duration(Duration::from_secs(5))))
    );
    let timeout = manifest.stage("retrieve").unwrap().timeout;
    assert_eq!(timeout.connect, Some(Duration::from_secs(1)));
    assert_eq!(timeout.total, Duration::from_secs(3));
    let (_, environment) = manifest.environment(None).unwrap();
    assert_eq!(environment.values["api"], "http://127.0.0.1:9000");
    assert_eq!(
        manifest.gate.unwrap().rules[0].max,
        Some(limit(3_000.0, Unit::Time))
    );
}

#[test]
fn environments_are_picked_by_flag_then_default() {
    let manifest = parse(SMALL).unwrap();
    assert_eq!(manifest.environment(None).unwrap().0.as_str(), "local");
    assert_eq!(manifest.environment(Some("eu")).unwrap().0.as_str(), "eu");
    let error = manifest.environment(Some("euu")).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    insta::assert_snapshot!(render(error.diagnostic()), @r#"
x there is no environment `euu`
  help: Did you mean `eu`? Known are `eu`, `local`.
"#);

    let bare = "version = 1\n[stage.a]\nkind = \"http\"\nurl = \"http://127.0.0.1/\"\n";
    let (name, environment) = parse(bare).unwrap().environment(None).unwrap();
    assert_eq!(name.as_str(), "default");
    assert!(environment.values.is_empty());
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Manifest::load_draft(Path::new("no/such/stagegate.toml"), &[]).unwrap_err();
    assert_eq!(missing.kind(), Kind::Manifest);
    insta::assert_snapshot!(render(missing.diagnostic()), @r#"
x there is no manifest `no/such/stagegate.toml`
  help: Run `stagegate init` to make one, or name another with `-m FILE`.
"#);

    let path = folder.path().join("stagegate.toml");
    std::fs::write(&path, b"version = 1\nname = \"\xff\"\n").unwrap();
    let garbled = Manifest::load_draft(&path, &[]).unwrap_err();
    assert_eq!(garbled.kind(), Kind::Manifest);
    let message = garbled.diagnostic().to_string();
    assert!(message.ends_with("is not UTF-8: line 2 holds a byte that is not text"));

    let unreadable = Manifest::load_draft(folder.path(), &[]).unwrap_err();
    assert_eq!(unreadable.kind(), Kind::Environment);
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    url: Template,
    #[serde(default)]
    body: Option<ValueTemplate>,
    #[serde(default)]
    stream: bool,
}

#[test]
fn a_draft_lets_owners_of_kinds_add_to_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stagegate.toml");
    let text = "version = 1\n[stage.a]\nkind = \"http\"\nurl = \"x\"\ntimout = \"1s\"\ncalls = [\"b\"]\n\
                owner = 3\n[eval.e]\ngolden = \"g\"\nrepeats = 0\n[[eval.e.assert]]\nkind = \"equals\"\n";
    std::fs::write(&path, text).unwrap();
    let (manifest, mut problems) = Manifest::load_draft(&path, &[]).unwrap();

    let spec: Option<Spec> = manifest.stages[0].kind.parse(&mut problems);
    assert!(spec.is_none());
    assert_eq!(manifest.evals[0].asserts[0].kind, "equals");
    let messages: Vec<&str> = problems.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "`owner` of stage `a`: expected a string, found integer `3`",
            "`calls` of stage `a`: there is no stage `b`",
            "eval `e` has no `stage`",
            "`repeats` of eval `e` must be at least 1",
            "unknown key `timout` in stage `a`",
        ]
    );
}

/// What the owner of a kind says of the first stage of a manifest.
fn owner_says(stage: &str) -> String {
    let text = format!("version = 1\n[stage.a]\nkind = \"http\"\n{stage}");
    let manifest = parse(&text).unwrap_or_else(|error| panic!("{}", render(&error)));
    let mut problems = Problems::default();
    let spec: Option<Spec> = manifest.stages[0].kind.parse(&mut problems);
    assert!(spec.is_none());
    render(&problems.into_error(&manifest.source))
}

#[test]
fn owners_of_kinds_report_into_the_same_text() {
    insta::assert_snapshot!(
        owner_says("uri = \"{{ input }}\"\nstream = \"yes\"\nbody = { a = [1, \"{{ input\"], b = \"{{ inputt.x }}\" }\ntimeouts = 3\n"),
        @r#"
x 6 problems in `stagegate.toml`

Error:
  x stage `a` has no `url`
   ,-[stagegate.toml:2:1]
 1 | version = 1
 2 | [stage.a]
   : ^^^^^^^^^
 3 | kind = "http"
   `----
  help: Add `url = …`.

Error:
  x unknown key `uri` in stage `a`
   ,-[stagegate.toml:4:1]
 3 | kind = "http"
 4 | uri = "{{ input }}"
   : ^^^
 5 | stream = "yes"
   `----
  help: Did you mean `url`?

Error:
  x `stream` of stage `a`: expected `true` or `false`, found string "yes"
   ,-[stagegate.toml:5:10]
 4 | uri = "{{ input }}"
 5 | stream = "yes"
   :          ^^^^^
 6 | body = { a = [1, "{{ input"], b = "{{ inputt.x }}" }
   `----

Error:
  x `body.a` of stage `a`: `{{ input` is not a template: unexpected end of
  | input, expected end of variable block
   ,-[stagegate.toml:6:18]
 5 | stream = "yes"
 6 | body = { a = [1, "{{ input"], b = "{{ inputt.x }}" }
   :                  ^^^^^^^^^^
 7 | timeouts = 3
   `----

Error:
  x `body.b` of stage `a`: `{{ inputt.x }}` is not a template: `inputt` is not
  | known; did you mean `input`?
   ,-[stagegate.toml:6:35]
 5 | stream = "yes"
 6 | body = { a = [1, "{{ input"], b = "{{ inputt.x }}" }
   :                                   ^^^^^^^^^^^^^^^^
 7 | timeouts = 3
   `----

Error:
  x unknown key `timeouts` in stage `a`
   ,-[stagegate.toml:7:1]
 6 | body = { a = [1, "{{ input"], b = "{{ inputt.x }}" }
 7 | timeouts = 3
   : ^^^^^^^^
   `----
  help: Did you mean `timeout`?
"#
    );
}

#[test]
fn owners_of_kinds_say_what_is_unknown_and_missing() {
    insta::assert_snapshot!(owner_says("url = \"{{ input | urlencod }}\"\n"), @r#"
x `url` of stage `a`: `{{ input | urlencod }}` is not a template: there is
  | no filter `urlencod`
   ,-[stagegate.toml:4:7]
 3 | kind = "http"
 4 | url = "{{ input | urlencod }}"
   :       ^^^^^^^^^^^^^^^^^^^^^^^^
   `----
"#);
    insta::assert_snapshot!(owner_says("stream = true\n"), @r#"
x stage `a` has no `url`
   ,-[stagegate.toml:2:1]
 1 | version = 1
 2 | [stage.a]
   : ^^^^^^^^^
 3 | kind = "http"
   `----
  help: Add `url = …`.
"#);
}

#[test]
fn owners_of_kinds_get_their_type() {
    let table = KindTable::from_toml(
        "http",
        "url = \"x\"\nbody = { b = 1, a = \"{{ input }}\" }\nstream = true",
    );
    let mut problems = Problems::default();
    let spec: Spec = table.parse(&mut problems).unwrap();

    assert!(problems.is_empty() && spec.stream);
    assert_eq!(spec.url, Template::plain("x"));
    let scope = Scope {
        input: "q".into(),
        ..Scope::default()
    };
    let body = spec.body.unwrap().value(&scope).unwrap();
    assert_eq!(body.to_string(), r#"{"b":1,"a":"q"}"#);
}

#[test]
fn a_topology_knows_whom_a_stage_calls_and_what_a_pipeline_drives() {
    let topology = Topology::new(&parse(CONTRACT).unwrap());
    let callees = |name: &str| -> Vec<&str> {
        let callees = topology.callees(name).iter();
        callees.map(crate::name::Name::as_str).collect()
    };

    assert_eq!(callees("gateway"), ["retrieve", "rerank", "llm"]);
    assert_eq!(callees("chat"), ["retrieve", "rerank", "llm"]);
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
