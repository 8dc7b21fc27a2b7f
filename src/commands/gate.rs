//! `stagegate gate`: runs what `[gate]` names, compares, decides.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use miette::Diagnostic;

use super::Context;
use super::diff::compare;
use super::eval::{EvalOptions, run_eval};
use super::load::{run_load, verdict};
use super::measured::{keep, new_record, present_release, store};
use crate::diff::Mode;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::git::Git;
use crate::manifest::Gate;
use crate::plan::{LoadOverrides, Project};
use crate::record::DiffDocument;
use crate::record::{Release, RunKind, RunRecord, VerdictKind};
use crate::report::View;
use crate::store::{Head, RunRef, SelectError, Selection, Wanted};
use crate::transport::Client;

/// Measure this release, compare it with its base, and decide whether it may ship
#[derive(Args, Clone, Debug)]
pub(crate) struct GateArgs {
    /// Compare with this release instead of the one measured before
    #[arg(long, value_name = "REF")]
    base: Option<RunRef>,
    /// Show what would be run and compared, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// End with 1 or 0 instead of 4 when the verdict is inconclusive
    #[arg(long, value_name = "AS", value_enum)]
    inconclusive: Option<Inconclusive>,
}

/// What an inconclusive verdict counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Inconclusive {
    /// As failed
    Fail,
    /// As passed
    Neutral,
}

/// Why there is nothing to decide.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum GateError {
    /// No `[gate]`.
    #[error("`{0}` has no [gate]")]
    #[diagnostic(help(
        "Name what the gate runs: [gate] with `loads` and `evals`, and a [[gate.rule]] or two."
    ))]
    NoGate(String),
    /// A `[gate]` that names nothing.
    #[error("the [gate] of `{0}` names neither loads nor evals")]
    #[diagnostic(help("Add `loads = [\"NAME\"]` or `evals = [\"NAME\"]` to [gate]."))]
    Nothing(String),
}

impl Classify for GateError {
    fn kind(&self) -> Kind {
        Kind::Manifest
    }
}

/// What the gate measured of the head.
pub(super) struct Measured {
    pub(super) runs: Vec<RunRecord>,
    /// The status of the measurements themselves: unreachable, invalid, interrupted, or none of these.
    pub(super) status: Status,
}

/// Runs the command.
pub(crate) async fn gate(context: &Context, args: &GateArgs) -> Result<Status> {
    let project = context.project()?;
    let plan = gate_of(&project)?;
    if args.dry_run {
        let text = if context.global.format == "json" {
            format!("{:#}\n", dry_document(&project, plan))
        } else {
            dry_run(&project, plan)
        };
        return Ok(context.emit_text(&text, Status::Passed));
    }
    let client = Arc::new(Client::default());
    let release = present_release(context, &project)?;
    // Before anything is measured: a base that does not exist is found out now, not after ten minutes.
    let base = base(context, &project, args, &release)?;
    let head = measure_head(context, &project, &client, &release).await?;
    let base = base.as_ref().map(|base| base.runs.as_slice());
    let (document, judged) = judge_head(&project, base, &head.runs);
    let mut status = head.status.and(judged);
    if status == Status::Inconclusive {
        status = match args.inconclusive {
            None => status,
            Some(Inconclusive::Fail) => Status::Failed,
            Some(Inconclusive::Neutral) => Status::Passed,
        };
    }
    let record = record_of(context, &project, &release, &head, &document);
    let status = keep(context, &project, &record, status);
    Ok(context.emit(&View::Diff(&document), status))
}

fn gate_of(project: &Project) -> Result<&Gate, GateError> {
    let gate = project.manifest.gate.as_ref();
    let gate = gate.ok_or_else(|| GateError::NoGate(project.manifest_path()))?;
    if gate.loads.is_empty() && gate.evals.is_empty() {
        return Err(GateError::Nothing(project.manifest_path()));
    }
    Ok(gate)
}

/// Finds the base. Without `--base`, that there is none yet is no error: the first release of a project is judged by
/// its absolute rules.
fn base(
    context: &Context,
    project: &Project,
    args: &GateArgs,
    release: &Release,
) -> Result<Option<Selection>> {
    let (store, git) = (store(project), Git::open(&project.folder));
    let env = project.env_name.as_str();
    if let Some(reference) = &args.base {
        let wanted = Wanted {
            env: Some(env),
            ..Wanted::default()
        };
        return Ok(Some(store.select(&git, reference, &wanted)?));
    }
    let gate = gate_of(project)?;
    let loads = gate.loads.iter().map(|name| (RunKind::Load, name.as_str()));
    let evals = gate.evals.iter().map(|name| (RunKind::Eval, name.as_str()));
    let head = Head {
        commit: release.commit.as_deref(),
        dirty: release.dirty,
        env,
        measured: loads.chain(evals).collect(),
        runs: Vec::new(),
    };
    match store.default_base(&git, &head) {
        Ok(base) => Ok(Some(base)),
        Err(SelectError::NothingComparable { .. }) => {
            context
                .ui
                .note("no earlier release was measured here: only the absolute rules count");
            if git.is_shallow() {
                context.ui.warn(
                    "this clone is shallow, so that earlier releases may be out of sight: fetch the whole history \
                     (`git fetch --unshallow`, or `fetch-depth: 0` in CI)",
                );
            }
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Measures everything that `[gate]` names, afresh and without cache.
pub(super) async fn measure_head(
    context: &Context,
    project: &Project,
    client: &Arc<Client>,
    release: &Release,
) -> Result<Measured> {
    let gate = gate_of(project)?;
    let mut measured = Measured {
        runs: Vec::new(),
        status: Status::Passed,
    };
    for name in &gate.evals {
        let options = EvalOptions::default();
        let (run, status) =
            run_eval(context, project, client, release, name.as_str(), &options).await?;
        measured.add(run, status);
        if measured.status == Status::Interrupted {
            return Ok(measured);
        }
    }
    for name in &gate.loads {
        let overrides = LoadOverrides::default();
        let (run, status) =
            run_load(context, project, client, release, name.as_str(), &overrides).await?;
        measured.add(run, status);
        if measured.status == Status::Interrupted {
            return Ok(measured);
        }
    }
    Ok(measured)
}

impl Measured {
    /// Takes a run. Whether it kept its SLOs is for the comparison to say; whether it is a measurement at all, counts
    /// here.
    fn add(&mut self, run: RunRecord, status: Status) {
        self.runs.push(run);
        if status <= Status::Invalid {
            self.status = self.status.and(status);
        }
    }
}

/// Compares the head with its base and judges it by the manifest's rules.
pub(super) fn judge_head(
    project: &Project,
    base: Option<&[RunRecord]>,
    head: &[RunRecord],
) -> (DiffDocument, Status) {
    compare(Some(project), Mode::Gate, base.unwrap_or_default(), head)
}

/// Makes a run of kind `gate` that names the runs it made and holds the comparison that decided.
fn record_of(
    context: &Context,
    project: &Project,
    release: &Release,
    head: &Measured,
    document: &DiffDocument,
) -> RunRecord {
    let mut record = new_record(project, release, RunKind::Gate, "gate", (context.now)());
    if let Some(run) = head.runs.first() {
        record.release = run.release.clone();
    }
    record.runs = head.runs.iter().map(|run| run.id.clone()).collect();
    record.duration_s = head.runs.iter().map(|run| run.duration_s).sum();
    record.complete = head.status != Status::Interrupted;
    record.verdict = verdict(head.status)
        .and(Some(document.verdict))
        .or(Some(VerdictKind::Inconclusive));
    record.diff = Some(document.clone());
    record
}

fn dry_document(project: &Project, gate: &Gate) -> serde_json::Value {
    let rules: Vec<String> = gate
        .rules
        .iter()
        .map(|rule| rule.metric.to_string())
        .collect();
    serde_json::json!({
        "schema": "stagegate/plan", "manifest": project.manifest_path(), "env": project.env_name,
        "evals": gate.evals, "loads": gate.loads, "rules": rules,
    })
}

fn dry_run(project: &Project, gate: &Gate) -> String {
    let evals = gate.evals.iter().map(|name| format!("  eval {name}"));
    let loads = gate.loads.iter().map(|name| format!("  load {name}"));
    let rules = gate.rules.iter().map(|rule| format!("  {}", rule.metric));
    let always = "  the SLOs of the stages, and `must_pass` of the suites".to_owned();
    std::iter::once(format!(
        "the gate of `{}` would run:",
        project.manifest_path()
    ))
    .chain(evals)
    .chain(loads)
    .chain(["and judge:".to_owned()])
    .chain(rules)
    .chain([always, String::new()])
    .collect::<Vec<_>>()
    .join("\n")
}
