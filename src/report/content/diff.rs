//! Two releases compared: verdict, rules, who is to blame, what broke, what changed.

use super::super::block::{Block, Cell, Outcome, Table, Title, Tone};
use super::super::format::{NONE, count, number, plural, release, short_commit};
use super::bounded::{SHOWN_IDS, SHOWN_SLICES, ids, more_slices};
use super::{blame, metric, outcome};
use crate::metric::Unit;
use crate::record::VerdictKind;
use crate::record::{Blame, Change, Comparison, DiffDocument, Side, dirty_sentence};

/// So many characters of a run's id are shown where it stands for a release.
const SHOWN_ID: usize = 13;

/// So many rules are shown, what was broken first.
const SHOWN_RULES: usize = 60;

/// So many rows of a table are shown where all of it is to fit a screen.
const SHOWN_ROWS: usize = 3;

/// Returns the content of a comparison.
pub(super) fn blocks(diff: &DiffDocument) -> Vec<Block> {
    let mut blocks = vec![
        Block::Title(Title {
            outcome: ended(diff),
            name: format!("{} → {}", side(&diff.base), side(&diff.head)),
            facts: Vec::new(),
        }),
        Block::Text(Tone::Plain, diff.summary.clone()),
    ];
    let passed_over = diff.base.passed_over.iter().take(SHOWN_IDS);
    blocks.extend(passed_over.map(|it| Block::Text(Tone::Doubt, it.clone())));
    let dirty = dirty_sentence(diff.head.dirty, &diff.head.dirt);
    blocks.extend(dirty.map(|it| Block::Text(Tone::Doubt, it)));
    let (ruled, shown): (Vec<_>, Vec<_>) = diff
        .comparisons
        .iter()
        .partition(|comparison| comparison.rule.is_some());
    blocks.extend(rules(&ruled));
    blocks.extend(blame::blocks(&diff.blame));
    let is_slice = |it: &&Comparison| it.metric.slice().is_some();
    // Also those that a rule names: one that is left out looks like one that is fine.
    let slices: Vec<&Comparison> = diff.comparisons.iter().filter(is_slice).collect();
    blocks.extend(self::slices(&slices));
    let shown: Vec<&Comparison> = shown.into_iter().filter(|it| !is_slice(it)).collect();
    blocks.extend(cases("broke", &diff.cases.broke));
    blocks.extend(cases("fixed", &diff.cases.fixed));
    blocks.extend(changed(diff));
    let (latencies, others): (Vec<_>, Vec<_>) = shown
        .into_iter()
        .partition(|comparison| comparison.metric.unit() == Unit::Time);
    let others: Vec<_> = others
        .into_iter()
        .filter(|comparison| comparison.verdict != Change::Insufficient)
        .collect();
    blocks.extend(folded("Other metrics, not gated on", &others, Judged::Yes));
    let latencies: Vec<_> = latencies
        .into_iter()
        .filter(|comparison| metric::is_main_latency(&comparison.metric))
        .collect();
    blocks.extend(folded(
        "Latency, shown, never gated on",
        &latencies,
        Judged::No,
    ));
    blocks
}

/// Returns how a comparison ended.
pub(super) const fn ended(diff: &DiffDocument) -> Outcome {
    if diff.interrupted {
        Outcome::Interrupted
    } else {
        Outcome::Judged(diff.verdict)
    }
}

/// Names a side in as few words as tell it from another one.
pub(super) fn short_side(it: &Side) -> String {
    match (&it.tag, it.dirty) {
        (Some(tag), false) => tag.clone(),
        (Some(tag), true) => format!("{tag}-dirty"),
        (None, _) => side(it),
    }
}

/// Returns what a screen has room for, what counts most first.
pub(in crate::report) fn sections(diff: &DiffDocument) -> Vec<Vec<Block>> {
    let title = Block::Title(Title {
        outcome: ended(diff),
        name: format!("{} → {}", side(&diff.base), side(&diff.head)),
        facts: Vec::new(),
    });
    let passed_over = diff.base.passed_over.iter().take(SHOWN_ROWS);
    let dirty = dirty_sentence(diff.head.dirty, &diff.head.dirt);
    let told = passed_over.cloned().chain(dirty);
    let told = told.map(|it| Block::Text(Tone::Doubt, it));
    let (kept, open): (Vec<&Comparison>, Vec<_>) = diff
        .comparisons
        .iter()
        .filter(|it| it.rule.is_some())
        .partition(|it| it.outcome == Some(VerdictKind::Passed));
    let mut ruled = vec![Block::Heading("Rules".to_owned())];
    ruled.extend((!open.is_empty()).then(|| Block::Table(rule_table(&first(&open)))));
    let kept = plural(kept.len() as u64, "rule");
    ruled.push(Block::Text(Tone::Faint, format!("{kept} passed")));
    let lost: Vec<&Comparison> = diff
        .comparisons
        .iter()
        .filter(|it| it.metric.slice().is_some() && it.verdict == Change::Regressed)
        .collect();
    let mut slowest: Vec<Blame> = diff.blame.clone();
    slowest.sort_by(|a, b| b.change_ms.total_cmp(&a.change_ms));
    slowest.truncate(SHOWN_ROWS);
    let sections = [
        std::iter::once(title).chain(told).collect(),
        ruled,
        blame::blocks(&slowest),
        slices(&first(&lost)),
        cases("broke", &diff.cases.broke),
    ];
    sections.into_iter().filter(|it| !it.is_empty()).collect()
}

/// Returns the rows that a screen has room for.
fn first<'a>(comparisons: &[&'a Comparison]) -> Vec<&'a Comparison> {
    let mut comparisons = comparisons.to_vec();
    comparisons.sort_by_key(|it| urgency(it.outcome));
    comparisons.truncate(SHOWN_ROWS);
    comparisons
}

fn side(side: &Side) -> String {
    match (&side.commit, &side.tag, &side.id) {
        (None, None, Some(id)) => id.chars().take(SHOWN_ID).collect(),
        (None, None, None) => "no base".to_owned(),
        (commit, tag, _) => release(commit.as_deref(), tag.as_deref(), side.dirty),
    }
}

/// The order in which rules are read: what was broken first.
const fn urgency(outcome: Option<VerdictKind>) -> u8 {
    match outcome {
        Some(VerdictKind::Failed) => 0,
        Some(VerdictKind::Inconclusive) => 1,
        None | Some(VerdictKind::Passed) => 2,
    }
}

fn rules(ruled: &[&Comparison]) -> Vec<Block> {
    if ruled.is_empty() {
        return Vec::new();
    }
    let mut ruled = ruled.to_vec();
    ruled.sort_by_key(|comparison| urgency(comparison.outcome));
    let more = ruled.len().saturating_sub(SHOWN_RULES);
    ruled.truncate(SHOWN_RULES);
    let table = rule_table(&ruled);
    let mut blocks = vec![Block::Heading("Rules".to_owned()), Block::Table(table)];
    blocks.extend((more > 0).then(|| {
        let more = plural(more as u64, "more rule");
        Block::Text(Tone::Faint, format!("and {more}, which came out no worse"))
    }));
    // An absolute limit is decided by the two numbers in the table; only the rest has more to say.
    let decided: Vec<Block> = ruled
        .iter()
        .filter(|comparison| {
            let judged = matches!(
                comparison.outcome,
                Some(VerdictKind::Passed | VerdictKind::Failed)
            );
            comparison.bound.is_some() || !judged
        })
        .map(|comparison| decided_by(comparison))
        .collect();
    if !decided.is_empty() {
        blocks.push(Block::Fold("What decided".to_owned(), decided));
    }
    blocks
}

fn rule_table(ruled: &[&Comparison]) -> Table {
    let mut table = Table::default()
        .text("outcome")
        .text("metric")
        .number("base")
        .number("head")
        .text("change")
        .text("limit")
        .text("owner");
    for (comparison, limits) in by_metric(ruled) {
        let unit = comparison.metric.unit();
        let change = comparison
            .change
            .map(|change| metric::signed_change(unit, change));
        table.row(vec![
            outcome::verdict(comparison.outcome),
            metric::breakable(&comparison.metric).into(),
            metric::value(unit, comparison.base).into(),
            metric::value(unit, comparison.head).into(),
            change.as_deref().unwrap_or(NONE).into(),
            limits.join(", ").into(),
            comparison.owner.as_deref().unwrap_or(NONE).into(),
        ]);
    }
    table
}

/// Joins the limits of one metric that came out alike, for instance a rule and an SLO, so that each
/// metric is read once.
fn by_metric<'a>(ruled: &[&'a Comparison]) -> Vec<(&'a Comparison, Vec<&'a str>)> {
    let mut rows: Vec<(&Comparison, Vec<&str>)> = Vec::new();
    for comparison in ruled {
        let limit = comparison.rule.as_deref().unwrap_or(NONE);
        let same = |(known, _): &&mut (&Comparison, Vec<&str>)| {
            known.metric == comparison.metric && known.outcome == comparison.outcome
        };
        match rows.iter_mut().find(same) {
            Some((_, limits)) => limits.push(limit),
            None => rows.push((comparison, vec![limit])),
        }
    }
    rows
}

/// Formats a p; one too small to be written is below what can be.
fn p_value(name: &str, p: f64) -> String {
    const LEAST: f64 = 1e-6;
    if p < LEAST {
        format!("{name} < 0.000001")
    } else {
        format!("{name} {}", number(p))
    }
}

/// Says what a rule's outcome rests on, and what would help where it could not be decided.
fn decided_by(comparison: &Comparison) -> Block {
    let unit = comparison.metric.unit();
    let change = comparison.change.map(|_| metric::change(comparison));
    let mut facts: Vec<String> = change.into_iter().collect();
    facts.extend([
        comparison.method.clone(),
        format!("n {}", count(comparison.n)),
    ]);
    facts.extend(comparison.p.map(|p| p_value("p", p)));
    let decided = comparison.p_decided.filter(|_| comparison.p.is_some());
    facts.extend(decided.map(|p| p_value("one-sided p", p)));
    if let Some(bound) = comparison.bound {
        facts.push(format!(
            "one-sided bound {}",
            metric::signed_change(unit, bound)
        ));
    }
    let note = comparison
        .note
        .as_ref()
        .map_or_else(String::new, |note| format!("; {note}"));
    let text = format!("{}: {}{note}", comparison.metric, facts.join(", "));
    Block::Text(Tone::Plain, text)
}

const fn change(change: Change) -> (&'static str, Tone) {
    match change {
        Change::Regressed => ("regressed", Tone::Bad),
        Change::Improved => ("improved", Tone::Good),
        Change::Unchanged => ("unchanged", Tone::Plain),
        Change::Inconclusive => ("no change seen", Tone::Plain),
        Change::Insufficient => ("too little data", Tone::Doubt),
    }
}

/// Returns how large a change could have gone unseen, where none was seen and no rule asked for it:
/// half the width of the interval.
fn unseen(comparison: &Comparison) -> Option<String> {
    let (low, high) = (comparison.low?, comparison.high?);
    let is_open = comparison.verdict == Change::Inconclusive && comparison.rule.is_none();
    is_open.then(|| metric::half_width(comparison.metric.unit(), (high - low) / 2.0))
}

fn slices(slices: &[&Comparison]) -> Vec<Block> {
    let mut slices = slices.to_vec();
    slices.sort_by(|a, b| {
        let worst = |c: &Comparison| (c.verdict != Change::Regressed, c.change.unwrap_or(0.0));
        let ((a_kept, a_change), (b_kept, b_change)) = (worst(a), worst(b));
        a_kept.cmp(&b_kept).then(a_change.total_cmp(&b_change))
    });
    let name = |comparison: &Comparison| {
        let slice = comparison.metric.slice();
        slice.map_or_else(|| comparison.metric.to_string(), str::to_owned)
    };
    if slices.is_empty() {
        return Vec::new();
    }
    let more = slices.len().saturating_sub(SHOWN_SLICES);
    slices.truncate(SHOWN_SLICES);
    let table = compared("slice", &slices, Judged::Yes, name);
    let mut blocks = vec![
        Block::Heading("Slices, worst first".to_owned()),
        Block::Table(table),
    ];
    blocks.extend(more_slices(more));
    blocks
}

/// Whether a comparison's own verdict means anything: one run against one run decides nothing about
/// latency.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    Yes,
    No,
}

fn folded(summary: &str, comparisons: &[&Comparison], judged: Judged) -> Option<Block> {
    let name = |comparison: &Comparison| metric::breakable(&comparison.metric);
    let table = compared("metric", comparisons, judged, name);
    (!comparisons.is_empty()).then(|| Block::Fold(summary.to_owned(), vec![Block::Table(table)]))
}

fn compared(
    head: &str,
    comparisons: &[&Comparison],
    judged: Judged,
    name: impl Fn(&Comparison) -> String,
) -> Table {
    let mut table = Table::default()
        .text(head)
        .number("base")
        .number("head")
        .text("change");
    if judged == Judged::Yes {
        table = table.text("verdict");
    }
    for comparison in comparisons {
        let unit = comparison.metric.unit();
        let mut row = vec![
            name(comparison).into(),
            metric::value(unit, comparison.base).into(),
            metric::value(unit, comparison.head).into(),
            metric::change(comparison).into(),
        ];
        if judged == Judged::Yes {
            let (word, tone) = change(comparison.verdict);
            let unseen = unseen(comparison).map_or_else(String::new, |it| format!(" ({it})"));
            row.push(Cell::toned(tone, format!("{word}{unseen}")));
        }
        table.row(row);
    }
    table
}

fn cases(what: &str, all: &[String]) -> Vec<Block> {
    if all.is_empty() {
        return Vec::new();
    }
    let mut summary = format!("{} {what}", plural(all.len() as u64, "case"));
    let shown = &all[..all.len().min(SHOWN_IDS)];
    if shown.len() < all.len() {
        summary = format!("{summary}, the first {SHOWN_IDS}");
    }
    vec![Block::Fold(summary, vec![ids(shown)])]
}

fn changed(diff: &DiffDocument) -> Vec<Block> {
    let mut table = Table::default().text("version").text("base").text("head");
    let short = |version: &Option<String>| {
        let version = version.as_deref().unwrap_or(NONE);
        // A digest is read by its first characters, as a commit is; a name as a whole.
        match version.strip_prefix("blake3:") {
            Some(digest) => format!("blake3:{}", short_commit(digest)),
            None => version.to_owned(),
        }
    };
    for (name, (base, head)) in &diff.changed.versions {
        table.row(vec![name.into(), short(base).into(), short(head).into()]);
    }
    let mut blocks = Vec::new();
    if diff.changed.manifest {
        blocks.push(Block::Text(Tone::Plain, "The manifest differs.".to_owned()));
    }
    if !table.rows.is_empty() {
        blocks.push(Block::Table(table));
    }
    if !blocks.is_empty() {
        blocks.insert(0, Block::Heading("What differs besides results".to_owned()));
    }
    blocks
}
