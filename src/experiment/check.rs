//! What the manifest holds, and one call of each stage.

use std::pin::pin;
use std::time::Duration;

use super::inputs::{examine, with_environment};
use crate::error::Result;
use crate::exit::Status;
use crate::manifest::{Slo, Stage};
use crate::measure::{Share, show_duration};
use crate::metric::{Better, Unit};
use crate::name::Name;
use crate::plan::{Caller, Project};
use crate::protocol::Reply;
use crate::report::{CheckReport, ProbeResult, StageCheck};
use crate::stage::Stage as CalledStage;
use crate::transport::Client;

/// Says what the manifest holds, once what it names has been looked at.
pub(crate) fn overview(project: &Project) -> Result<CheckReport> {
    let missing = examine(project)?;
    let manifest = &project.manifest;
    let names = |names: Vec<&Name>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let suites = [
        (
            "load",
            names(manifest.loads.iter().map(|it| &it.name).collect()),
        ),
        (
            "eval",
            names(manifest.evals.iter().map(|it| &it.name).collect()),
        ),
        (
            "fault",
            names(manifest.faults.iter().map(|it| &it.name).collect()),
        ),
        (
            "pipeline",
            names(manifest.pipelines.iter().map(|it| &it.name).collect()),
        ),
    ];
    let mut report = CheckReport::new(project.manifest_path(), manifest.deployment.name.clone());
    report.env = Some(project.env_name.clone());
    report.stages = manifest
        .stages
        .iter()
        .map(|stage| stage_check(project, stage))
        .collect();
    report.suites = suites
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(family, names)| (family.to_owned(), names))
        .collect();
    report.secrets = manifest
        .secrets
        .keys()
        .map(|name| (name.clone(), std::env::var_os(name).is_some()))
        .collect();
    report.warnings.clone_from(&manifest.idle);
    report.missing = missing;
    Ok(report)
}

fn stage_check(project: &Project, stage: &Stage) -> StageCheck {
    StageCheck {
        name: stage.name.to_string(),
        kind: stage.kind.kind.clone(),
        url: place(project, stage),
        owner: project
            .manifest
            .owner(stage.name.as_str())
            .map(str::to_owned),
        calls: stage.calls.iter().map(ToString::to_string).collect(),
        slo: stage.slo.iter().map(show_slo).collect(),
        probe: None,
    }
}

/// Returns where a stage is, with the values of the environment: its address, or its program.
fn place(project: &Project, stage: &Stage) -> String {
    let url = stage.kind.text("url");
    let place = url.unwrap_or_else(|| stage.kind.texts("command").join(" "));
    with_environment(project, &place)
}

fn show_slo(slo: &Slo) -> String {
    let sign = match slo.figure.better() {
        Better::Higher => '≥',
        Better::Lower | Better::Neither => '≤',
    };
    let limit = match (slo.limit.unit, Share::new(slo.limit.value)) {
        (Unit::Time, _) => show_duration(Duration::from_secs_f64(slo.limit.value / 1e3)),
        (Unit::Share, Some(share)) => share.to_string(),
        _ => slo.limit.value.to_string(),
    };
    format!("{} {sign} {limit}", slo.figure)
}

/// Calls each stage once, and says how that ended; once `stop` is over no call is waited for.
pub(crate) async fn probe(
    project: &Project,
    client: &Client,
    report: &mut CheckReport,
    stop: impl Future<Output = ()>,
) -> Result<Status> {
    let mut status = Status::Passed;
    let mut stop = pin!(stop);
    for stage in &mut report.stages {
        let result = if report.interrupted {
            uncalled()
        } else {
            tokio::select! {
                biased;
                () = &mut stop => {
                    report.interrupted = true;
                    status = status.and(Status::Interrupted);
                    uncalled()
                }
                result = call(project, client, &stage.name) => result?,
            }
        };
        status = status.and(status_of(&result));
        stage.probe = Some(result);
    }
    Ok(status)
}

/// Says how the outputs of an answer were found, where that is not what was meant perhaps.
fn notes(stage: &CalledStage, reply: &Reply) -> Vec<String> {
    let doubts = stage.doubts(reply).into_iter();
    let doubts = doubts.map(|(key, note)| format!("{key}: {note}"));
    let empty = reply.is_empty.then(|| "the answer is empty".to_owned());
    doubts.chain(empty).collect()
}

/// Returns what stands for a stage whose answer nobody waited for.
fn uncalled() -> ProbeResult {
    ProbeResult {
        error: Some("interrupted before it had answered".to_owned()),
        ..ProbeResult::default()
    }
}

/// Returns how a call ended: of a stage that was reached, an error is its own.
const fn status_of(result: &ProbeResult) -> Status {
    match (result.ok, result.reached) {
        (true, _) => Status::Passed,
        (false, true) => Status::Failed,
        (false, false) => Status::Unmeasured,
    }
}

/// Calls a stage once, with the first case of the first golden set.
async fn call(project: &Project, client: &Client, stage: &str) -> Result<ProbeResult> {
    const EXCERPT: usize = 200;
    let caller = match Caller::new(project, client, stage) {
        Ok(caller) => caller,
        // For instance a secret that only this stage needs: the others are still called.
        Err(error) => {
            return Ok(ProbeResult {
                error: Some(error.diagnostic().to_string()),
                help: error.diagnostic().help().map(|help| help.to_string()),
                ..ProbeResult::default()
            });
        }
    };
    let answer = match caller.probe(&project.first_case()?).await {
        Ok(answer) => answer,
        Err(error) => {
            return Ok(ProbeResult {
                error: Some(error.to_string()),
                ..ProbeResult::default()
            });
        }
    };
    Ok(match answer {
        Ok(answered) => ProbeResult {
            ok: true,
            reached: true,
            status: answered.status,
            response_time_ms: Some(answered.response_time.as_secs_f64() * 1e3),
            ids: answered.reply.ids().map(|ids| ids.len() as u64),
            notes: notes(caller.stage(), &answered.reply),
            text: answered
                .reply
                .text
                .map(|text| caller.redact(&text).chars().take(EXCERPT).collect()),
            error: None,
            help: None,
        },
        Err(failure) => ProbeResult {
            ok: false,
            reached: failure.failure.reached(),
            status: failure.answered(),
            error: Some(failure.detail.clone()),
            help: Some(failure.help().to_owned()),
            ..ProbeResult::default()
        },
    })
}
