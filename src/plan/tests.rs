//! Manifests resolved into what the engines run: names, cases, budgets, and what cannot be.

use std::path::Path;
use std::time::Duration;

use miette::Diagnostic;
use serde_json::{Value, json};

use super::*;
use crate::arrival::{Timing, Until};
use crate::error::{Classify, Error, Fault, Kind, Result};
use crate::load::LoadPlan;
use crate::manifest::Load;
use crate::measure::Clock;
use crate::record::Shard;
use crate::transport::Client;

/// A deployment that answers nobody: three stages, a pipeline of two, and a golden set of four
/// cases in two conversations.
const MANIFEST: &str = r#"
version = 1
[deployment]
name = "d"
entry = "gateway"
[stage.gateway]
kind = "http"
url = "http://127.0.0.1:9/chat"
method = "POST"
body = { q = "{{ input.q }}" }
calls = ["retrieve", "rerank"]
slo = { response_time.p95 = "2s", error_rate = "1%" }
[stage.retrieve]
kind = "retrieval"
url = "http://127.0.0.1:9/search"
body = { q = "{{ input.q }}" }
output = { ids = "$.hits[*].id", texts = "$.hits[*].text" }
[stage.rerank]
kind = "rerank"
url = "http://127.0.0.1:9/rerank"
body = { q = "{{ input.q }}", documents = "{{ steps.retrieve.texts }}" }
output = { ids = "$.results[*].id" }
[pipeline.chat]
steps = ["retrieve", "gateway"]
[load.peak]
target = ["gateway"]
arrivals = { process = "poisson", rate = "20/s" }
duration = "60s"
seed = 7
data = "golden.jsonl"
max_requests = 1000
max_cost = 3.0
[load.driven]
target = ["chat"]
arrivals = { concurrency = 8 }
requests = 100
data = "golden.jsonl"
[load.mixed]
arrivals = { concurrency = 4 }
duration = "10s"
data = "golden.jsonl"
[load.mixed.mix.asker]
weight = 3
target = "gateway"
[load.mixed.mix.finder]
target = "retrieve"
sessions = { think_time = "1s" }
[eval.answers]
stage = "gateway"
golden = "golden.jsonl"
must_pass = ["q1"]
[[eval.answers.assert]]
kind = "contains"
value = "{{ expected }}"
[gate]
loads = ["peak"]
evals = ["answers"]
"#;

const GOLDEN: &str = r#"{"id": "q1", "input": {"q": "a"}, "expected": "x", "group": "one"}
{"id": "q2", "input": {"q": "b"}, "expected": "x", "group": "two"}
{"id": "q3", "input": {"q": "c"}, "expected": "x", "group": "one"}
{"id": "q4", "input": {"q": "d"}, "expected": "x"}
"#;

/// A project that was opened, with the folder that it is in.
struct Opened {
    project: Project,
    client: Client,
    clock: Clock,
    _folder: tempfile::TempDir,
}

/// Opens the project with a piece of its manifest replaced.
fn open_with(from: &str, to: &str) -> Result<Opened> {
    assert!(MANIFEST.contains(from), "`{from}` is not in the manifest");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("stagegate.toml", &MANIFEST.replacen(from, to, 1));
    write("golden.jsonl", GOLDEN);
    let project = Project::open(&Chosen {
        manifest: folder.path().join("stagegate.toml"),
        ..Chosen::default()
    })?;
    Ok(Opened {
        project,
        client: Client::default(),
        clock: Clock::manual("2026-11-24T12:00:00Z".parse().unwrap()),
        _folder: folder,
    })
}

fn open() -> Opened {
    open_with("version = 1", "version = 1").unwrap()
}

/// What is wrong with the manifest when a piece of it is replaced.
fn wrong(from: &str, to: &str) -> String {
    let Err(error) = open_with(from, to) else {
        panic!("`{to}` is right");
    };
    assert_eq!(error.kind(), Kind::Manifest);
    let told = error.faults().iter().map(|fault| {
        let help = fault.help.clone().unwrap_or_default();
        format!("{}: {}\n  {help}", fault.line.unwrap_or(0), fault.message)
    });
    told.collect::<Vec<_>>().join("\n")
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

impl Opened {
    fn site(&self) -> Site<'_> {
        Site {
            project: &self.project,
            client: &self.client,
            clock: &self.clock,
        }
    }

    fn load(&self, name: &str, portion: &Portion) -> Result<LoadPlan> {
        let load = self.project.load(name).unwrap();
        wait(load_plan(&self.site(), load, portion))
    }

    fn profile(&self, whole: &str, overrides: &ProfileOverrides) -> Result<ProfilePlan> {
        wait(profile_plan(&self.site(), whole, overrides))
    }
}

fn message<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("it is right"),
        Err(error) => error.to_string_with_help(),
    }
}

impl Error {
    fn to_string_with_help(&self) -> String {
        let help = self.diagnostic().help().map(|it| it.to_string());
        format!("{} | {}", self.diagnostic(), help.unwrap_or_default())
    }
}

fn names(plan: &LoadPlan) -> Vec<String> {
    plan.scenario_names().map(str::to_owned).collect()
}

#[test]
fn a_stage_is_sent_each_case_and_a_pipeline_its_first_step() {
    let opened = open();
    let plan = opened.load("peak", &Portion::default()).unwrap();
    let alone = &plan.scenarios[0];
    assert_eq!(names(&plan), ["gateway"]);
    assert_eq!((alone.steps.len(), alone.cases.requests.len()), (1, 4));
    assert!(alone.whole.is_none() && alone.cases.scopes.is_empty());
    let plan = opened.load("driven", &Portion::default()).unwrap();
    assert_eq!(names(&plan), ["chat"]);
    let stages: Vec<&str> = plan.stages.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(stages, ["retrieve", "gateway"]);
    let chat = &plan.scenarios[0];
    assert_eq!((chat.steps.len(), chat.cases.requests.len()), (2, 4));
    assert_eq!(chat.cases.scopes.len(), 4);
    assert_eq!(chat.cases.ids, ["q1", "q2", "q3", "q4"]);
    let whole = chat.whole.as_ref().unwrap();
    assert!(whole.is_judged && whole.name == "chat" && whole.slo.is_empty());
    assert!(matches!(plan.until, Until::Requests(100)));
    assert!(matches!(plan.timing, Timing::Closed(users) if users.concurrency == 8));
}

#[test]
fn kinds_of_users_share_the_arrivals_and_have_figures_of_their_own() {
    let opened = open();
    let plan = opened.load("mixed", &Portion::default()).unwrap();
    assert_eq!(names(&plan), ["asker", "finder"]);
    let sizes: Vec<f64> = plan
        .scenarios
        .iter()
        .map(|it| it.share.unwrap().size())
        .collect();
    assert_eq!(sizes, [0.75, 0.25]);
    let wholes = plan.scenarios.iter().map(|it| it.whole.as_ref().unwrap());
    assert!(wholes.clone().all(|it| !it.is_judged));
    // The scope of every case: what a turn writes when it is due.
    assert!(plan.scenarios.iter().all(|it| it.cases.scopes.len() == 4));
    let sessions = plan.scenarios[1].cases.sessions.as_ref().unwrap();
    assert_eq!(sessions.turns, [vec![0, 2], vec![1], vec![3]]);
    assert_eq!(sessions.think_time, Duration::from_secs(1));
    assert!(plan.scenarios[1].cases.requests.is_empty());
}

#[test]
fn shards_share_the_budgets_and_know_which_they_are() {
    let opened = open();
    let load = opened.project.load("peak").unwrap();
    let shards = (0..3).map(|index| {
        let portion = Portion {
            shard: Some(Shard { index, of: 3 }),
            ..Portion::default()
        };
        opened.load("peak", &portion).unwrap()
    });
    let shards: Vec<LoadPlan> = shards.collect();
    let requests: u64 = shards.iter().filter_map(|it| it.max_requests).sum();
    let usd: f64 = shards.iter().filter_map(|it| it.max_cost).sum();
    assert_eq!((requests, usd), (1000, 3.0));
    let documents: Vec<Value> = shards.iter().map(|it| plan_document(load, it)).collect();
    let told: Vec<&Value> = documents.iter().map(|it| &it[SHARD]).collect();
    assert_eq!(told, ["0/3", "1/3", "2/3"]);
    let whole = plan_document(load, &opened.load("peak", &Portion::default()).unwrap());
    assert_eq!(whole.get(SHARD), None);
    // Two loads of other data under one name are not alike.
    let digest = whole["data_digest"].as_str().unwrap();
    assert!(digest.starts_with("blake3:"), "{digest}");
    assert_eq!(
        whole,
        json!({
            "target": ["gateway"], "arrivals": {"process": "poisson", "rate": "20/s"},
            "warmup": "0ms", "seed": 7, "connections": "pooled", "max_requests": 1000,
            "max_cost": 3.0, "data": "golden.jsonl", "data_digest": whole["data_digest"], "prompts": null, "order": "in_turn",
            "sessions": null, "duration": "1m",
        })
    );
}

#[test]
fn other_stages_may_be_put_under_a_load_but_not_under_a_mix() {
    let opened = open();
    let only = |stages: &[&str]| Portion {
        stages: stages.iter().map(|it| (*it).to_owned()).collect(),
        ..Portion::default()
    };
    let plan = opened
        .load("peak", &only(&["retrieve", "retrieve", "chat"]))
        .unwrap();
    assert_eq!(names(&plan), ["retrieve", "chat"]);
    insta::assert_snapshot!(
        message(opened.load("mixed", &only(&["retrieve"]))),
        @"`--stage retrieve`: load `mixed` is a mix | Name a load with a `target`, or leave `--stage` out."
    );
    let unknown = message(opened.load("peak", &only(&["retreive"])));
    assert!(
        unknown.starts_with("there is no stage `retreive`"),
        "{unknown}"
    );
    assert!(unknown.ends_with("Did you mean `retrieve`?"), "{unknown}");
}

#[test]
fn flags_replace_what_the_manifest_says_and_nothing_else() {
    let opened = open();
    let load = opened.project.load("peak").unwrap();
    let apply = |overrides: LoadOverrides| overrides.apply(load);
    let none = apply(LoadOverrides::default());
    let told = |load: &Load| (load.arrivals.document(), load.until, load.seed);
    assert_eq!(told(&none), told(load));
    let rate = apply(LoadOverrides {
        rate: "5/s".parse().ok(),
        seed: Some(9),
        ..LoadOverrides::default()
    });
    // The gaps stay those of the manifest.
    assert_eq!(
        rate.arrivals.document(),
        json!({"process": "poisson", "rate": "5/s"})
    );
    assert_eq!(rate.seed, 9);
    let closed = apply(LoadOverrides {
        concurrency: Some(3),
        duration: Some(Duration::from_secs(2)),
        ..LoadOverrides::default()
    });
    assert_eq!(
        closed.arrivals.document(),
        json!({"concurrency": 3, "think_time": "0ms"})
    );
    assert_eq!(
        closed.until,
        crate::arrival::Length::Until(Until::Duration(Duration::from_secs(2)))
    );
}

#[test]
fn a_kind_of_user_without_a_user_is_refused() {
    let opened = open();
    let load = opened.project.load("mixed").unwrap();
    let few = LoadOverrides {
        concurrency: Some(1),
        ..LoadOverrides::default()
    };
    let plan = wait(load_plan(
        &opened.site(),
        &few.apply(load),
        &Portion::default(),
    ));
    insta::assert_snapshot!(
        message(plan),
        @"of 1 users, none is left for scenario `finder` of load `mixed` | Raise `--concurrency`."
    );
}

#[test]
fn a_search_starts_at_the_rate_of_the_load_and_needs_an_slo() {
    let opened = open();
    let search = |name: &str, length: Option<Duration>| {
        let load = opened.project.load(name).unwrap();
        wait(capacity_plan(
            &opened.site(),
            load,
            &Portion::default(),
            length,
        ))
    };
    let plan = search("peak", None).unwrap();
    assert_eq!((plan.first_rate, plan.load.max_requests), (20.0, None));
    assert_eq!(plan.long, Some(Duration::from_mins(2)));
    // An answer that takes four times its limit is not waited for.
    assert_eq!(plan.load.stages[0].timeouts.total, Duration::from_secs(8));
    let look = |rate, long| Look {
        rate,
        long,
        at_least_s: 0.0,
    };
    // 72 samples for a p95, with some to spare, at one a second.
    let probe = plan.at(look(1.0, false));
    assert!(matches!(probe.until, Until::Duration(length) if length.as_secs() == 96));
    let long = plan.at(look(1000.0, true));
    assert_eq!(
        (long.warmup, long.until),
        (
            Duration::from_secs(30),
            Until::Duration(Duration::from_secs(90))
        )
    );
    let (least, most) = plan.takes();
    assert!(least < most);
    // A closed loop has no rate to begin with.
    assert_eq!(
        search("driven", Some(Duration::from_secs(2)))
            .unwrap()
            .first_rate,
        10.0
    );
    assert_eq!(
        search("peak", Some(Duration::from_secs(2))).unwrap().long,
        None
    );
    let bare = open_with(
        "slo = { response_time.p95 = \"2s\", error_rate = \"1%\" }\n",
        "",
    )
    .unwrap();
    let load = bare.project.load("peak").unwrap();
    let plan = wait(capacity_plan(&bare.site(), load, &Portion::default(), None));
    assert!(message(plan).starts_with("`--find-limit` needs an SLO"));
}

#[test]
fn a_pipeline_is_profiled_by_its_steps_and_a_stage_by_those_it_calls() {
    let opened = open();
    let driven = opened
        .profile("chat", &ProfileOverrides::default())
        .unwrap();
    assert_eq!(driven.parts, ["retrieve", "gateway"]);
    assert!(driven.driven && driven.nested.is_empty());
    assert_eq!((driven.measurements(), driven.seed), (6, 1));
    assert_eq!(driven.load, "8 users");
    let calling = opened.profile(
        "gateway",
        &ProfileOverrides {
            rate: "2/s".parse().ok(),
            each: Some(Duration::from_secs(1)),
            ..ProfileOverrides::default()
        },
    );
    // The reranker's request takes what the retriever says, and neither calls the other.
    let error = message(calling);
    assert!(
        error.contains("step `retrieve` before it failed"),
        "{error}"
    );
    let leaf = opened
        .profile("retrieve", &ProfileOverrides::default())
        .unwrap();
    assert!(leaf.driven && leaf.parts.is_empty());
    assert_eq!(leaf.load, "20/s");
    assert_eq!(leaf.length(), leaf.each * 2);
    assert!(message(opened.profile("no name", &ProfileOverrides::default())).contains("no name"));
    assert_eq!(default_whole(&opened.project.manifest).unwrap(), "gateway");
}

#[test]
fn a_suite_is_resolved_with_the_steps_before_its_stage() {
    let opened = open();
    let suite = opened.project.eval("answers").unwrap();
    let plan = |options: &EvalOptions| eval_plan(&opened.project, suite, options, &opened.clock);
    let whole = plan(&EvalOptions::default()).unwrap();
    assert_eq!((whole.golden.cases.len(), whole.repeats), (4, 1));
    assert!(whole.before.is_empty() && whole.steps.len() == 1);
    let some = EvalOptions {
        repeats: Some(3),
        only: vec!["q3".to_owned(), "q1".to_owned()],
        resume: false,
    };
    assert_eq!(some.typed(), " --repeats 3 --only q3 --only q1");
    let part = plan(&some).unwrap();
    let ids: Vec<&str> = part.golden.cases.iter().map(|it| it.id.as_str()).collect();
    assert_eq!((ids, part.repeats), (vec!["q1", "q3"], 3));
    assert_ne!(part.golden.digest, whole.golden.digest);
    let nobody = EvalOptions {
        only: vec!["q9".to_owned()],
        ..EvalOptions::default()
    };
    assert!(message(plan(&nobody)).contains("q9"));
    let steps = open_with("stage = \"gateway\"", "stage = \"rerank\"").unwrap();
    let suite = steps.project.eval("answers").unwrap();
    let plan = eval_plan(&steps.project, suite, &EvalOptions::default(), &steps.clock).unwrap();
    let before: Vec<&str> = plan.before.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(before, ["retrieve"]);
}

#[test]
fn a_gate_runs_what_it_names_and_must_name_something() {
    let opened = open();
    let plan = gate_plan(&opened.project).unwrap();
    assert_eq!(
        (plan.loads.len(), plan.evals.len(), plan.takes_failed),
        (1, 1, false)
    );
    let failed = |from: &str, to: &str| {
        gate_plan(&open_with(from, to).unwrap().project)
            .unwrap_err()
            .to_string()
    };
    let none = failed("[gate]\nloads = [\"peak\"]\nevals = [\"answers\"]\n", "");
    assert!(none.ends_with("stagegate.toml` has no [gate]"), "{none}");
    let empty = failed("loads = [\"peak\"]\nevals = [\"answers\"]\n", "");
    assert!(empty.ends_with("names neither loads nor evals"), "{empty}");
    let measured = open_with("evals = [\"answers\"]\n", "base = \"measured\"\n").unwrap();
    assert!(gate_plan(&measured.project).unwrap().takes_failed);
}

#[test]
fn names_are_those_of_the_manifest() {
    let opened = open();
    let all: Vec<&str> = opened
        .project
        .loads(&[])
        .unwrap()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(all, ["peak", "driven", "mixed"]);
    let chosen = opened
        .project
        .loads(&["mixed".to_owned(), "peak".to_owned()])
        .unwrap();
    let chosen: Vec<&str> = chosen.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(chosen, ["mixed", "peak"]);
    let error = opened.project.evals(&["anwers".to_owned()]).unwrap_err();
    let help = error.help().unwrap().to_string();
    assert_eq!(
        (error.kind(), help.as_str()),
        (Kind::Usage, "Did you mean `answers`?")
    );
    let error = opened.project.load("x").unwrap_err();
    assert_eq!(
        error.help().unwrap().to_string(),
        "There is: peak, driven, mixed."
    );
    let first = opened.project.first_case().unwrap();
    assert_eq!(first.id, "q1");
}

#[test]
fn what_no_answer_brings_is_wanted_in_vain() {
    let contains = "kind = \"contains\"\nvalue = \"{{ expected }}\"";
    let slo = "error_rate = \"1%\" }";
    let unknowable = "fallback_rate = \"1%\", ttft.p95 = \"1s\", hit_time.p50 = \"1s\" }";
    let texts = "texts = \"$.hits[*].text\" }";
    let all = [
        wrong("{{ steps.retrieve.texts }}", "{{ steps.retrieve.text }}"),
        wrong(slo, unknowable),
        wrong(texts, "txts = \"$.hits[*].text\" }"),
        wrong(contains, "kind = \"recall\""),
        wrong("kind = \"retrieval\"", "kind = \"retreival\""),
        wrong("kind = \"contains\"", "kind = \"contians\""),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    21: stage `rerank`: stage `retrieve` has no output `text`
      Did you mean `texts`?
    12: `slo.fallback_rate` of stage `gateway` can never be known: no answer says whether it is a fallback
      Add `output = { fallback = "$.degraded" }`, or `{ header = "x-fallback" }` as its value.
    12: `slo.ttft.p95` of stage `gateway` can never be known: the answer is no stream
      Write `stream = true`, or take a limit on `response_time`.
    12: `slo.hit_time.p50` of stage `gateway` can never be known: no answer says whether a cache had it
      Add `output = { hit = { header = "x-cache" } }`.
    17: unknown output `txts` of stage `retrieve`, which no other uses
      Did you mean `texts`?
    21: stage `rerank`: stage `retrieve` has no output `texts`
      Did you mean `txts`?
    53: `recall` of eval `answers` can never be scored: `gateway` has no `output.ids`
      Add `ids = "$.hits[*].id"` to its `output`.
    14: there is no stage kind `retreival`
      Did you mean `retrieval`?
    53: unknown assertion `contians`
      Did you mean `contains`?
    "#);
}

/// The manifest of the contract, with every table.
const CONTRACT: &str = include_str!("../../tests/fixtures/manifests/contract.toml");

/// What is wrong with a manifest.
fn faults(manifest: &str) -> Vec<Fault> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stagegate.toml");
    std::fs::write(&path, manifest).unwrap();
    let opened = Project::open(&Chosen {
        manifest: path,
        ..Chosen::default()
    });
    opened
        .err()
        .map_or_else(Vec::new, |error| error.faults().to_vec())
}

/// A value that no key takes.
const NONSENSE: &str = "{ nonsense = [[1979-05-27]] }";

/// Every key of the contract's manifest in turn holds what it cannot: the line is named.
#[test]
fn a_value_of_the_wrong_kind_is_told_on_its_line() {
    let lines: Vec<&str> = CONTRACT.lines().collect();
    let mut heading = "";
    let mut silent = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            heading = line;
        }
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        // Values of an environment and made-up parts of a body may be of any kind.
        let takes_anything = heading.starts_with("[env") || ["body", "value"].contains(&key);
        let is_key = key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.".contains(c));
        if takes_anything || !is_key {
            continue;
        }
        let spoilt = [key, " = ", NONSENSE].concat();
        let mut text = lines.clone();
        text[at] = &spoilt;
        let found = faults(&text.join("\n"));
        if !found.iter().any(|it| it.line == Some(at as u64 + 1)) {
            silent.push(format!("{heading} {line}: {found:?}"));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// A slip in any key of the contract's manifest is told on its line, and says which key was meant
/// or which there are.
#[test]
fn a_slip_in_a_key_is_told_on_its_line() {
    let lines: Vec<&str> = CONTRACT.lines().collect();
    let mut heading = "";
    let mut silent = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            heading = line;
        }
        let Some((key, value)) = line.split_once(" = ") else {
            continue;
        };
        let is_key = key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let takes_any = ["[env", "[release", "[[eval"]
            .iter()
            .any(|it| heading.starts_with(it));
        // Without its kind a table has no keys that could be known.
        if takes_any || !is_key || key == "kind" {
            continue;
        }
        let spoilt = format!("{key}x = {value}");
        let mut text = lines.clone();
        text[at] = &spoilt;
        let slip = faults(&text.join("\n"))
            .into_iter()
            .find(|it| it.line == Some(at as u64 + 1) && it.message.contains(&format!("{key}x")));
        match slip.and_then(|it| it.help) {
            Some(help) if help.contains(key) => {}
            other => silent.push(format!("{heading} {line}: {other:?}")),
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

fn text(of: &str) -> String {
    of.to_owned()
}

/// Every error of a command line.
fn usage_errors() -> Vec<PlanError> {
    let name = || "peak".parse().unwrap();
    let at = "2026-11-24T12:00:00Z".parse().unwrap();
    let (stage, manifest) = (|| text("llm"), || text("stagegate.toml"));
    vec![
        PlanError::Unknown {
            family: "load",
            name: text("x"),
            manifest: manifest(),
            known: Vec::new(),
        },
        PlanError::Nothing {
            family: "load",
            manifest: manifest(),
        },
        PlanError::Environments {
            first: text("eu"),
            second: text("us"),
        },
        PlanError::TooLate {
            start: at,
            now: at,
            warmup: Duration::from_secs(2),
        },
        PlanError::OneStart { loads: 2 },
        PlanError::StageOfMix {
            stage: stage(),
            load: name(),
        },
        PlanError::NoUser {
            users: 1,
            scenario: name(),
            load: name(),
        },
        PlanError::NoCase { stage: stage() },
        PlanError::NoLength { load: name() },
        PlanError::NoSlo,
        PlanError::NoEntry,
        PlanError::NoName {
            written: text("a b"),
        },
        PlanError::NoLoad,
    ]
}

/// Every error of the manifest, and of what is outside.
fn other_errors() -> (Vec<PlanError>, Vec<PlanError>) {
    let (stage, reason, case) = (|| text("llm"), || text("no luck"), || text("q1"));
    let manifest = || text("stagegate.toml");
    let of_manifest = vec![
        PlanError::Request {
            stage: stage(),
            case: case(),
            reason: reason(),
        },
        PlanError::Request {
            stage: stage(),
            case: text("-"),
            reason: reason(),
        },
        PlanError::NoGate {
            manifest: manifest(),
        },
        PlanError::EmptyGate {
            manifest: manifest(),
        },
    ];
    let environment = vec![
        PlanError::Resolve {
            stage: stage(),
            host: text("llm.example"),
            reason: reason(),
        },
        PlanError::Header {
            stage: stage(),
            reason: reason(),
        },
        PlanError::Step {
            stage: stage(),
            case: case(),
            step: text("retrieve"),
            reason: reason(),
        },
        PlanError::Tls {
            stage: stage(),
            reason: reason(),
        },
    ];
    (of_manifest, environment)
}

/// Each is a fragment without a full stop, and each has a sentence that says what to do.
#[test]
fn every_error_says_what_is_wrong_and_what_to_do() {
    let (of_manifest, environment) = other_errors();
    let kinds = [
        (Kind::Usage, usage_errors()),
        (Kind::Manifest, of_manifest),
        (Kind::Environment, environment),
    ];
    for (kind, errors) in kinds {
        for error in errors {
            let message = error.to_string();
            let help = error.help().unwrap().to_string();
            assert_eq!(error.kind(), kind, "{message}");
            assert!(
                !message.ends_with('.') && !message.starts_with(char::is_uppercase),
                "{message}"
            );
            assert!(
                help.ends_with(['.', '?']) && help.starts_with(char::is_uppercase),
                "{help}"
            );
        }
    }
}

#[test]
fn a_golden_set_that_is_missing_is_named() {
    let opened = open_with("golden = \"golden.jsonl\"", "golden = \"none.jsonl\"").unwrap();
    assert!(message(opened.project.golden(Path::new("none.jsonl"))).contains("none.jsonl"));
    assert!(message(opened.project.first_case()).contains("none.jsonl"));
}
