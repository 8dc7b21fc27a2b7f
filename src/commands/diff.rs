//! `stagegate diff`: compares two releases.

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::{Judged, compare};
use crate::git::Git;
use crate::report::View;
use crate::store::{Head, RunRef, Store, Wanted};

/// Compare two releases
#[derive(Args, Clone, Debug)]
pub(crate) struct DiffArgs {
    /// The release to compare with: a git revision, a run's id, an exported file, `latest~1`; the release measured
    /// before HEAD when none is given
    #[arg(value_name = "BASE")]
    base: Option<RunRef>,
    /// The release that is judged, named in the same ways
    #[arg(value_name = "HEAD", default_value = "latest")]
    head: RunRef,
}

/// Runs the command.
pub(crate) fn diff(context: &Context, args: &DiffArgs) -> Result<Status> {
    compare_stored(context, args.base.as_ref(), &args.head)
}

/// Compares two stored releases and shows what came of it.
pub(super) fn compare_stored(
    context: &Context,
    base: Option<&RunRef>,
    head: &RunRef,
) -> Result<Status> {
    // Exported files can be compared anywhere; rules, owners, and edges come from the manifest where there is one.
    let project = if context.manifest_path().exists() {
        Some(context.project()?)
    } else {
        None
    };
    let folder = context.folder();
    let (store, git) = (Store::open(&folder), Git::open(&folder));
    let env = context.global.env.first().map(String::as_str);
    let wanted = |env| Wanted {
        env,
        ..Wanted::default()
    };
    let head = store.select(&git, &located(context, head), &wanted(env))?;
    let env = env.or_else(|| head.runs.first().map(|run| run.env.as_str()));
    let base = match base {
        Some(base) => store.select(&git, &located(context, base), &wanted(env))?,
        None => store.default_base(&git, &Head::of(&head))?,
    };
    let manifest = project.as_ref().map(|project| &project.manifest);
    let Judged { document, status } = compare(manifest, &base.runs, &head.runs);
    Ok(context.emit(&View::Diff(&document), status))
}

/// Puts `-C` before the path of an exported file.
fn located(context: &Context, reference: &RunRef) -> RunRef {
    match reference {
        RunRef::Path(path) => RunRef::Path(context.path(path)),
        other => other.clone(),
    }
}
