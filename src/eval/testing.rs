//! A suite over a small HTTP server, for the tests of this folder.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use stagegate_kit::stub::{Stub, send};

use super::check::Checks;
use super::error::EvalError;
use super::journal::{Journal, JournalKey};
use super::plan::EvalPlan;
use super::runner::{EvalRun, run};
use crate::golden::GoldenSet;
use crate::manifest::{KindTable, Problems, Timeouts};
use crate::measure::{Clock, Failure};
use crate::protocol::{Call, CallFailure, Head, HttpRequest, Reply, ReplyReader, Request};
use crate::stage::Stage;
use crate::template::{Scope, Template, TemplateError};
use crate::transport::Client;

/// Posts `{"input": …, "steps": …}` and reads `{"text": …, "ids": […]}`.
#[derive(Debug)]
pub(super) struct FakeCall {
    url: url::Url,
}

impl Call for FakeCall {
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError> {
        if scope.input == "unwritable" {
            let template = Template::plain("{{ input.question }}");
            return Err(template.refused("`input` has no `question`"));
        }
        let body = json!({"input": scope.input, "steps": scope.steps});
        Ok(Request::Http(HttpRequest {
            method: "POST".to_owned(),
            url: self.url.clone(),
            headers: Vec::new(),
            body: body.to_string().into(),
            version: crate::manifest::HttpVersion::One,
            documents: None,
            may_repeat: false,
            is_traced: false,
        }))
    }

    fn streams(&self) -> bool {
        false
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        Box::<FakeReader>::default()
    }

    fn needs_steps(&self) -> Vec<String> {
        Vec::new()
    }

    fn brings(&self) -> crate::protocol::Brings<'_> {
        crate::protocol::Brings::default()
    }
}

#[derive(Default)]
struct FakeReader(Vec<u8>);

impl ReplyReader for FakeReader {
    fn head(&mut self, _head: Head<'_>) {}

    fn data(&mut self, bytes: &[u8]) -> u32 {
        self.0.extend_from_slice(bytes);
        1
    }

    fn finish(self: Box<Self>) -> Result<Reply, CallFailure> {
        let body: Value = serde_json::from_slice(&self.0)
            .map_err(|_| CallFailure::new(Failure::Decode, "the answer is not JSON"))?;
        Ok(Reply {
            text: body["text"].as_str().map(str::to_owned),
            outputs: body.as_object().cloned().unwrap_or_default(),
            ..Reply::default()
        })
    }
}

/// An HTTP server on the loopback interface that remembers what it was asked.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Server {
    /// Answers every request by `script`, which says to an input: status, extra head lines, body.
    /// The first number counts that input's requests.
    pub(super) fn new(
        script: impl Fn(usize, &Value) -> (u16, &'static str, String) + Send + Sync + 'static,
    ) -> Self {
        let asked: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let stub = Stub::start(move |request| {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let input = body["input"].as_str().unwrap_or_default().to_owned();
            let count = {
                let mut asked = seen.lock().unwrap();
                let count = asked.entry(input).or_insert(0);
                *count += 1;
                *count
            };
            let (status, head, text) = script(count, &body);
            let length = text.len();
            vec![send(format!(
                "HTTP/1.1 {status} X\r\n{head}content-length: {length}\r\n\r\n{text}"
            ))]
        });
        let address = stub.address;
        Self { address, asked }
    }

    /// Answers every input with itself as text.
    pub(super) fn echo() -> Self {
        Self::new(|_, body| (200, "", json!({"text": body["input"]}).to_string()))
    }

    /// Returns how often each input was asked.
    pub(super) fn asked(&self) -> BTreeMap<String, usize> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn step(&self, name: &str) -> Stage {
        step(name, self.address)
    }
}

pub(super) fn step(name: &str, address: SocketAddr) -> Stage {
    let url = format!("http://{address}/").parse().unwrap();
    let timeouts = Timeouts {
        connect: None,
        first_token: None,
        idle: None,
        total: Duration::from_secs(20),
    };
    Stage::new(name, Arc::new(FakeCall { url }), timeouts)
}

pub(super) fn golden(lines: &[Value]) -> GoldenSet {
    let dir = tempfile::tempdir().unwrap();
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(dir.path().join("g.jsonl"), lines.join("\n")).unwrap();
    GoldenSet::read(dir.path(), Path::new("g.jsonl")).unwrap()
}

/// Cases `c0`, `c1`, … whose input and expected text are the same word.
pub(super) fn words(count: usize) -> Vec<Value> {
    let case = |at| json!({"id": format!("c{at}"), "input": format!("w{at}"), "expected": format!("w{at}")});
    (0..count).map(case).collect()
}

pub(super) fn checks(asserts: &[(&str, &str)]) -> Checks {
    let tables: Vec<KindTable> = asserts
        .iter()
        .map(|(kind, text)| KindTable::from_toml(kind, text))
        .collect();
    let mut problems = Problems::default();
    let checks = Checks::parse(&tables, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    checks
}

/// A suite with one `equals`.
pub(super) fn plan(target: Stage, cases: &[Value], repeats: u32) -> EvalPlan {
    EvalPlan {
        name: "answers".to_owned(),
        stage: target.name.clone(),
        steps: vec![target],
        before: Vec::new(),
        golden: Arc::new(golden(cases)),
        checks: Arc::new(checks(&[("equals", "")])),
        asked: BTreeMap::new(),
        repeats,
        concurrency: 4,
        slice_by: Vec::new(),
        must_pass: Vec::new(),
        scope: Scope::default(),
        clock: Clock::System,
    }
}

pub(super) fn key(plan: &EvalPlan) -> JournalKey {
    JournalKey {
        suite: plan.name.clone(),
        env: "local".to_owned(),
        release: "abc".to_owned(),
        dirty: false,
        manifest: "blake3:m".to_owned(),
        golden: plan.golden.digest.clone(),
        versions: std::collections::BTreeMap::new(),
    }
}

pub(super) fn fresh(dir: &Path, plan: &EvalPlan) -> Journal {
    Journal::create(dir, &key(plan), "run1", "2026-01-01T00:00:00Z").unwrap()
}

pub(super) fn try_with(
    plan: EvalPlan,
    journal: Journal,
    interrupted: &AtomicBool,
) -> Result<EvalRun, EvalError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let events = Mutex::new(Vec::new());
    let client = Arc::new(Client::default());
    runtime.block_on(run(&Arc::new(plan), &client, journal, &events, interrupted))
}

pub(super) fn run_with(plan: EvalPlan, journal: Journal) -> EvalRun {
    try_with(plan, journal, &AtomicBool::new(false)).unwrap()
}

pub(super) fn run_fresh(plan: EvalPlan) -> EvalRun {
    let dir = tempfile::tempdir().unwrap();
    let journal = fresh(dir.path(), &plan);
    run_with(plan, journal)
}
