//! `stagegate diff`: compares two releases.

use clap::Args;

use super::Context;
use super::measured::store;
use super::runs::folder;
use crate::diff::{self, Mode};
use crate::error::Result;
use crate::exit::Status;
use crate::git::Git;
use crate::manifest::{DEFAULT_EVAL_ALPHA, DEFAULT_MARGIN, Topology};
use crate::name::Name;
use crate::plan::Project;
use crate::record::DiffDocument;
use crate::record::RunRecord;
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
    let folder = folder(context);
    let store = project.as_ref().map_or_else(|| Store::open(&folder), store);
    let git = Git::open(&folder);
    let env = context.global.env.first().map(String::as_str);
    let head = store.select(
        &git,
        &located(context, head),
        &Wanted {
            env,
            ..Wanted::default()
        },
    )?;
    let env = env.or_else(|| head.runs.first().map(|run| run.env.as_str()));
    let base = match base {
        Some(base) => store.select(
            &git,
            &located(context, base),
            &Wanted {
                env,
                ..Wanted::default()
            },
        )?,
        None => store.default_base(&git, &Head::of(&head))?,
    };
    let (document, status) = compare(project.as_ref(), Mode::Diff, &base.runs, &head.runs);
    Ok(context.emit(&View::Diff(&document), status))
}

/// Puts `-C` before the path of an exported file.
fn located(context: &Context, reference: &RunRef) -> RunRef {
    match reference {
        RunRef::Path(path) => RunRef::Path(context.path(path)),
        other => other.clone(),
    }
}

/// Compares two sides and judges the head by the manifest's rules, where there is a manifest.
pub(super) fn compare(
    project: Option<&Project>,
    mode: Mode,
    base: &[RunRecord],
    head: &[RunRecord],
) -> (DiffDocument, Status) {
    let manifest = project.map(|project| &project.manifest);
    let gate = manifest.and_then(|manifest| manifest.gate.as_ref());
    let topology = manifest.map(Topology::new).unwrap_or_default();
    let entry = manifest.and_then(|manifest| manifest.deployment.entry.as_ref());
    let document = crate::diff::compare(
        base,
        head,
        &diff::Context {
            mode,
            rules: gate.map_or(&[], |gate| gate.rules.as_slice()),
            eval_alpha: gate.map_or(DEFAULT_EVAL_ALPHA, |gate| gate.eval_alpha),
            margin: gate.map_or(DEFAULT_MARGIN, |gate| gate.margin.value()),
            entry: entry.map(Name::as_str),
            topology: &topology,
            owner: &|stage| manifest.and_then(|it| it.owner(stage)).map(str::to_owned),
        },
    );
    let status = diff::status(&document, base, head);
    (document, status)
}
