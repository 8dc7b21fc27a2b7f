//! `stagegate runs`: the stored runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use miette::Diagnostic;

use super::Context;
use super::prune::{PruneArgs, prune};
use super::stored::{Stored, only_run};
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::experiment::merge;
use crate::report::View;
use crate::store::{RunRef, Selection, Wanted, export, export_release};

/// List, show, merge, export, import, and delete the stored runs
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
    /// Put the parts of a load that was sent by several processes (`load --shard`) together, and
    /// store the whole
    Merge {
        /// The parts, as ids or exported files
        #[arg(value_name = "RUN", required = true, num_args = 2..)]
        runs: Vec<RunRef>,
    },
    /// Delete old runs; the newest of each kind, name, and environment, and those of tagged
    /// commits, stay
    Prune(PruneArgs),
    /// Print one run as a self-contained document, with histograms, intervals, and the comparison
    /// of a gate; of a revision the whole release
    Export {
        /// A run's id or its start, `latest`, `latest~1`, or a git revision
        #[arg(value_name = "RUN", default_value = "latest")]
        run: RunRef,
        /// Take the run of this load or suite, where the release has several
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Store the runs of an exported file, so that gates of this project are held against them
    Import {
        /// What `runs export` printed: a run, or a release
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Runs that a commit brings along would become bases that whoever can make a commit has written.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("git tracks `{}`: whoever can make a commit can write such runs", path.display())]
#[diagnostic(help("Import a file from where only the default branch can write. See docs/ci.md."))]
struct TrackedFile {
    path: PathBuf,
}

impl Classify for TrackedFile {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// So many runs that cannot be read are named.
const BROKEN_SHOWN: usize = 20;

/// Runs the command.
pub(crate) fn runs(context: &Context, args: &RunsArgs) -> Result<Status> {
    let stored = Stored::open(context);
    match &args.action {
        Action::List => {
            let listing = stored.store.list()?;
            for broken in listing.broken.iter().take(BROKEN_SHOWN) {
                context.ui.warn(&broken.message);
            }
            let more = listing.broken.len().saturating_sub(BROKEN_SHOWN);
            if more > 0 {
                context.ui.warn(&format!("{more} more that cannot be read"));
            }
            Ok(context.emit(&View::Runs(&listing.runs), Status::Passed))
        }
        Action::Show { run } => show(context, run),
        Action::Merge { runs } => merge_shards(context, &stored, runs),
        Action::Prune(args) => prune(context, &stored, args),
        Action::Export { run, name } => {
            let wanted = Wanted {
                name: name.as_deref(),
                gate: true,
                ..stored.wanted()
            };
            let selection = stored.select(run, &wanted)?;
            let text = match name {
                None if is_release(run, &selection) => {
                    export_release(&stored.store.release_document(selection)?)
                }
                _ => export(&only_run(selection)?),
            };
            Ok(context.emit_json(text, Status::Passed))
        }
        Action::Import { file } => {
            let path = context.path(file);
            if stored.git.tracks(&path) {
                return Err(TrackedFile { path }.into());
            }
            let imported = stored.store.import(&path)?;
            let (all, stored) = (imported.runs.len(), imported.stored);
            context.ui.note(&format!(
                "{stored} runs stored, {} were there already",
                all - stored
            ));
            Ok(context.emit(&View::Runs(&imported.runs), Status::Passed))
        }
    }
}

/// Returns whether a release was asked for, and not one run by its id or as the latest.
fn is_release(asked: &RunRef, found: &Selection) -> bool {
    match (asked, found.runs.as_slice()) {
        (RunRef::Named(text), [one]) => !one.id.starts_with(text.as_str()),
        (RunRef::Latest(_) | RunRef::Path(_), [_]) => false,
        (_, runs) => runs.len() > 1,
    }
}

/// Shows one run, or all of one release.
pub(super) fn show(context: &Context, run: &RunRef) -> Result<Status> {
    let stored = Stored::open(context);
    let wanted = Wanted {
        gate: true,
        ..stored.wanted()
    };
    let selection = stored.select(run, &wanted)?;
    let view = View::of_runs(&selection.runs);
    if matches!(view, View::Diff(_)) && context.manifest_path().exists() {
        // For the lines that annotations point at; a manifest that is wrong today does not hide
        // what was decided.
        context.project().ok();
    }
    Ok(context.emit(&view, Status::Passed))
}

fn merge_shards(context: &Context, stored: &Stored<'_>, shards: &[RunRef]) -> Result<Status> {
    let mut runs = Vec::new();
    for shard in shards {
        runs.push(only_run(stored.select(shard, &stored.wanted())?)?);
    }
    let (merged, status) = merge(&runs, context.clock.now())?;
    stored.store.write(&merged)?;
    Ok(context.emit(&View::Run(&merged), status))
}
