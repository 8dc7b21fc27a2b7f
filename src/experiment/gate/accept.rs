//! `gate --accept`: what a gate has found is written into the manifest as intended, to be reviewed
//! with it, with a reason and an end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use miette::Diagnostic;

use crate::error::{Classify, Kind, Result};
use crate::experiment::Experiment;
use crate::intake;
use crate::manifest::accepted_in;
use crate::measure::Growth;
use crate::metric::Metric;
use crate::record::{Change, Comparison, DiffDocument, VerdictKind};

/// What the user says of the changes that are accepted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acceptance {
    /// The tag of the last release for which they hold; without it, the next minor version.
    pub(crate) until: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Acceptance {
    /// Returns until when, and why; where nothing is said, what asks for it.
    fn said(&self, experiment: &Experiment) -> (String, String) {
        let tag = experiment.release.tag.as_deref();
        let until = self.until.clone().unwrap_or_else(|| next_minor(tag));
        let date = experiment.clock.now().strftime("%Y-%m-%d");
        let asked = || format!("found by `stagegate gate` on {date}: say why it is meant");
        (until, self.reason.clone().unwrap_or_else(asked))
    }
}

/// The manifest could not be written to.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("cannot add to `{}`: {source}", file.display())]
pub(crate) struct NotAccepted {
    file: PathBuf,
    source: std::io::Error,
}

impl Classify for NotAccepted {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// A change that is intended.
#[derive(Clone, Debug, PartialEq)]
struct Intended {
    metric: Metric,
    /// In whole percent.
    up_to: u32,
}

/// Writes what a gate has found as accepted behind everything else in the manifest, and says what
/// was written and what cannot be accepted.
pub(crate) fn accept(
    experiment: &Experiment,
    document: &DiffDocument,
    acceptance: &Acceptance,
) -> Result<()> {
    let (intended, absolute) = found(document);
    for metric in absolute {
        experiment.warn(format!(
            "`{metric}` is above or below a limit of its own, which no accepted change widens: change the limit"
        ));
    }
    if intended.is_empty() {
        experiment.note("there is nothing to accept: no change for the worse was shown");
        return Ok(());
    }
    let project = &experiment.project;
    let file = project.manifest.source.path();
    let refused = |source| NotAccepted {
        file: file.to_owned(),
        source,
    };
    let text = intake::read_text(file, &intake::MANIFEST).map_err(refused)?;
    let (until, reason) = acceptance.said(experiment);
    let known = accepted_in(&text);
    let (again, new): (Vec<Intended>, Vec<Intended>) = intended
        .into_iter()
        .partition(|it| known.iter().any(|(metric, _)| *metric == it.metric));
    for it in &again {
        experiment.warn(format!(
            "`{}` is accepted already, and not so far: write `up_to = \"{}%\"` there",
            it.metric, it.up_to
        ));
    }
    if new.is_empty() {
        return Ok(());
    }
    let added = tables(&new, &until, &reason);
    let broken = || std::io::Error::other("what would be added does not fit behind what it holds");
    let parsed = format!("{text}{added}").parse::<toml::Table>();
    let written = parsed.map_err(|_| broken()).and_then(|_| {
        let mut file = OpenOptions::new().append(true).open(file)?;
        file.write_all(added.as_bytes())?;
        file.sync_all()
    });
    written.map_err(refused)?;
    let shown = project.manifest_path();
    for it in &new {
        experiment.note(format!(
            "accepted in `{shown}`: `{}` up to {}%",
            it.metric, it.up_to
        ));
    }
    experiment.note(format!(
        "until {until}; review `{shown}`, say why in `reason`, commit it, and gate again: this verdict stands"
    ));
    Ok(())
}

/// Returns the changes for the worse that a gate has shown and that can be accepted, and the
/// metrics that failed by a limit of their own.
fn found(document: &DiffDocument) -> (Vec<Intended>, Vec<Metric>) {
    let (mut intended, mut absolute): (Vec<Intended>, Vec<Metric>) = (Vec::new(), Vec::new());
    for row in &document.comparisons {
        let is_shown = row.verdict == Change::Regressed && row.change.is_some();
        if is_shown && (row.rule.is_none() && row.metric.is_pass_rate() || failed(row)) {
            let up_to = up_to(row);
            match intended.iter_mut().find(|it| it.metric == row.metric) {
                Some(known) => known.up_to = known.up_to.max(up_to),
                None => intended.push(Intended {
                    metric: row.metric.clone(),
                    up_to,
                }),
            }
        } else if failed(row) && !absolute.contains(&row.metric) {
            absolute.push(row.metric.clone());
        }
    }
    (intended, absolute)
}

fn failed(row: &Comparison) -> bool {
    row.outcome == Some(VerdictKind::Failed)
}

/// Returns up to where a change is accepted so that a gate that finds the same again keeps it: half
/// as far again as its interval reaches, in whole percent.
fn up_to(row: &Comparison) -> u32 {
    let change = row.change.unwrap_or(0.0);
    let (worse, far) = match row.metric {
        Metric::Eval { .. } => (-change, row.low.map(|low| -low)),
        _ => (change, row.high),
    };
    let far = far.filter(|far| *far >= worse).unwrap_or(worse * 1.5);
    let up_to = far + 0.5 * (far - worse);
    let most = match row.metric {
        Metric::Eval { .. } => 1.0,
        _ => Growth::MOST,
    };
    (up_to.min(most) * 100.0 - 1e-9).ceil().max(1.0) as u32
}

/// Returns the tag of the next minor version after a tag; `v0.1.0` where it is no version.
fn next_minor(tag: Option<&str>) -> String {
    let next = |tag: &str| {
        let digits = tag.find(|c: char| c.is_ascii_digit())?;
        let (prefix, version) = tag.split_at(digits);
        let version = version.split(['-', '+']).next()?;
        let mut parts = version.split('.');
        let major: u64 = parts.next()?.parse().ok()?;
        let minor: u64 = parts.next()?.parse().ok()?;
        Some(format!("{prefix}{major}.{}.0", minor.checked_add(1)?))
    };
    tag.and_then(next).unwrap_or_else(|| "v0.1.0".to_owned())
}

fn tables(intended: &[Intended], until: &str, reason: &str) -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    let (until, reason) = (text(until), text(reason));
    let one = |it: &Intended| {
        let metric = text(&it.metric.to_string());
        let up_to = it.up_to;
        format!(
            "\n[[accept]]\nmetric = {metric}\nup_to = \"{up_to}%\"\nuntil = {until}\nreason = {reason}\n"
        )
    };
    // The last line may have no end.
    std::iter::once("\n".to_owned())
        .chain(intended.iter().map(one))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::fixture;

    fn row(metric: &str, change: f64, (low, high): (f64, f64)) -> Comparison {
        let gate = fixture("v1.1", "gate").diff.unwrap();
        Comparison {
            metric: Metric::parse(metric).unwrap(),
            change: Some(change),
            low: Some(low),
            high: Some(high),
            verdict: Change::Regressed,
            outcome: Some(VerdictKind::Failed),
            ..gate.comparisons[0].clone()
        }
    }

    const P95: &str = "load.peak.gateway.response_time.p95";

    fn found_in(rows: Vec<Comparison>) -> (Vec<(String, u32)>, Vec<String>) {
        let gate = fixture("v1.1", "gate").diff.unwrap();
        let (intended, absolute) = found(&DiffDocument {
            comparisons: rows,
            ..gate
        });
        let named = |it: Intended| (it.metric.to_string(), it.up_to);
        (
            intended.into_iter().map(named).collect(),
            absolute.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn what_was_shown_to_be_worse_is_accepted_with_room_for_its_noise() {
        let slice = "eval.answers.slice.\"lang=de\".pass_rate";
        let bare = Comparison {
            rule: None,
            outcome: None,
            ..row(slice, -0.2, (-0.31, -0.1))
        };
        let better = Comparison {
            verdict: Change::Improved,
            outcome: Some(VerdictKind::Passed),
            ..row(P95, -0.2, (-0.3, -0.1))
        };
        let limit = Comparison {
            verdict: Change::Unchanged,
            ..row("load.peak.gateway.ttft.p95", 0.0, (-0.1, 0.1))
        };
        let (intended, absolute) = found_in(vec![
            row(P95, 0.10, (0.08, 0.12)),
            row(P95, 0.10, (0.08, 0.11)),
            bare,
            better,
            limit,
        ]);
        assert_eq!(
            intended,
            [(P95.to_owned(), 13), (slice.to_owned(), 37)],
            "half as far again as the interval reaches"
        );
        assert_eq!(absolute, ["load.peak.gateway.ttft.p95"]);
        // Without an interval, and beyond all there is.
        let open = Comparison {
            high: None,
            ..row(P95, 1.0, (0.0, 0.0))
        };
        assert_eq!(found_in(vec![open]).0[0].1, 175);
        let all = row("eval.answers.pass_rate", -0.9, (-1.0, -0.7));
        assert_eq!(found_in(vec![all]).0[0].1, 100);
    }

    #[test]
    fn it_expires_after_the_next_minor_version() {
        for (tag, next) in [
            (Some("v1.4.2"), "v1.5.0"),
            (Some("v1.4.2-rc.1"), "v1.5.0"),
            (Some("1.9"), "1.10.0"),
            (Some("release-2.0.0+b1"), "release-2.1.0"),
            (Some("nightly"), "v0.1.0"),
            (Some("v7"), "v0.1.0"),
            (None, "v0.1.0"),
        ] {
            assert_eq!(next_minor(tag), next, "{tag:?}");
        }
    }

    #[test]
    fn the_tables_are_read_again_whatever_is_written_in_them() {
        let slice = Metric::parse("eval.answers.slice.\"lang=d'e\".pass_rate").unwrap();
        let intended = [Intended {
            metric: slice.clone(),
            up_to: 12,
        }];
        let text = format!(
            "version = 1{}",
            tables(&intended, "v1", "it's \"meant\"\nso")
        );
        let read: toml::Table = text.parse().unwrap();
        assert_eq!(
            read["accept"][0]["reason"].as_str(),
            Some("it's \"meant\"\nso")
        );
        assert_eq!(accepted_in(&text).first().unwrap().0, slice);
    }
}
