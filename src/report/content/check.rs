//! A manifest that is right, its stages, and what came back from each.

use super::super::block::{Block, Cell, Outcome, Table, Title, Tone};
use super::super::format::{NONE, TimeUnit, plural};
use super::super::text::{clean, cut};
use super::super::view::{CheckReport, ProbeResult, StageCheck};
use super::outcome;
use crate::manifest::IdleKey;
use crate::record::VerdictKind;

/// So much of an answer is shown.
const EXCERPT: usize = 80;

/// Returns the content of a check.
pub(super) fn blocks(check: &CheckReport) -> Vec<Block> {
    let mut blocks = vec![Block::Title(title(check)), Block::Table(stages(check))];
    let probed: Vec<(&StageCheck, &ProbeResult)> = check
        .stages
        .iter()
        .filter_map(|stage| Some((stage, stage.probe.as_ref()?)))
        .collect();
    if !probed.is_empty() {
        blocks.push(Block::Heading("One call of each stage".to_owned()));
        blocks.push(Block::Table(probes(&probed)));
        for (stage, probe) in probed {
            blocks.extend(remedy(stage, probe));
            let notes = probe.notes.iter();
            let notes = notes.map(|note| format!("`{}`: {}", stage.name, clean(note)));
            blocks.extend(notes.map(|note| Block::Text(Tone::Doubt, note)));
        }
    }
    blocks.extend(secrets(check));
    let told = check.missing.iter().chain(&check.warnings);
    blocks.extend(told.map(warning));
    blocks
}

fn title(check: &CheckReport) -> Title {
    let probes: Vec<&ProbeResult> = check
        .stages
        .iter()
        .filter_map(|s| s.probe.as_ref())
        .collect();
    let answered = probes.iter().filter(|probe| probe.ok).count();
    let mut facts = vec![check.deployment.clone()];
    facts.extend(check.env.clone());
    facts.push(plural(check.stages.len() as u64, "stage"));
    facts.extend(
        check
            .suites
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(family, names)| format!("{family} {}", names.join(", "))),
    );
    let (verdict, name) = match probes.len() {
        0 => (VerdictKind::Passed, format!("{} is valid", check.manifest)),
        all if answered == all => (
            VerdictKind::Passed,
            format!("{} is valid, every stage answered", check.manifest),
        ),
        all => (
            VerdictKind::Failed,
            format!(
                "{} is valid, but only {answered} of {} answered",
                check.manifest,
                plural(all as u64, "stage")
            ),
        ),
    };
    let outcome = if check.interrupted {
        Outcome::Interrupted
    } else {
        Outcome::Judged(verdict)
    };
    Title {
        outcome,
        name,
        facts,
    }
}

fn stages(check: &CheckReport) -> Table {
    let mut table = Table::default()
        .text("stage")
        .text("kind")
        .text("url")
        .text("calls")
        .dispensable(1)
        .text("owner")
        .text("slo");
    for stage in &check.stages {
        table.row(vec![
            Cell::toned(Tone::Strong, &stage.name),
            (&stage.kind).into(),
            (&stage.url).into(),
            list(&stage.calls).into(),
            stage.owner.as_deref().unwrap_or(NONE).into(),
            list(&stage.slo).into(),
        ]);
    }
    table
}

fn list(items: &[String]) -> String {
    match items {
        [] => NONE.to_owned(),
        items => items.join(", "),
    }
}

fn probes(probed: &[(&StageCheck, &ProbeResult)]) -> Table {
    let unit = TimeUnit::of(probed.iter().map(|(_, probe)| probe.response_time_ms));
    let mut table = Table::default()
        .text("result")
        .text("stage")
        .number("status")
        .number(unit.name())
        .number("ids")
        .text("answer");
    for (stage, probe) in probed {
        let answer = match (&probe.error, &probe.text) {
            (Some(error), _) => clean(error),
            (None, Some(text)) => cut(&clean(text), EXCERPT),
            (None, None) => NONE.to_owned(),
        };
        table.row(vec![
            outcome::cell(Some(probe.ok)),
            Cell::toned(Tone::Strong, &stage.name),
            probe
                .status
                .map_or_else(|| NONE.to_owned(), |status| status.to_string())
                .into(),
            unit.show(probe.response_time_ms).into(),
            probe
                .ids
                .map_or_else(|| NONE.to_owned(), |ids| ids.to_string())
                .into(),
            answer.into(),
        ]);
    }
    table
}

fn remedy(stage: &StageCheck, probe: &ProbeResult) -> Option<Block> {
    let help = probe.help.as_ref()?;
    Some(Block::Text(
        Tone::Plain,
        format!("`{}`: {help}", stage.name),
    ))
}

/// One line, as compilers write them.
fn warning(idle: &IdleKey) -> Block {
    let IdleKey {
        file,
        line,
        message,
        ..
    } = idle;
    let text = format!("warning: {file}:{line}: {message}");
    Block::Text(Tone::Doubt, text)
}

fn secrets(check: &CheckReport) -> Option<Block> {
    let unset: Vec<&str> = check
        .secrets
        .iter()
        .filter(|(_, set)| !**set)
        .map(|(name, _)| name.as_str())
        .collect();
    let text = format!("Secrets that are not set here: {}", unset.join(", "));
    (!unset.is_empty()).then_some(Block::Text(Tone::Doubt, text))
}
