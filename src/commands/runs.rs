//! `stagegate runs`: the stored runs.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use miette::Diagnostic;

use super::Context;
use super::context::MANIFEST;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::report::View;
use crate::store::{Git, RunRecord, RunRef, Selection, Store, Wanted, export};

/// List and show the stored runs
#[derive(Args, Clone, Debug)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// List the stored runs, newest first
    List,
    /// Show one run, or all of one release
    Show {
        /// A run's id or its start, `latest`, `latest~1`, a git revision, or an exported file
        #[arg(value_name = "RUN", default_value = "latest")]
        run: RunRef,
    },
    /// Print one run as a self-contained document, with histograms and intervals
    Export {
        /// A run's id or its start, `latest`, `latest~1`, or a git revision of which one run is stored
        #[arg(value_name = "RUN", default_value = "latest")]
        run: RunRef,
        /// Take the run of this load or suite, where the release has several
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
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
    let folder = folder(context);
    let store = Store::open(&folder);
    match &args.action {
        Action::List => {
            let listing = store.list()?;
            for broken in &listing.broken {
                context.ui.warn(&broken.message);
            }
            Ok(context.emit(&View::Runs(&listing.runs), Status::Passed))
        }
        Action::Show { run } => {
            let selection = select(context, &folder, &store, run, None)?;
            Ok(context.emit(&View::of_runs(&selection.runs), Status::Passed))
        }
        Action::Export { run, name } => {
            let selection = select(context, &folder, &store, run, name.as_deref())?;
            Ok(context.emit_text(&export(only_run(&selection)?), Status::Passed))
        }
    }
}

fn select(
    context: &Context,
    folder: &Path,
    store: &Store,
    run: &RunRef,
    name: Option<&str>,
) -> Result<Selection> {
    let env = context.global.env.first().map(String::as_str);
    let wanted = Wanted {
        name,
        env,
        ..Wanted::default()
    };
    Ok(store.select(&Git::open(folder), run, &wanted)?)
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

/// Returns the project's folder; the manifest itself is not needed to look at runs.
pub(super) fn folder(context: &Context) -> PathBuf {
    let manifest = context
        .global
        .manifest
        .as_deref()
        .unwrap_or(Path::new(MANIFEST));
    let path = context.path(manifest);
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}
