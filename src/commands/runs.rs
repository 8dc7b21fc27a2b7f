//! `stagegate runs`: the stored runs.

use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use miette::Diagnostic;

use super::Context;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::experiment::merge;
use crate::git::Git;
use crate::measure::parse_duration;
use crate::record::RunRecord;
use crate::report::View;
use crate::store::{PruneRules, RunRef, Selection, Store, Wanted, export};

/// List, show, merge, export, and delete the stored runs
#[derive(Args, Clone, Debug)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// List the stored runs, newest first
    List,
    /// Show one run, or all of one release; of a gate, the comparison that it was decided by
    Show {
        /// A run's id or its start, `latest`, `latest~1`, a git revision, or an exported file
        #[arg(value_name = "RUN", default_value = "latest")]
        run: RunRef,
    },
    /// Put the parts of a load that was sent by several processes (`load --shard`) together, and store the whole
    Merge {
        /// The parts, as ids or exported files
        #[arg(value_name = "RUN", required = true, num_args = 2..)]
        runs: Vec<RunRef>,
    },
    /// Delete old runs; the newest of each kind, name, and environment, and those of tagged commits, stay
    Prune(PruneArgs),
    /// Print one run as a self-contained document, with histograms, intervals, and the comparison of a gate
    Export {
        /// A run's id or its start, `latest`, `latest~1`, or a git revision of which one run is stored
        #[arg(value_name = "RUN", default_value = "latest")]
        run: RunRef,
        /// Take the run of this load or suite, where the release has several
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
}

#[derive(Args, Clone, Debug)]
#[group(id = "rule", required = true, multiple = true, args = ["keep", "older_than"])]
struct PruneArgs {
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

/// Why a run cannot be exported.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("`{label}` has {count} runs: {names}")]
#[diagnostic(help("Name one of them by its id, or with `--name`."))]
pub(crate) struct SeveralRuns {
    label: String,
    count: usize,
    names: String,
}

impl Classify for SeveralRuns {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// Runs the command.
pub(crate) fn runs(context: &Context, args: &RunsArgs) -> Result<Status> {
    let folder = context.folder();
    let store = Store::open(&folder);
    match &args.action {
        Action::List => {
            let listing = store.list()?;
            for broken in &listing.broken {
                context.ui.warn(&broken.message);
            }
            Ok(context.emit(&View::Runs(&listing.runs), Status::Passed))
        }
        Action::Show { run } => show(context, run),
        Action::Merge { runs } => merge_parts(context, &folder, &store, runs),
        Action::Prune(args) => prune(context, &folder, &store, args),
        Action::Export { run, name } => {
            let wanted = wanted(context, name.as_deref());
            let selection = select(
                &folder,
                &store,
                run,
                &Wanted {
                    gate: true,
                    ..wanted
                },
            )?;
            Ok(context.emit_text(&export(only_run(&selection)?), Status::Passed))
        }
    }
}

/// Shows one run, or all of one release.
pub(super) fn show(context: &Context, run: &RunRef) -> Result<Status> {
    let folder = context.folder();
    let wanted = wanted(context, None);
    let selection = select(
        &folder,
        &Store::open(&folder),
        run,
        &Wanted {
            gate: true,
            ..wanted
        },
    )?;
    let view = View::of_runs(&selection.runs);
    if matches!(view, View::Diff(_)) && context.manifest_path().exists() {
        // For the lines that annotations point at; a manifest that is wrong today does not hide what was decided.
        context.project().ok();
    }
    Ok(context.emit(&view, Status::Passed))
}

fn merge_parts(
    context: &Context,
    folder: &Path,
    store: &Store,
    parts: &[RunRef],
) -> Result<Status> {
    let mut runs = Vec::new();
    for part in parts {
        let selection = select(folder, store, part, &wanted(context, None))?;
        runs.push(only_run(&selection)?.clone());
    }
    let (merged, status) = merge(&runs, context.clock.now())?;
    store.write(&merged)?;
    Ok(context.emit(&View::Run(&merged), status))
}

fn prune(context: &Context, folder: &Path, store: &Store, args: &PruneArgs) -> Result<Status> {
    let rules = PruneRules {
        keep: args.keep,
        older_than: args.older_than,
        tagged: args.tagged,
    };
    let pruned = store.prunable(&Git::open(folder), rules, context.clock.now())?;
    if !args.dry_run {
        store.prune(&pruned)?;
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
    context
        .ui
        .note(&format!("{did} {}{journals}, {bytes}", noun(runs, "run")));
    Ok(context.emit(&View::Runs(&pruned.runs), Status::Passed))
}

fn wanted<'a>(context: &'a Context, name: Option<&'a str>) -> Wanted<'a> {
    Wanted {
        name,
        env: context.global.env.first().map(String::as_str),
        ..Wanted::default()
    }
}

fn select(folder: &Path, store: &Store, run: &RunRef, wanted: &Wanted<'_>) -> Result<Selection> {
    Ok(store.select(&Git::open(folder), run, wanted)?)
}

/// Finds the one run that is to be exported.
fn only_run(selection: &Selection) -> Result<&RunRecord, SeveralRuns> {
    match selection.runs.as_slice() {
        [one] => Ok(one),
        many => Err(SeveralRuns {
            label: selection.label.clone(),
            count: many.len(),
            names: many
                .iter()
                .map(|run| format!("{} {} ({})", run.kind.word(), run.name, run.id))
                .collect::<Vec<_>>()
                .join(", "),
        }),
    }
}
