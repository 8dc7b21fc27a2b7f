//! `github`: workflow commands that annotate the manifest's lines in a pull request.

use std::fmt::Write as _;

use super::finding::{Finding, Outcome, Subject, findings};
use super::format::plural;
use super::text::cut_off;
use super::view::View;
use super::{Doubt, Page, Places, Renderer};
use crate::registry::Entry;
use crate::text::{Disarm, visible_drawing};

/// GitHub shows so many annotations of a step and drops the rest.
const SHOWN: usize = 10;

/// So many cases of a suite are named.
const NAMED: usize = 20;

/// The characters of a message: GitHub cuts one at 64 KiB, and nobody reads so much at a line.
const LONGEST: usize = 4000;

/// The `github` format.
pub(super) struct Github;

impl Entry for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn summary(&self) -> &'static str {
        "GitHub Actions annotations at the manifest's lines"
    }
}

impl Renderer for Github {
    fn render(&self, view: &View<'_>, page: &Page) -> Vec<u8> {
        let all = findings(view);
        let (mut lines, mut more) = (Vec::new(), 0_usize);
        for finding in grouped(&all) {
            let Some((command, title, said)) = annotation(&finding, page.doubt) else {
                continue;
            };
            if lines.len() < SHOWN - 1 {
                lines.push(line(
                    command,
                    &title,
                    &said,
                    page.places.find(&finding.subject),
                    page,
                ));
            } else {
                more += 1;
            }
        }
        if more > 0 {
            let said = format!("{more} more; see the report");
            lines.push(line("warning", "stagegate", &said, None, page));
        } else if lines.is_empty() {
            let said = match all.len() as u64 {
                0 => "nothing was judged".to_owned(),
                judged => format!("passed: {}", plural(judged, "check")),
            };
            lines.push(line("notice", "stagegate", &said, None, page));
        }
        lines.concat().into_bytes()
    }

    fn disarm(&self, _: &Page) -> Disarm {
        Disarm::COMMANDS
    }
}

/// Puts the cases of a suite together: a line for each would bury the rest.
fn grouped(all: &[Finding]) -> Vec<Finding> {
    let mut grouped: Vec<(Finding, usize)> = Vec::new();
    for finding in all {
        if finding.outcome == Outcome::Passed {
            continue;
        }
        let same = |(known, _): &&mut (Finding, usize)| {
            matches!(finding.subject, Subject::Eval(_))
                && known.subject == finding.subject
                && std::mem::discriminant(&known.outcome)
                    == std::mem::discriminant(&finding.outcome)
        };
        match grouped.iter_mut().find(same) {
            Some((known, count)) => {
                if *count < NAMED {
                    known.name.push_str(", ");
                    known.name.push_str(&finding.name);
                }
                *count += 1;
            }
            None => grouped.push((finding.clone(), 1)),
        }
    }
    let named = |(mut finding, count): (Finding, usize)| {
        if count > NAMED {
            let more = count - NAMED;
            write!(finding.name, ", and {more} more").expect("a string takes everything");
        }
        finding
    };
    grouped.into_iter().map(named).collect()
}

fn annotation(finding: &Finding, doubt: Doubt) -> Option<(&'static str, String, String)> {
    let is_eval = matches!(finding.subject, Subject::Eval(_));
    let (command, word, said) = match &finding.outcome {
        Outcome::Passed => return None,
        Outcome::Warned(said) => ("warning", "warning", said),
        // A case that failed is no broken rule: whether the suite may ship is for the gate to say.
        Outcome::Failed(said) if is_eval => ("warning", "not passed", said),
        Outcome::Failed(said) => ("error", "failed", said),
        Outcome::Unknown(said) if doubt == Doubt::Failed => ("error", "cannot tell", said),
        Outcome::Unknown(said) => ("warning", "cannot tell", said),
        Outcome::Error(said) => ("error", "error", said),
    };
    let said = if is_eval { &finding.name } else { said };
    Some((command, format!("{}: {word}", finding.suite), said.clone()))
}

fn line(command: &str, title: &str, said: &str, at: Option<Place<'_>>, page: &Page) -> String {
    let place = match at {
        Some(Place { file, line }) => {
            let file = property(&page.checkout.path(file));
            let line = line.map_or_else(String::new, |line| format!("line={line},"));
            format!("file={file},{line}")
        }
        None => String::new(),
    };
    format!(
        "::{command} {place}title={}::{}\n",
        property(title),
        data(said)
    )
}

/// Escapes a message, as the workflow commands of GitHub Actions ask for it.
fn data(text: &str) -> String {
    visible_drawing(&cut_off(text, LONGEST))
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property: colons and commas end one.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Where something stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// As the user would write it.
    file: &'a str,
    line: Option<u64>,
}

impl Places {
    /// Returns where something stands.
    fn find<'a>(&'a self, subject: &'a Subject) -> Option<Place<'a>> {
        if let Subject::File(file, line) = subject {
            return Some(Place { file, line: *line });
        }
        let line = self.line(subject)?;
        Some(Place {
            file: &self.file,
            line: Some(line),
        })
    }

    /// Returns the line of the manifest that something stands in.
    fn line(&self, subject: &Subject) -> Option<u64> {
        let line = |key: String| self.lines.get(&key).copied();
        match subject {
            Subject::Metric(metric) => line(format!("rule {metric}")).or_else(|| {
                let parts: Vec<&str> = metric.split('.').collect();
                match parts[..] {
                    ["eval", name, ..] => line(format!("eval {name}")),
                    ["load", load, stage, ref rest @ ..] => {
                        line(format!("slo {stage} {}", rest.join(".")))
                            .or_else(|| line(format!("stage {stage}")))
                            .or_else(|| line(format!("load {load}")))
                    }
                    _ => None,
                }
            }),
            Subject::Slo { stage, metric } => {
                line(format!("slo {stage} {metric}")).or_else(|| line(format!("stage {stage}")))
            }
            Subject::Eval(name) => line(format!("eval {name}")),
            Subject::Load(name) => line(format!("load {name}")),
            Subject::Stage(name) => line(format!("stage {name}")),
            Subject::Line(line) => Some(*line),
            Subject::File(..) => None,
        }
    }
}
