//! Two releases compared and judged by the manifest's rules.

use crate::diff::{self, Context, GatedBy, LatencyGate, Mode};
use crate::exit::Status;
use crate::git::Git;
use crate::manifest::{
    Accept, DEFAULT_ALPHA, DEFAULT_EVAL_ALPHA, DEFAULT_FLOOR, DEFAULT_MARGIN, Gate, Load, Manifest,
    Rule, Topology,
};
use crate::metric::{Figure, LatencyMetric, Metric, Stat};
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
    git: &Git,
    base: &[RunRecord],
    head: &[RunRecord],
) -> Judged {
    judge((manifest, git), Mode::Diff, (base, GatedBy::Nothing), head)
}

/// Compares two sides and judges the head, as `diff` or as `gate`; its latencies by what there is
/// to decide about them.
pub(super) fn judge(
    (manifest, git): (Option<&Manifest>, &Git),
    mode: Mode,
    (base, by): (&[RunRecord], GatedBy),
    head: &[RunRecord],
) -> Judged {
    let gate = manifest.and_then(|manifest| manifest.gate.as_ref());
    let topology = manifest.map(Topology::new).unwrap_or_default();
    let entry = manifest.and_then(|manifest| manifest.deployment.entry.as_ref());
    let latency = LatencyGate {
        alpha: gate.map_or(DEFAULT_ALPHA, |gate| gate.alpha),
        floor: gate.map_or(DEFAULT_FLOOR, |gate| gate.floor.value()),
        abs_floor_ms: gate.map_or(0.0, |gate| gate.abs_floor.as_secs_f64() * 1e3),
        unruled: match (&by, manifest, gate) {
            (GatedBy::Sessions(_) | GatedBy::Rounds, Some(manifest), Some(gate)) => {
                unruled(manifest, gate)
            }
            _ => Vec::new(),
        },
        by,
    };
    let context = Context {
        mode,
        rules: gate.map_or(&[], |gate| gate.rules.as_slice()),
        accepted: &manifest.map_or_else(Vec::new, |it| accepted(it, git, head)),
        eval_alpha: gate.map_or(DEFAULT_EVAL_ALPHA, |gate| gate.eval_alpha),
        latency: &latency,
        margin: gate.map_or(DEFAULT_MARGIN, |gate| gate.margin.value()),
        entry: entry.map(Name::as_str),
        topology: &topology,
        owner: &|stage| manifest.and_then(|it| it.owner(stage)).map(str::to_owned),
    };
    let document = diff::compare(base, head, &context);
    let status = diff::status(&document, base, head);
    Judged { document, status }
}

/// Returns the intended changes that hold for a release: until the release with their tag, that one
/// included.
fn accepted<'a>(manifest: &'a Manifest, git: &Git, head: &[RunRecord]) -> Vec<&'a Accept> {
    let commit = head.iter().find_map(|run| run.release.commit.as_deref());
    let is_over =
        |accept: &&Accept| commit.is_some_and(|commit| git.is_after(commit, &accept.until));
    manifest.accept.iter().filter(|it| !is_over(it)).collect()
}

/// Returns the latencies that are gated without a rule: of each load that no rule of a latency is
/// about, its targets' response time and, where they stream, their time to the first token.
fn unruled(manifest: &Manifest, gate: &Gate) -> Vec<Metric> {
    let is_about = |rule: &Rule, name: &Name| {
        let is_of = matches!(&rule.metric, Metric::Load { load, .. } if load == name.as_str());
        is_of && rule.metric.is_latency()
    };
    let named = gate.loads.iter();
    let loads = named.filter(|load| !gate.rules.iter().any(|rule| is_about(rule, load)));
    let loads = loads.filter_map(|load| manifest.load_named(load.as_str()));
    let of_load = |load: &Load| {
        let mix = load.mix.iter().map(|kind| kind.name.to_string());
        let targets = load.targets.iter().map(ToString::to_string).chain(mix);
        let latencies = [LatencyMetric::ResponseTime, LatencyMetric::Ttft];
        let metric = |target: String| {
            latencies
                .map(|it| Metric::load(load.name.as_str(), &target, Figure::Latency(it, Stat::P95)))
        };
        targets.flat_map(metric).collect::<Vec<_>>()
    };
    loads.flat_map(of_load).collect()
}
