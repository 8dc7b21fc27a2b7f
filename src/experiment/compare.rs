//! Two releases compared and judged by the manifest's rules.

use crate::diff::{self, Context, Mode};
use crate::exit::Status;
use crate::manifest::{DEFAULT_EVAL_ALPHA, DEFAULT_MARGIN, Manifest, Topology};
use crate::name::Name;
use crate::record::{DiffDocument, RunRecord};

/// A comparison, and how a command ends that makes it.
pub(crate) struct Judged {
    pub(crate) document: DiffDocument,
    pub(crate) status: Status,
}

/// Compares two sides as `diff` does and judges the head, by the manifest's rules where there is a
/// manifest.
pub(crate) fn compare(
    manifest: Option<&Manifest>,
    base: &[RunRecord],
    head: &[RunRecord],
) -> Judged {
    judge(manifest, Mode::Diff, base, head)
}

/// Compares two sides and judges the head, as `diff` or as `gate`.
pub(super) fn judge(
    manifest: Option<&Manifest>,
    mode: Mode,
    base: &[RunRecord],
    head: &[RunRecord],
) -> Judged {
    let gate = manifest.and_then(|manifest| manifest.gate.as_ref());
    let topology = manifest.map(Topology::new).unwrap_or_default();
    let entry = manifest.and_then(|manifest| manifest.deployment.entry.as_ref());
    let context = Context {
        mode,
        rules: gate.map_or(&[], |gate| gate.rules.as_slice()),
        eval_alpha: gate.map_or(DEFAULT_EVAL_ALPHA, |gate| gate.eval_alpha),
        margin: gate.map_or(DEFAULT_MARGIN, |gate| gate.margin.value()),
        entry: entry.map(Name::as_str),
        topology: &topology,
        owner: &|stage| manifest.and_then(|it| it.owner(stage)).map(str::to_owned),
    };
    let document = diff::compare(base, head, &context);
    let status = diff::status(&document, base, head);
    Judged { document, status }
}
