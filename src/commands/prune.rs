//! `stagegate runs prune`: deletes old runs.

use std::time::Duration;

use clap::Args;

use super::Context;
use super::output::HUMAN;
use super::stored::Stored;
use crate::error::Result;
use crate::exit::Status;
use crate::measure::parse_duration;
use crate::report::View;
use crate::store::PruneRules;

#[derive(Args, Clone, Debug)]
#[group(id = "rule", required = true, multiple = true, args = ["keep", "older_than"])]
pub(super) struct PruneArgs {
    /// Keep so many of the newest of each kind, name, and environment
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Delete only what is older, for instance `30d`
    #[arg(long, value_name = "D", value_parser = parse_age)]
    older_than: Option<Duration>,
    /// Also delete runs of tagged commits
    #[arg(long)]
    tagged: bool,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
}

/// Reads `30d`, or any duration of the manifest.
fn parse_age(text: &str) -> std::result::Result<Duration, String> {
    match text.strip_suffix('d').map(str::parse::<u32>) {
        Some(Ok(days)) => Ok(Duration::from_secs(u64::from(days) * 86_400)),
        _ => parse_duration(text)
            .map_err(|_| format!("`{text}` is not an age; write it like `30d` or `12h`")),
    }
}

/// Runs the command.
pub(super) fn prune(context: &Context, stored: &Stored<'_>, args: &PruneArgs) -> Result<Status> {
    let rules = PruneRules {
        keep: args.keep,
        older_than: args.older_than,
        tagged: args.tagged,
    };
    let pruned = stored
        .store
        .prunable(&stored.git, rules, context.clock.now())?;
    if !args.dry_run {
        stored.store.prune(&pruned)?;
    }
    let (runs, journals) = (pruned.runs.len(), pruned.journals.len());
    let did = if args.dry_run {
        "would delete"
    } else {
        "deleted"
    };
    let noun = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    let journals = match journals {
        0 => String::new(),
        count => format!(" and {}", noun(count, "journal")),
    };
    let bytes = indicatif::HumanBytes(pruned.bytes);
    let kept = match (pruned.kept, pruned.kept_tagged) {
        (kept, 0) => format!("{} kept", noun(kept, "run")),
        (kept, tagged) => format!(
            "{} kept, {tagged} of tagged commits (`--tagged`)",
            noun(kept, "run")
        ),
    };
    let said = match (runs, journals.as_str()) {
        (0, "") => format!("nothing to delete: {kept}"),
        _ => format!("{did} {}{journals}, {bytes}; {kept}", noun(runs, "run")),
    };
    if runs == 0 && context.global.format == HUMAN {
        // An empty list would say that nothing is stored.
        return Ok(context.emit_text(&format!("{said}\n"), Status::Passed));
    }
    context.ui.note(&said);
    Ok(context.emit(&View::Runs(&pruned.runs), Status::Passed))
}
