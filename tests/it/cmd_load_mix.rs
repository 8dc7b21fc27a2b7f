//! `[load.NAME.mix]`, end to end: kinds of users that share the arrivals of one load.

use serde_json::{Value, json};

use crate::cmd_demo::turn;
use crate::support::Project;
use crate::support::stub::{Request, Stub, ok, wait};

const MANIFEST: &str = r#"version = 1
[deployment]
name = "d"
[stage.search]
kind = "http"
url = "http://ADDRESS/search"
method = "POST"
body = "{{ input }}"
slo = { response_time.max = "5s" }
[stage.llm]
kind = "chat"
url = "http://ADDRESS/v1"
model = "m"
messages = [{ role = "user", content = "{{ input }}" }]
[pipeline.rag]
steps = ["search", "llm"]
[load.day]
arrivals = ARRIVALS
requests = 80
data = "questions.jsonl"
[load.day.mix.searchers]
weight = 3
target = "search"
[load.day.mix.talkers]
target = "llm"
data = "talk.jsonl"
sessions = {}
[load.day.mix.askers]
weight = 1
target = "rag"
"#;

fn project(arrivals: &str) -> (Project, Stub) {
    let stub = Stub::start(|_| {
        let answer = json!({"choices": [{"message": {"content": "yes"}}]});
        vec![wait(2), ok(&answer.to_string())]
    });
    let manifest = MANIFEST.replace("ADDRESS", &stub.address.to_string());
    let project = Project::with_manifest(&manifest.replace("ARRIVALS", arrivals));
    let lines = |letter: &str| -> String {
        let line = |n: u32| json!({"id": format!("{letter}{n}"), "input": format!("{letter}{n}")});
        (0..5).map(|n| line(n).to_string() + "\n").collect()
    };
    project.write("questions.jsonl", lines("q"));
    let turns = r#"{"id": "t1", "input": "hello", "group": "g"}
{"id": "t2", "input": "bye", "group": "g"}
"#;
    project.write("talk.jsonl", turns);
    (project, stub)
}

fn attempted(run: &Value, name: &str) -> u64 {
    run["stages"][name]["attempted"].as_u64().unwrap()
}

#[test]
fn kinds_of_users_share_the_arrivals_by_weight() {
    let _turn = turn();
    let (project, stub) = project("{ process = \"poisson\", rate = \"80/s\" }");
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    let begun = run["stages"]["talkers"]["sessions"]["begun"]
        .as_u64()
        .unwrap();
    let (searchers, askers) = (attempted(&run, "searchers"), attempted(&run, "askers"));
    assert_eq!(searchers + askers + begun, 80);
    // Three fifths, give or take three standard deviations of a binomial count.
    assert!((35..=61).contains(&searchers), "{searchers}");
    assert_eq!(attempted(&run, "talkers"), 2 * begun);
    // A stage has figures of all who call it.
    assert_eq!(attempted(&run, "search"), searchers + askers);
    assert_eq!(attempted(&run, "llm"), 2 * begun + askers);
    // What a kind of user waits for is not an SLO of its own.
    assert_eq!(run["stages"]["searchers"]["slo"], json!([]));
    assert_eq!(run["stages"]["search"]["slo"][0]["met"], true);
    assert_eq!(run["plan"]["mix"]["talkers"]["data"], "talk.jsonl");
    // The cases of each kind come in turn.
    let requests = stub.requests();
    let mut counts = [0_i64; 5];
    for request in requests.iter().filter(|it| it.head.contains("/search")) {
        let number: usize = request.body.trim_matches(['"', 'q']).parse().unwrap();
        counts[number] += 1;
    }
    let (least, most) = (counts.iter().min(), counts.iter().max());
    assert!(most.unwrap() - least.unwrap() <= 2, "{counts:?}");
    let continued = |it: &&Request| it.body.contains("bye") && it.body.contains("hello");
    assert_eq!(requests.iter().filter(continued).count() as u64, begun);
}

#[test]
fn users_of_a_closed_loop_are_of_one_kind_each() {
    let _turn = turn();
    let (project, _stub) = project("{ concurrency = 5 }");
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    let begun = run["stages"]["talkers"]["sessions"]["begun"]
        .as_u64()
        .unwrap();
    let (searchers, askers) = (attempted(&run, "searchers"), attempted(&run, "askers"));
    assert_eq!(searchers + askers + begun, 80);
    assert!(begun > 0 && askers > 0, "{begun} {askers}");
    let shown = project.run(&["load", "--stage", "llm"]).expect(2).stderr;
    assert!(
        shown.contains("`--stage llm`: load `day` is a mix"),
        "{shown}"
    );
}

#[test]
fn a_wrong_mix_is_told() {
    let (project, _stub) = project("{ concurrency = 5 }");
    let text = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
    let said = |from: &str, to: &str| {
        project.write("stagegate.toml", text.replace(from, to));
        let shown = project.run(&["check"]).expect(2).stderr;
        let help = shown.split("help: ").nth(1).unwrap_or_default();
        let first = shown.lines().next().unwrap_or_default();
        let words: Vec<&str> = first.split(' ').chain(help.split_whitespace()).collect();
        words.join(" ")
    };
    insta::assert_snapshot!(said("weight = 3", "weight = 0"), @"error: `weight` of scenario `searchers` of load `day` must be above zero");
    insta::assert_snapshot!(said("weight = 3", "wieght = 3"), @"error: unknown key `wieght` in `mix.searchers` of load `day` Did you mean `weight`?");
    insta::assert_snapshot!(said("target = \"search\"", ""), @"error: scenario `searchers` of load `day` has no `target` Add `target = …` to it, or to the load for all scenarios.");
    insta::assert_snapshot!(said("mix.askers", "mix.llm"), @"error: `llm` is the name of a stage or a pipeline already Figures are kept by name: call the scenario something else.");
    insta::assert_snapshot!(said("weight = 1", "weight = 0.01"), @"error: of the 5 users of load `day`, none is left for scenario `askers` Raise `concurrency`, or the scenario's `weight`.");
    insta::assert_snapshot!(said("sessions = {}", "order = \"random\""), @"error: `order` of scenario `talkers` of load `day` cannot be `random` Known are `in_turn`, `shuffled`, `weighted`.");
}
