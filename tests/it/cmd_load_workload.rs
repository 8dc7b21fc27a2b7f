//! What a load sends, end to end: conversations whose turns carry what was said before, and made-up
//! prompts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cmd_demo::turn;
use crate::support::Project;
use crate::support::stub::{Request, Stub, ok, send, wait};

const CONVERSATIONS: &str = r#"{"id": "a1", "input": "hello", "group": "a"}
{"id": "b1", "input": "first", "group": "b"}
{"id": "a2", "input": "and then?", "group": "a"}
{"id": "a3", "input": "bye", "group": "a"}
{"id": "b2", "input": "second", "group": "b"}
{"id": "c1", "input": "alone"}
"#;

/// Answers a chat with the number of messages that it was sent.
fn chat_stub() -> Stub {
    Stub::start(|request| {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let text = format!("answer {}", body["messages"].as_array().unwrap().len());
        let answer = json!({"choices": [{"message": {"content": text}}]});
        vec![wait(2), ok(&answer.to_string())]
    })
}

fn project(stub: &Stub, stage: &str, load: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n\n[deployment]\nname = \"d\"\n\n[stage.llm]\nkind = \"chat\"\nurl = \"http://{}/v1\"\nmodel = \"m\"\n{stage}\n\n\
         [load.talk]\ntarget = \"llm\"\ndata = \"talk.jsonl\"\n{load}\n",
        stub.address
    ));
    project.write("talk.jsonl", CONVERSATIONS);
    project
}

const MESSAGES: &str = "system = \"Be brief.\"\nmessages = [{ role = \"user\", content = \"{{ input }}\" }]\nheaders = { x-session = \"{{ session.id }}\" }";

/// Returns the requests of each session, by its id, in the order in which they came.
fn by_session(requests: &[Request]) -> BTreeMap<String, Vec<&Request>> {
    let mut sessions: BTreeMap<String, Vec<&Request>> = BTreeMap::new();
    for request in requests {
        let id = request
            .head
            .lines()
            .find_map(|line| line.strip_prefix("x-session: "));
        sessions
            .entry(id.unwrap().trim().to_owned())
            .or_default()
            .push(request);
    }
    sessions
}

fn said(request: &Request) -> Vec<String> {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    let messages = body["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_session_carries_its_conversation_on_a_connection_of_its_own() {
    let _turn = turn();
    let stub = chat_stub();
    let load = "arrivals = { rate = \"20/s\" }\nrequests = 6\nconnections = \"per_session\"\nsessions = { think_time = \"30ms\" }";
    let project = project(&stub, MESSAGES, load);
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    let stage = &run["stages"]["llm"];
    // Six arrivals are each conversation twice: 2 × (3 + 2 + 1) turns.
    assert_eq!(
        (&stage["attempted"], &stage["ok"]),
        (&json!(12), &json!(12))
    );
    assert_eq!(
        stage["sessions"],
        json!({"begun": 6, "finished": 6, "failed": 0})
    );
    assert_eq!(stage["connections"], 6);
    let shown = project.run(&["report"]).expect(0).stdout;
    assert!(shown.contains("begun  finished  failed  cut"), "{shown}");
    // A run may have been repeated on a busy machine: the last one counts.
    let requests = stub.requests();
    let requests = &requests[requests.len() - 12..];
    let sessions = by_session(requests);
    assert_eq!(sessions.len(), 6);
    for turns in sessions.values() {
        let last = said(turns.last().unwrap());
        match last[1].as_str() {
            "hello" => assert_eq!(
                last,
                [
                    "Be brief.",
                    "hello",
                    "answer 2",
                    "and then?",
                    "answer 4",
                    "bye"
                ]
            ),
            "first" => assert_eq!(last, ["Be brief.", "first", "answer 2", "second"]),
            _ => assert_eq!(last, ["Be brief.", "alone"]),
        }
        for pair in turns.windows(2) {
            assert_eq!(pair[0].connection, pair[1].connection);
            let pause = pair[1].at - pair[0].at;
            assert!(pause >= Duration::from_millis(31), "{pause:?}");
        }
    }
}

#[test]
fn the_end_of_the_load_cuts_sessions_and_a_failed_turn_ends_one() {
    let _turn = turn();
    let stub = Stub::start(|request| {
        if request.body.contains("second") {
            return vec![send("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")];
        }
        vec![ok("{\"choices\":[{\"message\":{\"content\":\"x\"}}]}")]
    });
    // The third turn of a conversation comes 400 ms after its first.
    let load = "arrivals = { rate = \"30/s\" }\nduration = \"500ms\"\nsessions = { think_time = \"200ms\" }";
    let project = project(&stub, MESSAGES, load);
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    let stage = &run["stages"]["llm"];
    // Fifteen begin 33.3 ms apart. Of the five `a`, the one begun at 0 alone has time for its third
    // turn; of the five `b`, those begun at 33, 133, and 233 ms send a second turn, which fails;
    // every `c` is finished with its first.
    assert_eq!(
        stage["sessions"],
        json!({"begun": 15, "finished": 6, "failed": 3})
    );
    assert_eq!(stage["errors"], json!({"status 500": 3}));
    assert_eq!(stage["attempted"], 15 + 3 + 3 + 1);
}

#[test]
fn users_of_a_closed_loop_hold_one_session_after_another() {
    let _turn = turn();
    let stub = chat_stub();
    let load = "arrivals = { concurrency = 1 }\nrequests = 3\nsessions = {}";
    let project = project(&stub, MESSAGES, load);
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(run["stages"]["llm"]["ok"], 6);
    let requests = stub.requests();
    let firsts: Vec<String> = requests[requests.len() - 6..]
        .iter()
        .map(|request| said(request).pop().unwrap())
        .collect();
    assert_eq!(
        firsts,
        ["hello", "and then?", "bye", "first", "second", "alone"]
    );
}

#[test]
fn a_history_that_the_manifest_places_itself_is_not_put_there_twice() {
    let _turn = turn();
    let stub = chat_stub();
    let stage = "messages = [{ role = \"user\", content = \"{{ session.history | length }}, {{ session.turn }}: {{ input }}\" }]";
    let load = "arrivals = { concurrency = 1 }\nrequests = 1\nsessions = {}";
    let project = project(&stub, stage, load);
    project.measure(&["load"]).expect(0);
    let requests = stub.requests();
    let last = requests.last().unwrap();
    assert_eq!(said(last), ["4, 3: bye"]);

    // Without sessions there is none to name.
    let text = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
    project.write("stagegate.toml", text.replace("sessions = {}", ""));
    let said = project.run(&["load"]).expect(2).stderr;
    assert!(said.contains("there is no `session` here"), "{said}");
}

#[test]
fn sessions_go_through_pipelines() {
    let _turn = turn();
    let stub = Stub::start(|request| {
        let answer = if request.path == "/search" {
            "{\"text\": \"found\"}".to_owned()
        } else {
            json!({"choices": [{"message": {"content": "ok"}}]}).to_string()
        };
        vec![ok(&answer)]
    });
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n\
         [stage.search]\nkind = \"http\"\nmethod = \"POST\"\nurl = \"http://{0}/search\"\nbody = {{ q = \"{{{{ input }}}}\", turn = \"{{{{ session.turn }}}}\" }}\noutput = {{ text = \"$.text\" }}\n\
         [stage.llm]\nkind = \"chat\"\nurl = \"http://{0}/v1\"\nmodel = \"m\"\nmessages = [{{ role = \"user\", content = \"{{{{ steps.search.text }}}} {{{{ input }}}}\" }}]\n\
         [pipeline.rag]\nsteps = [\"search\", \"llm\"]\n\
         [load.talk]\ntarget = \"rag\"\ndata = \"talk.jsonl\"\narrivals = {{ concurrency = 1 }}\nrequests = 1\nsessions = {{}}\n",
        stub.address
    ));
    project.write("talk.jsonl", CONVERSATIONS);
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(run["stages"]["rag"]["ok"], 3);
    assert_eq!(run["stages"]["rag"]["sessions"]["finished"], 1);
    assert_eq!(run["stages"]["search"]["ok"], 3);
    let requests = stub.requests();
    let last = requests.last().unwrap();
    assert_eq!(said(last), ["hello", "ok", "and then?", "ok", "found bye"]);
    let search: Value = serde_json::from_str(&requests[requests.len() - 2].body).unwrap();
    assert_eq!(search, json!({"q": "bye", "turn": 3}));
}

/// What a model is sent: its last message, and how many tokens it may answer with.
fn asked(request: &Request) -> (String, u64) {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    (
        said(request).pop().unwrap(),
        body["max_tokens"].as_u64().unwrap(),
    )
}

#[test]
fn prompts_have_the_lengths_that_were_asked_for() {
    let _turn = turn();
    let stub = chat_stub();
    let stage = "messages = [{ role = \"user\", content = \"{{ input.question }}\" }]\nbody = { max_tokens = \"{{ input.output_tokens }}\" }";
    let load = "arrivals = { rate = \"100/s\" }\nrequests = 40\nprompts = { tokens = [20, 59], output_tokens = 7, cases = 40, prefix = { tokens = 30, of = 2 } }";
    let project = project(&stub, stage, load);
    let text = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
    let text = text.replace("data = \"talk.jsonl\"\n", "");
    project.write("stagegate.toml", &text);
    let run = project
        .measure(&["load", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(run["plan"]["prompts"]["tokens"], "20 to 59");
    let requests = stub.requests();
    let sent: Vec<(String, u64)> = requests[requests.len() - 40..].iter().map(asked).collect();
    let mut lengths: Vec<usize> = sent
        .iter()
        .map(|(text, _)| text.split(' ').count())
        .collect();
    lengths.sort_unstable();
    // Stratified: each length once.
    assert_eq!(lengths, (50..90).collect::<Vec<_>>());
    assert!(sent.iter().all(|(_, tokens)| *tokens == 7));
    let beginning = |text: &str| text.split(' ').take(30).collect::<Vec<_>>().join(" ");
    let mut prefixes: Vec<String> = sent.iter().map(|(text, _)| beginning(text)).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    assert_eq!(prefixes.len(), 2);
}

#[test]
fn wrong_prompts_are_told() {
    let stub = chat_stub();
    let load = "arrivals = { rate = \"100/s\" }\nrequests = 40\nprompts = {}";
    let project = project(&stub, MESSAGES, load);
    let text = std::fs::read_to_string(project.path("stagegate.toml")).unwrap();
    let text = text.replace("data = \"talk.jsonl\"\n", "");
    for (wrong, said) in [
        (
            "tokens = [59, 20]",
            "`tokens` of `prompts` of load `talk` is not a length",
        ),
        (
            "tokens = 0",
            "`tokens` of `prompts` of load `talk` is not a length",
        ),
        (
            "tokens = { mean = 9 }",
            "`prompts.tokens` of load `talk` has no `cv`",
        ),
        (
            "tokens = 90000, cases = 90000",
            "8100 million tokens together",
        ),
        ("cases = 4", "`prompts` of load `talk` has no `tokens`"),
        (
            "tokens = 9, cases = 0",
            "`cases` of `prompts` of load `talk` must be above zero",
        ),
        (
            "tokens = 9, prefix = { of = 2 }",
            "`prompts.prefix` of load `talk` has no `tokens`",
        ),
        ("tokens = 9, length = 3", "unknown key `length`"),
    ] {
        let at = text.find("prompts = ").unwrap();
        project.write(
            "stagegate.toml",
            format!("{}prompts = {{ {wrong} }}\n", &text[..at]),
        );
        let output = project.run(&["check"]).expect(2).stderr;
        assert!(output.contains(said), "{wrong}: {output}");
    }
}
