//! `stagegate diff`: compares two releases.

use clap::Args;

use super::Context;
use super::sides::Sides;
use super::stored::Stored;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::{Judged, compare};
use crate::report::View;
use crate::store::{RunRef, Wanted};

/// Compare two releases
#[derive(Args, Clone, Debug)]
pub(crate) struct DiffArgs {
    /// The release to compare with: a git revision, a run's id, an exported file, `latest~1`; the
    /// release measured before HEAD when none is given
    #[arg(value_name = "BASE|BASE..HEAD")]
    base: Option<String>,
    /// The release that is judged, named in the same ways; `latest` when none is given
    #[arg(value_name = "HEAD")]
    head: Option<String>,
}

/// Runs the command.
pub(crate) fn diff(context: &Context, args: &DiffArgs) -> Result<Status> {
    let latest = RunRef::Latest(0);
    let Some(base) = &args.base else {
        return compare_stored(context, None, &latest);
    };
    match Sides::read(base, args.head.as_deref())? {
        Sides::Two(base, head) => compare_stored(context, Some(&base), &head),
        Sides::One(base) => compare_stored(context, Some(&base), &latest),
    }
}

/// Compares two stored releases and shows what came of it.
pub(super) fn compare_stored(
    context: &Context,
    base: Option<&RunRef>,
    head: &RunRef,
) -> Result<Status> {
    // Exported files can be compared anywhere; rules, owners, and edges come from the manifest
    // where there is one.
    let project = if context.manifest_path().exists() {
        Some(context.project()?)
    } else {
        None
    };
    let stored = Stored::open(context);
    let head = stored.select(head, &stored.wanted())?;
    let of_head = head.runs.first().map(|run| run.env.as_str());
    let wanted = Wanted {
        env: stored.env.or(of_head),
        ..Wanted::default()
    };
    let base = match base {
        Some(base) => stored.select(base, &wanted)?,
        None => stored.before(&head)?,
    };
    let manifest = project.as_ref().map(|project| &project.manifest);
    let Judged { document, status } = compare(manifest, &stored.git, &base.runs, &head.runs);
    Ok(context.emit(&View::Diff(&document), status))
}
