//! `stagegate eval`: eval suites against golden sets.

use std::sync::Arc;

use clap::Args;

use super::Context;
use super::load::verdict;
use super::measured::{add_versions, keep, new_record, present_release, store};
use crate::error::Result;
use crate::eval::{EvalPlan, EvalRun, Journal, JournalKey, run};
use crate::exit::Status;
use crate::plan::{Project, eval_plan};
use crate::record::{Release, RunKind, RunRecord};
use crate::report::View;
use crate::transport::Client;

/// So many reasons are said while the suite runs; every case is in the result.
const SHOWN_REASONS: usize = 5;

/// Run eval suites as the manifest's [eval.NAME] says
#[derive(Args, Clone, Debug)]
pub(crate) struct EvalArgs {
    /// Suites to run; all of them when none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Ask each case so many times
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    repeats: Option<u32>,
    /// Continue the newest incomplete run; no answered case is asked again
    #[arg(long)]
    resume: bool,
    /// Ask every case afresh; no answer is cached between runs, so this is always so
    #[arg(long)]
    no_cache: bool,
    /// Ask only this case; may be given several times
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
}

/// What the flags say about one run of a suite.
#[derive(Clone, Debug, Default)]
pub(super) struct EvalOptions {
    pub(super) repeats: Option<u32>,
    pub(super) resume: bool,
    pub(super) only: Vec<String>,
}

/// Runs the command.
pub(crate) async fn eval(context: &Context, args: &EvalArgs) -> Result<Status> {
    let project = context.project()?;
    let known = project
        .manifest
        .evals
        .iter()
        .map(|eval| eval.name.to_string())
        .collect();
    let names = project.names("eval", &args.names, known)?;
    let client = Arc::new(Client::default());
    let release = present_release(context, &project)?;
    let options = EvalOptions {
        repeats: args.repeats,
        resume: args.resume,
        only: args.only.clone(),
    };
    let mut runs = Vec::new();
    let mut status = Status::Passed;
    for name in &names {
        let (record, one) = run_eval(context, &project, &client, &release, name, &options).await?;
        status = status.and(one);
        runs.push(record);
        if status == Status::Interrupted {
            break;
        }
    }
    Ok(context.emit(&View::of_runs(&runs), status))
}

/// Runs one suite and stores it.
pub(super) async fn run_eval(
    context: &Context,
    project: &Project,
    client: &Arc<Client>,
    release: &Release,
    name: &str,
    options: &EvalOptions,
) -> Result<(RunRecord, Status)> {
    let eval = project
        .manifest
        .eval_named(name)
        .expect("the name was looked up before");
    let plan = Arc::new(eval_plan(project, eval, options.repeats, &options.only)?);
    let mut record = new_record(project, release, RunKind::Eval, name, (context.now)());
    let journal = journal(context, project, &plan, options.resume, &record)?;
    journal.run_id().clone_into(&mut record.id);
    journal.started_at().clone_into(&mut record.started_at);
    let progress = context.ui.progress();
    let run = run(
        &plan,
        client,
        journal,
        progress.as_ref(),
        &context.interrupted,
    )
    .await?;
    drop(progress);
    for (case, reason) in run.reasons.iter().take(SHOWN_REASONS) {
        let line = format!("eval `{name}`, {case}: {reason}");
        context.ui.note(&line);
    }
    if run.reasons.len() > SHOWN_REASONS {
        let more = run.reasons.len() - SHOWN_REASONS;
        context
            .ui
            .note(&format!("eval `{name}`: and {more} more that did not pass"));
    }
    let status = status_of(&run);
    record.duration_s = run.duration.as_secs_f64();
    record.complete = run.complete;
    record.verdict = verdict(status);
    record.eval = Some(run.result);
    add_versions(context, project, client, &mut record).await;
    let kept = keep(context, project, &record, status);
    if run.complete && kept == status {
        // Only now: until the run is stored, the journal is all there is.
        run.journal.remove()?;
    } else {
        context.ui.note(&format!(
            "`stagegate eval {name} --resume` continues this run"
        ));
    }
    Ok((record, kept))
}

/// Opens the journal: the newest incomplete one of the same suite, release, and golden set with `--resume`, else a
/// new one.
fn journal(
    context: &Context,
    project: &Project,
    plan: &EvalPlan,
    resume: bool,
    record: &RunRecord,
) -> Result<Journal> {
    let folder = store(project).journals()?;
    let key = JournalKey {
        suite: plan.name.clone(),
        env: record.env.clone(),
        release: record.release.commit.clone().unwrap_or_default(),
        dirty: record.release.dirty,
        manifest: record.release.manifest.clone(),
        golden: plan.golden.digest.clone(),
    };
    if resume {
        match Journal::resume(&folder, &key)? {
            Some(journal) => {
                let count = journal.answered();
                context.ui.note(&format!(
                    "continuing: {count} answers are kept and not asked again"
                ));
                return Ok(journal);
            }
            None => context
                .ui
                .note("there is no incomplete run of this release to continue"),
        }
    }
    Ok(Journal::create(
        &folder,
        &key,
        &record.id,
        &record.started_at,
    )?)
}

/// Returns how a suite ends, by the contract, section 2: failing cases alone do not fail it.
fn status_of(run: &EvalRun) -> Status {
    let mut status = Status::Passed;
    if !run.complete {
        status = status.and(Status::Interrupted);
    }
    if run.never_reached {
        status = status.and(Status::Unmeasured);
    }
    let asked = run.result.cases.len() as u64;
    if !run.result.must_pass_broken.is_empty() || (asked > 0 && run.result.errors == asked) {
        status = status.and(Status::Failed);
    }
    status
}
