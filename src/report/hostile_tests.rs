//! Strings of strangers in every field of every view, in every format: nothing of them is obeyed by
//! a terminal, a spreadsheet, or a runner, and nothing that is printed grows with them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::tests::{FILE, eval_run, load_run, probed, regressed, render, stored};
use super::*;
use crate::record::{CaseResult, ErrorDocument, RunRecord};

/// Writes to the clipboard, ends all output for a stripper of colours, turns the direction, hides,
/// and gives commands to the runners of two CI systems.
const HOSTILE: &str = "x\n::error::pwned\r  ::stop-commands::t ##[error]a ##vso[task.b]\u{1b}]52;c;aGk=\u{7}\u{1b}P\
                       \u{9b}2J\u{85}\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{fffe}\u{7f}` <b> | @team #1 [a](http://b)";

/// Puts a string in the place of every text, one by one, wherever the document is then still one.
fn with_hostile<T: Serialize + DeserializeOwned>(document: &T) -> T {
    let mut value = serde_json::to_value(document).unwrap();
    let mut paths = Vec::new();
    texts(&value, String::new(), &mut paths);
    assert!(paths.len() > 5, "{paths:?}");
    let mut changed = 0;
    for path in &paths {
        let place = value.pointer_mut(path).unwrap();
        let before = std::mem::replace(place, Value::from(HOSTILE));
        if T::deserialize(&value).is_ok() {
            changed += 1;
        } else {
            *value.pointer_mut(path).unwrap() = before;
        }
    }
    assert!(changed > paths.len() / 4, "{changed} of {}", paths.len());
    T::deserialize(&value).unwrap()
}

fn texts(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(path),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                texts(item, format!("{path}/{at}"), found);
            }
        }
        Value::Object(keys) => {
            for (key, value) in keys {
                let key = key.replace('~', "~0").replace('/', "~1");
                texts(value, format!("{path}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// Also as keys, where any text may be one.
fn in_keys(mut run: RunRecord) -> RunRecord {
    let hostile = || HOSTILE.to_owned();
    for stage in run.stages.values_mut() {
        stage.examples.insert(hostile(), hostile());
        stage.finish_reasons.insert(hostile(), 7);
        stage.errors.insert(hostile(), 3);
    }
    if let Some(stage) = run.stages.values().next().cloned() {
        run.stages.insert(hostile(), stage);
    }
    run.release.versions.insert(hostile(), hostile());
    if let Some(eval) = &mut run.eval {
        eval.finish_reasons.insert(hostile(), 7);
        eval.error_kinds.insert(hostile(), 3);
        let slice = eval.slices.values().next().cloned();
        eval.slices.extend(slice.map(|it| (hostile(), it)));
        let assertion = eval.assertions.values().next().cloned();
        eval.assertions.extend(assertion.map(|it| (hostile(), it)));
        eval.must_pass_broken.push(hostile());
    }
    run
}

fn is_harmless(format: &str, text: &str) {
    let what = format!("{format}: {text}");
    let hidden = |c: char| {
        c != '\n' && (c.is_control() || "\u{202e}\u{2066}\u{feff}\u{2028}\u{fffe}".contains(c))
    };
    assert!(!text.chars().any(hidden), "{what}");
    assert!(!text.contains("##[") && !text.contains("##vso["), "{what}");
    if format == "github" {
        assert!(text.lines().all(|line| line.starts_with("::")), "{what}");
    } else {
        let is_command = |line: &str| line.trim_start().starts_with("::");
        assert!(!text.lines().any(is_command), "{what}");
    }
    if format == "markdown" {
        let text = without_code(text);
        for markup in ["<b>", "@team", " #1", "[a](", "://"] {
            assert!(!text.contains(markup), "{markup} in {what}");
        }
    }
}

/// What stands in code is no markup. Fences of spans are single backticks without a backslash
/// before them; those of drawings are ours.
fn without_code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|it| !it.starts_with("```")) {
        let line = line.replace("\\\\", "").replace("\\`", "");
        let parts: Vec<&str> = line.split('`').collect();
        assert!(!line.contains("``"), "{line}");
        assert!(parts.len() % 2 == 1, "{line}");
        out.extend(parts.iter().step_by(2).copied());
        out.push('\n');
    }
    out
}

/// security 4, 13, 14, 15
#[test]
fn no_string_of_a_stranger_is_obeyed_in_any_format() {
    let runs = [
        in_keys(with_hostile(&load_run())),
        in_keys(with_hostile(&eval_run())),
    ];
    let diff = with_hostile(&regressed());
    let rows: Vec<_> = stored().iter().map(with_hostile).collect();
    let mut check = probed();
    check.manifest = HOSTILE.to_owned();
    for stage in &mut check.stages {
        for text in [&mut stage.name, &mut stage.kind, &mut stage.url] {
            *text = HOSTILE.to_owned();
        }
        stage.owner = Some(HOSTILE.to_owned());
        if let Some(probe) = &mut stage.probe {
            probe.text = Some(HOSTILE.to_owned());
            probe.error = probe.error.as_ref().map(|_| HOSTILE.to_owned());
        }
    }
    let fault = crate::error::Fault {
        message: HOSTILE.to_owned(),
        help: Some(HOSTILE.to_owned()),
        file: Some(HOSTILE.to_owned()),
        line: Some(1),
        key: Some(HOSTILE.to_owned()),
    };
    let error = ErrorDocument::new(vec![fault], 2);
    let views = [
        View::Run(&runs[0]),
        View::Run(&runs[1]),
        View::Session(&runs),
        View::Diff(&diff),
        View::Runs(&rows),
        View::Check(&check),
        View::Error(&error),
    ];
    let page = Page {
        is_read_by_a_runner: true,
        ..FILE
    };
    for renderer in RENDERERS.iter() {
        for view in &views {
            is_harmless(renderer.name(), &render(renderer.name(), view, &page));
        }
    }
    let ascii = Page {
        unicode: false,
        ..page
    };
    for view in &views {
        is_harmless("human", &render("human", view, &ascii));
    }
}

fn many(case: &CaseResult, count: usize) -> RunRecord {
    let mut run = eval_run();
    let eval = run.eval.as_mut().unwrap();
    let slice = eval.slices.values().next().unwrap().clone();
    eval.cases = (0..count)
        .map(|at| CaseResult {
            id: format!("case-{at}"),
            ..case.clone()
        })
        .collect();
    eval.must_pass_broken = eval.cases.iter().map(|it| it.id.clone()).collect();
    eval.slices = (0..count)
        .map(|at| (format!("user={at}"), slice.clone()))
        .collect();
    run
}

/// security 12
#[test]
fn what_is_printed_is_bounded() {
    let failed = CaseResult {
        passed: false,
        error: None,
        reason: Some("it is not so ".repeat(5000)),
        output: Some("long ".repeat(13_000)),
        ..eval_run().eval.unwrap().cases[0].clone()
    };
    let run = many(&failed, 3000);
    let view = View::Run(&run);
    let github = render("github", &view, &FILE);
    assert!(github.len() < 10_000, "{}", github.len());
    assert!(github.contains("case-19, and 2980 more"), "{github}");
    assert!(!github.contains("case-20,"));
    for format in ["human", "markdown"] {
        let text = render(format, &view, &FILE);
        assert!(text.len() < 20_000, "{format}: {}", text.len());
        assert!(text.contains("and 2,980 more slices"), "{text}");
    }
    let junit = render("junit", &View::Run(&many(&failed, 10)), &FILE);
    assert!(junit.len() < 10 * 2600, "{}", junit.len());
    let long = CaseResult {
        id: "i".repeat(100_000),
        error: Some("e".repeat(100_000)),
        ..failed
    };
    let mut run = many(&long, 30);
    for case in &mut run.eval.as_mut().unwrap().cases {
        case.id.clone_from(&long.id);
    }
    for format in ["human", "markdown", "github"] {
        let text = render(format, &View::Run(&run), &FILE);
        assert!(text.len() < 60_000, "{format}: {}", text.len());
    }
}

/// security 12
#[test]
fn a_comparison_shows_the_worst_slices_and_counts_the_rest() {
    let mut diff = regressed();
    let slice = diff
        .comparisons
        .iter()
        .find(|it| it.metric.slice().is_some());
    let slice = slice.unwrap().clone();
    let more = (0..500).map(|at| crate::record::Comparison {
        metric: crate::metric::Metric::Eval {
            eval: "answers".to_owned(),
            part: crate::metric::EvalPart::Slice(format!("user={at}")),
        },
        ..slice.clone()
    });
    diff.comparisons.extend(more);
    for format in ["human", "markdown"] {
        let text = render(format, &View::Diff(&diff), &FILE);
        assert!(text.len() < 30_000, "{format}: {}", text.len());
        assert!(text.contains("more slices"), "{text}");
    }
}
