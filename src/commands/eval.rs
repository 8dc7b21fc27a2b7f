//! `stagegate eval`: eval suites against golden sets.

use std::sync::Arc;

use clap::Args;

use super::Context;
use super::several::Several;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::run_eval;
use crate::intake::REPEATS;
use crate::plan::EvalOptions;

/// Run eval suites as the manifest's [eval.NAME] says
#[derive(Args, Clone, Debug)]
pub(crate) struct EvalArgs {
    /// Suites to run; all of them when none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Ask each case so many times
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=REPEATS.most().cast_signed()))]
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

/// Runs the command.
pub(crate) async fn eval(context: &Context, args: &EvalArgs) -> Result<Status> {
    let project = Arc::new(context.project()?);
    let evals = project.evals(&args.names)?;
    let options = EvalOptions {
        repeats: args.repeats,
        resume: args.resume,
        only: args.only.clone(),
    };
    let repeats = args.repeats.map(|it| format!("--repeats {it}"));
    let only = args.only.iter().map(|it| format!("--only {it}"));
    let experiment = context.experiment_with(&project, repeats.into_iter().chain(only))?;
    let work = Box::pin(async {
        let mut runs = Several::default();
        for eval in evals {
            if runs.take(run_eval(&experiment, eval, &options).await?) {
                break;
            }
        }
        Ok(runs)
    });
    match context.while_up(&experiment, work).await? {
        Some(runs) => Ok(runs.show(context)),
        None => Ok(Status::Interrupted),
    }
}
