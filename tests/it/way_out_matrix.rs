//! Everything that a stranger writes, and a secret in every encoding, in every field that a server, a
//! program, or a golden set fills: in no output of any command, in no file of `--out`, and in
//! nothing that is stored.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::stub::{Request, Step, Stub, send};
use crate::support::{Output, Project};

/// Writes to the clipboard, swallows what follows where colours are stripped, turns the direction,
/// hides, is markup, a formula, and a command to the runners of two CI systems.
const HOSTILE: &str = "=1+cmd|' /C calc'!A0\n::error::pwned\r ::stop-commands::t ##[error]a ##vso[task.b]\u{0}\u{1b}]52;c;aGk=\u{7}\u{1b}P\u{9b}2J\u{202e}\u{2066}\u{200b}\u{2028}\u{fffe}` <script>x</script> @team";

const SECRET: &str = "Hun7er&<Kep7'>\"/+ü";

/// One that JSON, headers, and programs write as a number.
const PIN: &str = "48151623";

const FORMATS: [&str; 7] = [
    "human", "json", "jsonl", "markdown", "junit", "csv", "github",
];

const MANIFEST: &str = r#"
version = 1
[deployment]
name = "shop"
entry = "api"

[stage.api]
kind = "http"
url = "http://ADDRESS/ask"
headers = { authorization = "Bearer {{ secret.PIN }}" }
body = { q = "{{ input }}" }
output = { text = "$.answer", ids = "$.ids", deep = "$.deep", said = { header = "x-said" } }
owner = OWNER

[stage.talk]
kind = "chat"
url = "http://ADDRESS/chat"
model = "m"
messages = [{ role = "user", content = "{{ input }} {{ secret.KEY }}" }]

[stage.flow]
kind = "chat"
url = "http://ADDRESS/flow"
model = "m"
stream = true
messages = [{ role = "user", content = "{{ input }}" }]

[stage.tool]
kind = "command"
command = ["sh", "-c", "if grep -q ask; then cat told; else cat echoed >&2; exit 3; fi"]
body = { q = "{{ input }}" }
output = { text = "$.text" }

[stage.gone]
kind = "command"
command = ["{{ secret.PIN }}"]
output = { text = "$.text" }

[stage.lost]
kind = "http"
url = "{{ secret.KEY }}/x"

[release]
model = { stage = "api", response = "$.model" }
build = { stage = "api", header = "x-said" }
other = { stage = "lost", response = "$.model" }

[eval.answers]
stage = "api"
golden = "golden.jsonl"
slice_by = ["lang"]
[[eval.answers.assert]]
kind = "contains"
value = "no"
[[eval.answers.assert]]
kind = "json_schema"
schema = { type = "array", minProperties = 7 }
in = "body"
[[eval.answers.assert]]
kind = "recall"
k = 1

[eval.words]
stage = "talk"
golden = "golden.jsonl"
[[eval.words.assert]]
kind = "json_path"
path = "$.a"
value = "1"
[[eval.words.assert]]
kind = "numeric"
value = 1

[eval.flows]
stage = "flow"
golden = "golden.jsonl"
[[eval.flows.assert]]
kind = "equals"
value = "no"

[eval.tools]
stage = "tool"
golden = "golden.jsonl"
[[eval.tools.assert]]
kind = "matches"
pattern = "^no$"

[load.peak]
target = ["api", "talk", "flow"]
arrivals = { concurrency = 2 }
requests = 60
data = "golden.jsonl"
score_with = "answers"

[gate]
loads = []
evals = ["answers", "flows"]
"#;

/// The ways in which a case is answered: as it should be, and each other way to say something.
const WAYS: [&str; 6] = ["ask", "fail", "broken", "typed", "packed", "moved"];

/// Answers with a text everywhere where an answer can hold one; the question says how, and with
/// which of the texts.
fn answer(request: &Request, texts: &[String]) -> Vec<Step> {
    let digits: String = asked(request)
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let text = &texts[digits.parse::<usize>().unwrap_or(0) % texts.len()];
    let line = text.replace(['\n', '\r', '\0'], " ");
    let is_asked = |way: &str| request.body.contains(&format!("{way} "));
    let json = json!({"answer": text, "ids": [text], "model": text, "pin": 48_151_623,
        "deep": {text.as_str(): {"pin": 48_151_623, "text": text}}});
    let (status, headers, body) = if is_asked("fail") {
        ("500 Odd".to_owned(), String::new(), format!("no {text}"))
    } else if is_asked("broken") {
        (
            "200 OK".to_owned(),
            String::new(),
            format!("{{\"answer\": {text}"),
        )
    } else if is_asked("typed") {
        let kind = format!("content-type: text/plain; x={line}\r\n");
        ("200 OK".to_owned(), kind, text.clone())
    } else if is_asked("packed") {
        (
            "200 OK".to_owned(),
            format!("content-encoding: {line}\r\n"),
            text.clone(),
        )
    } else if is_asked("moved") {
        let head = format!("location: http://{line}/x\r\nretry-after: {line}\r\n");
        (format!("302 {line}"), head, text.clone())
    } else if request.path.starts_with("/chat") {
        let message = json!({"role": "assistant", "content": text});
        let choice = json!({"message": message, "finish_reason": text, "index": 0});
        let body = json!({"choices": [choice], "model": text});
        ("200 OK".to_owned(), String::new(), body.to_string())
    } else if request.path.starts_with("/flow") {
        (
            "200 OK".to_owned(),
            "content-type: text/event-stream\r\n".to_owned(),
            stream(text),
        )
    } else {
        ("200 OK".to_owned(), String::new(), json.to_string())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nx-said: {line}\r\n{headers}\r\n",
        body.len()
    );
    vec![send(head + &body)]
}

/// Returns what was asked: a way, and the number of a text.
fn asked(request: &Request) -> String {
    let of = |way: &&&str| request.body.find(&format!("{way} "));
    let start = WAYS.iter().filter_map(|way| of(&way)).min().unwrap_or(0);
    let asked = request.body[start..].chars();
    asked
        .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == ' ')
        .collect()
}

/// The text in two pieces, cut within what is secret of it, and as the reason why it ends.
fn stream(text: &str) -> String {
    let half = text.floor_char_boundary(text.len() / 2);
    let chunk = |delta: Value, reason: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        format!("data: {}\n\n", json!({"choices": [choice], "model": text}))
    };
    [
        chunk(json!({"content": text[..half]}), Value::Null),
        chunk(json!({"content": text[half..]}), Value::Null),
        chunk(json!({}), text.into()),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

fn project(texts: Vec<String>, golden: &str, owner: &str) -> Project {
    let (echoed, told) = (texts.join("\n"), json!({"text": texts.join(" ")}));
    let stub = Stub::start(move |request| answer(request, &texts));
    let manifest = MANIFEST.replace("ADDRESS", &stub.address.to_string());
    let project =
        Project::with_manifest(&manifest.replace("OWNER", &Value::from(owner).to_string()));
    project.write("golden.jsonl", golden);
    project.write("echoed", echoed);
    project.write("told", told.to_string());
    project
}

/// Returns a golden set: each way of answering with each text.
fn golden(texts: usize, case: impl Fn(usize, &str) -> Value) -> String {
    let all = (0..WAYS.len() * texts).map(|at| {
        let asked = format!("{} {}", WAYS[at / texts], at % texts);
        format!("{}\n", case(at, &asked))
    });
    all.collect()
}

/// Runs every command, each in one format and with every format as a file, and hands on what came of
/// it: the place, the format, and the text.
fn every_command(
    project: &Project,
    variables: &[(&str, &str)],
    look: &mut dyn FnMut(&str, &str, &str),
) {
    let all = FORMATS.map(|it| format!("{it}=out/{it}"));
    let all: Vec<&str> = all.iter().flat_map(|it| ["--out", it.as_str()]).collect();
    let mut run = |arguments: &[&str]| {
        let Output {
            stdout,
            stderr,
            code,
        } = project.run_with(arguments, variables);
        assert!(
            code.is_some_and(|it| it <= 4 && (arguments[0] != "check" || it != 2)),
            "{arguments:?} {code:?} {stderr}"
        );
        look(&format!("{arguments:?}, stderr"), "stderr", &stderr);
        let format = arguments.iter().skip_while(|it| **it != "--format").nth(1);
        look(
            &format!("{arguments:?}, stdout"),
            format.unwrap_or(&"human"),
            &stdout,
        );
        for format in FORMATS {
            if let Ok(text) = std::fs::read_to_string(project.path(&format!("out/{format}"))) {
                look(&format!("{arguments:?}, --out {format}"), format, &text);
            }
        }
        drop(std::fs::remove_dir_all(project.path("out")));
        stdout
    };
    for (at, command) in [
        &["check"][..],
        &["check", "--probe"],
        &["eval", "-v"],
        &["load", "-v"],
        &["profile", "api", "--duration", "200ms"],
        &["gate", "--dry-run"],
        &["gate", "-v"],
        &["diff", "latest~1", "latest"],
        &["report", "latest"],
        &["runs", "list"],
        &["runs", "prune", "--keep", "9", "--dry-run"],
    ]
    .iter()
    .enumerate()
    {
        let format = FORMATS[at % FORMATS.len()];
        run(&[command, &all[..], &["--format", format]].concat());
    }
    let exported = run(&["runs", "export", "latest", "--name", "answers"]);
    project.write("exported.json", exported);
    for command in [
        &["report", "exported.json"][..],
        &["runs", "show", "latest"],
        &["diff", "exported.json", "latest"],
    ] {
        run(&[command, &all[..], &["--format", "json"]].concat());
    }
}

/// security 4, 13, 14, 15
#[test]
fn no_string_of_a_stranger_is_obeyed_by_anybody() {
    let golden = golden(2, |at, asked| {
        json!({"id": format!("{HOSTILE}{at}"), "input": asked, "group": HOSTILE, "tags": {"lang": HOSTILE},
               "expected": {"ids": [HOSTILE]}})
    });
    let texts = vec![HOSTILE.to_owned(), format!("::add-mask::x{HOSTILE}")];
    let project = project(texts, &golden, HOSTILE);
    project.commit("v1.0.0");
    let variables = [
        ("KEY", SECRET),
        ("PIN", PIN),
        ("GITHUB_ACTIONS", "true"),
        ("TF_BUILD", "True"),
    ];
    let mut looked = 0;
    every_command(&project, &variables, &mut |place, format, text| {
        looked += text.matches("calc").count();
        is_harmless(place, format, text);
    });
    assert!(looked > 500, "{looked}");
}

#[track_caller]
fn is_harmless(place: &str, format: &str, text: &str) {
    let hides = |c: char| "\u{202e}\u{2066}\u{2028}\u{fffe}".contains(c);
    let is_obeyed = |c: char| c != '\n' && (c.is_control() || hides(c));
    if let Some(at) = text.find(is_obeyed) {
        panic!("{place}: {:?}", around(text, at));
    }
    let lower = text.to_lowercase();
    for command in ["##[", "##vso["] {
        assert!(!lower.contains(command), "{place}: {text}");
    }
    let is_ours = |line: &str| {
        format == "github"
            && ["::error file=", "::error title=", "::warning", "::notice"]
                .iter()
                .any(|it| line.starts_with(it))
    };
    for line in text.lines().filter(|line| !is_ours(line)) {
        assert!(!line.trim_start().starts_with("::"), "{place}: {line}");
    }
    match format {
        "markdown" => {
            let outside = text.split('`').step_by(2);
            for part in outside {
                assert!(
                    !part.contains("<script") && !part.contains("@team"),
                    "{place}: {part}"
                );
            }
        }
        "junit" => assert!(!text.contains("<script"), "{place}: {text}"),
        "csv" => {
            let cells = text
                .split(['\n', ','])
                .map(|cell| cell.trim_start_matches('"'));
            for cell in cells {
                assert!(!cell.starts_with(['=', '@', '\t', '\r']), "{place}: {cell}");
            }
        }
        _ => {}
    }
}

fn around(text: &str, at: usize) -> &str {
    let from = text.floor_char_boundary(at.saturating_sub(200));
    &text[from..text.ceil_char_boundary(at + 60)]
}

/// The secret as servers, proxies, and programs write it.
fn encodings() -> Vec<String> {
    let json = Value::from(SECRET).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let each = |text: &str, open: &str, of: &dyn Fn(u32) -> String| -> String {
        let one = |c: char| {
            if open.contains(c) {
                of(c.into())
            } else {
                c.to_string()
            }
        };
        text.chars().map(one).collect()
    };
    let percent = |of: &dyn Fn(u8) -> String| -> String {
        let one = |byte: u8| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                of(byte)
            }
        };
        SECRET.bytes().map(one).collect()
    };
    let upper = percent(&|byte| format!("%{byte:02X}"));
    let hex = |of: &dyn Fn(u8) -> String| SECRET.bytes().map(of).collect::<String>();
    vec![
        SECRET.to_owned(),
        json.clone(),
        json.replace('/', "\\/"),
        each(&json, "&<>'ü", &|c| format!("\\u{c:04x}")),
        each(&json, "&<>'ü+", &|c| format!("\\u{c:04X}")),
        each(SECRET, "&<>\"'ü", &|c| format!("&#x{c:x};")),
        each(SECRET, "&<>\"'", &|c| format!("&#{c};")),
        upper.clone(),
        percent(&|byte| format!("%{byte:02x}")),
        upper.replace('%', "%25"),
        SECRET.to_lowercase(),
        hex(&|byte| format!("{byte:02x}")),
        hex(&|byte| format!("{byte:02X}")),
        STANDARD.encode(SECRET),
        STANDARD_NO_PAD.encode(SECRET),
        URL_SAFE.encode(SECRET),
        URL_SAFE_NO_PAD.encode(format!("u{SECRET}!")),
        format!("Basic {}", STANDARD.encode(format!("user:{SECRET}"))),
        STANDARD.encode(format!("me:{SECRET}")),
        PIN.to_owned(),
        // Where an excerpt is cut within it.
        format!("{}{SECRET}", "x".repeat(112)),
        format!("{}{SECRET}", "y".repeat(192)),
    ]
}

/// security 3, 6
#[test]
fn no_secret_that_is_echoed_is_printed_or_stored() {
    let all = encodings();
    let golden = golden(
        all.len(),
        |at, asked| json!({"id": format!("q{at}"), "input": asked, "tags": {"lang": "de"}, "expected": {"ids": ["1"]}}),
    );
    // What is left of a form when its ends are cut off gives it away all the same.
    let mut parts = vec!["hun7".to_owned(), "kep7".to_owned(), PIN[..6].to_owned()];
    parts.extend(all[11..19].iter().map(|it| it[8..20].to_lowercase()));
    let project = project(all, &golden, "us");
    project.commit("v1.0.0");
    let mut struck = 0;
    let mut is_kept = |place: &str, text: &str| {
        struck += text.matches("***").count();
        let lower = text.to_lowercase();
        for part in &parts {
            if let Some(at) = lower.find(part.as_str()) {
                panic!("{place} holds {part}: {}", around(&lower, at));
            }
        }
    };
    let variables = [("KEY", SECRET), ("PIN", PIN)];
    every_command(&project, &variables, &mut |place, _, text| {
        is_kept(place, text);
    });
    for path in project.files() {
        let name = path.display().to_string();
        if name.contains("/.stagegate/") {
            is_kept(
                &name,
                &String::from_utf8_lossy(&std::fs::read(&path).unwrap()),
            );
        }
    }
    assert!(struck > 2000, "{struck}");
}
