//! The small deployment of most tests: one stage `api` that echoes its question, and a suite
//! `answers` over it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::stub::{Request, Step, Stub, ok, send};
use super::{Output, Project};

/// The suite of most tests.
pub(crate) const ANSWERS: &str = "
[eval.answers]
stage = \"api\"
golden = \"golden.jsonl\"
slice_by = [\"lang\"]
[[eval.answers.assert]]
kind = \"equals\"
value = \"{{ expected }}\"
";

/// Returns a manifest with the stage `api`, more keys for it, and more tables.
pub(crate) fn manifest(address: SocketAddr, stage: &str, tables: &str) -> String {
    format!(
        "version = 1\n\n[deployment]\nname = \"shop\"\nowner = \"us\"\nentry = \"api\"\n\n[stage.api]\nkind = \"http\"\n\
         url = \"http://{address}/ask\"\nbody = {{ q = \"{{{{ input }}}}\" }}\n\
         output = {{ text = \"$.answer\" }}\nowner = \"app-team\"\n{stage}\n{tables}"
    )
}

/// Returns a golden set `q01`, `q02`, …: each expects its question back; every third is tagged
/// `lang=de`, the rest `en`.
pub(crate) fn golden(cases: usize) -> String {
    let mut text = String::new();
    for at in 1..=cases {
        let lang = if at % 3 == 0 { "de" } else { "en" };
        let case = json!({
            "id": id(at), "input": id(at), "expected": id(at), "tags": {"lang": lang},
        });
        writeln!(text, "{case}").unwrap();
    }
    text
}

/// Returns the id of a case of [`golden`].
pub(crate) fn id(at: usize) -> String {
    format!("q{at:02}")
}

/// Makes a project with a golden set of that many cases.
pub(crate) fn project(address: SocketAddr, stage: &str, tables: &str, cases: usize) -> Project {
    let project = Project::with_manifest(&manifest(address, stage, tables));
    project.write("golden.jsonl", golden(cases));
    project
}

/// A gate over the suite with a rule that can be proven with 60 cases.
pub(crate) const GATE: &str = "
[gate]
evals = [\"answers\"]
[[gate.rule]]
metric = \"eval.answers.pass_rate\"
min = \"70%\"
max_drop = \"5%\"
";

/// Makes a repository with the suite and a gate, whose first release is committed under a tag.
pub(crate) fn gated(address: SocketAddr, gate: &str, cases: usize, tag: &str) -> Project {
    let project = project(address, "", &format!("{ANSWERS}{gate}"), cases);
    project.write("prompts/answer.txt", "Answer.\n");
    project.commit(tag);
    project
}

/// Commits the next release.
pub(crate) fn release(project: &Project, tag: &str) {
    project.write("prompts/answer.txt", format!("Answer as {tag}.\n"));
    project.commit(tag);
}

/// Returns what a request asked.
pub(crate) fn question(request: &Request) -> String {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    body["q"].as_str().unwrap().to_owned()
}

/// Answers a question with itself.
pub(crate) fn echo(request: &Request) -> Vec<Step> {
    vec![ok(&json!({"answer": question(request)}).to_string())]
}

/// Answers with a status and a body.
pub(crate) fn status(code: u16, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![send(format!(
        "HTTP/1.1 {code} Whatever\r\ncontent-length: {length}\r\n\r\n{body}"
    ))]
}

/// An echo that answers some questions wrong.
pub(crate) struct Service {
    pub(crate) stub: Stub,
    wrong: Arc<Mutex<BTreeSet<String>>>,
}

impl Service {
    /// Starts one that answers everything right.
    pub(crate) fn start() -> Self {
        let wrong = Arc::new(Mutex::new(BTreeSet::new()));
        let known = Arc::clone(&wrong);
        let stub = Stub::start(move |request| {
            if known.lock().unwrap().contains(&question(request)) {
                vec![ok("{\"answer\":\"no idea\"}")]
            } else {
                echo(request)
            }
        });
        Self { stub, wrong }
    }

    /// Deploys a release that answers these cases wrong, and only these.
    pub(crate) fn deploy(&self, wrong: &[usize]) {
        *self.wrong.lock().unwrap() = wrong.iter().map(|at| id(*at)).collect();
    }
}

/// Returns an address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Writes an error message with its exit code, for snapshots.
pub(crate) fn told(output: &Output) -> String {
    assert_eq!(output.stdout, "", "{output}");
    format!("{}[exit {}]", output.stderr, output.code.unwrap())
}
