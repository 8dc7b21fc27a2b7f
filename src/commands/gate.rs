//! `stagegate gate`: runs what `[gate]` names, compares, decides.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Context;
use super::output::Shown;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::{Acceptance, accept, run_gate, seed_base};
use crate::manifest::Measuring;
use crate::measure::{parse_duration, show_duration};
use crate::plan::{GatePlan, Project, gate_plan};
use crate::report::{Doubt, View};
use crate::store::RunRef;

/// Measure this release, compare it with its base, and decide whether it may ship
#[derive(Args, Clone, Debug)]
pub(crate) struct GateArgs {
    /// Compare with this release instead of the one measured before
    #[arg(long, value_name = "REF")]
    base: Option<RunRef>,
    /// Wait so long for stages that cannot be reached yet
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    wait: Duration,
    /// Show what would be run and compared, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Measure this release so often as a base for later ones, and judge nothing
    #[arg(long, value_name = "N", conflicts_with_all = ["base", "dry_run", "inconclusive"], value_parser = clap::value_parser!(u32).range(1..=100))]
    seed_base: Option<u32>,
    /// Write what was found for the worse into the manifest as `[[accept]]`, to be reviewed
    #[arg(long, conflicts_with_all = ["dry_run", "seed_base"])]
    accept: bool,
    /// The tag of the last release that an accepted change holds for; the next minor version when
    /// none is given
    #[arg(long, value_name = "TAG", requires = "accept")]
    until: Option<String>,
    /// Why the accepted changes are meant
    #[arg(long, value_name = "TEXT", requires = "accept")]
    reason: Option<String>,
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

/// Runs the command.
pub(crate) async fn gate(context: &Context, args: &GateArgs) -> Result<Status> {
    let project = Arc::new(context.project()?);
    let plan = gate_plan(&project)?;
    if args.dry_run {
        return Ok(if context.global.format == "json" {
            let text = format!("{:#}\n", dry_document(&project, &plan));
            context.emit_json(text, Status::Passed)
        } else {
            context.emit_text(&dry_run(&project, &plan), Status::Passed)
        });
    }
    let experiment = context.experiment(&project)?;
    let starts = matches!(plan.measuring, Measuring::Stored { .. });
    if let Some(sessions) = args.seed_base {
        let work = Box::pin(seed_base(&experiment, &plan, sessions, args.wait));
        let done = context.while_up_if(starts, &experiment, work).await?;
        let Some((runs, status)) = done else {
            return Ok(Status::Interrupted);
        };
        let shown = Shown {
            next: Some("commit the next release, deploy it, and `stagegate gate`".to_owned()),
            ..Shown::default()
        };
        return Ok(context.emit_with(&View::of_runs(&runs), status, &shown));
    }
    let work = Box::pin(run_gate(&experiment, &plan, args.base.as_ref(), args.wait));
    let done = context.while_up_if(starts, &experiment, work).await?;
    let Some(decided) = done else {
        return Ok(Status::Interrupted);
    };
    if args.accept {
        let acceptance = Acceptance {
            until: args.until.clone(),
            reason: args.reason.clone(),
        };
        accept(&experiment, &decided.document, &acceptance)?;
    }
    let (status, doubt) = match (decided.status, args.inconclusive) {
        (Status::Inconclusive, Some(Inconclusive::Fail)) => (Status::Failed, Doubt::Failed),
        (Status::Inconclusive, Some(Inconclusive::Neutral)) => (Status::Passed, Doubt::Neutral),
        (status, _) => (status, Doubt::Open),
    };
    let shown = Shown {
        doubt,
        rest: Some(format!("`-v`, or `stagegate report {}`", decided.id)),
        ..Shown::default()
    };
    Ok(context.emit_with(&View::Diff(&decided.document), status, &shown))
}

fn dry_document(project: &Project, plan: &GatePlan<'_>) -> serde_json::Value {
    let evals: Vec<&str> = plan.evals.iter().map(|it| it.name.as_str()).collect();
    let loads: Vec<&str> = plan.loads.iter().map(|it| it.name.as_str()).collect();
    let rules: Vec<String> = plan.rules.iter().map(|it| it.metric.to_string()).collect();
    let (least, most) = plan.rounds();
    let seconds = plan.round_time().map(|it| it.as_secs_f64());
    let total = |rounds: u32| seconds.map(|it| it * f64::from(rounds));
    serde_json::json!({
        "schema": "stagegate/plan", "manifest": project.manifest_path(), "env": project.env_name,
        "evals": evals, "loads": loads, "rules": rules,
        "rounds": {"least": least, "most": most},
        "load_s": {"least": total(least), "most": total(most)},
    })
}

fn dry_run(project: &Project, plan: &GatePlan<'_>) -> String {
    let evals = plan.evals.iter().map(|it| format!("  eval {}", it.name));
    let loads = plan.loads.iter().map(|it| format!("  load {}", it.name));
    let rules = plan.rules.iter().map(|rule| format!("  {}", rule.metric));
    let always = "  the SLOs of the stages, and `must_pass` of the suites".to_owned();
    std::iter::once(format!(
        "the gate of `{}` would run:",
        project.manifest_path()
    ))
    .chain(evals)
    .chain(loads)
    .chain(rounds_line(plan))
    .chain(["and judge:".to_owned()])
    .chain(rules)
    .chain([always, String::new()])
    .collect::<Vec<_>>()
    .join("\n")
}

/// Says how often the loads would be run, and for how long at most.
fn rounds_line(plan: &GatePlan<'_>) -> Option<String> {
    let (least, most) = plan.rounds();
    if plan.loads.is_empty() || most == 1 {
        return None;
    }
    let often = match plan.measuring {
        Measuring::Stored { .. } => format!("{most} rounds"),
        Measuring::Abba(_) => {
            format!("base and head in turns, {least} to {most} rounds, until it can tell")
        }
    };
    let time = plan.round_time();
    let time = time.map(|it| format!("; {} of load a round", show_duration(it)));
    Some(format!("  loads: {often}{}", time.unwrap_or_default()))
}
