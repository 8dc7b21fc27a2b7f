//! The demo's story: one release is measured, a second one with a hidden regression is deployed,
//! and the gate judges it.

use std::path::Path;
use std::sync::Arc;

use super::compare::Judged;
use super::gate::{HeadRuns, judge_head, measure_head};
use super::setup::{Experiment, Surroundings};
use crate::demo::{DemoServer, Release, Repository, project_files, release_files};
use crate::diff::GatedBy;
use crate::error::Result;
use crate::exit::Status;
use crate::plan::{Chosen, Project, gate_plan};
use crate::record::{Change, DiffDocument, RunRecord, VerdictKind};

/// How the story ended.
pub(crate) enum Story {
    /// A release could not be measured.
    Unmeasured {
        runs: Vec<RunRecord>,
        status: Status,
    },
    /// The second release was judged; `found` says whether by what was planted.
    Judged {
        document: Box<DiffDocument>,
        found: bool,
    },
}

/// Tells the story in an empty folder; `surroundings` are those of one experiment.
pub(crate) async fn tell_story(
    surroundings: impl Fn() -> Surroundings,
    server: &DemoServer,
    folder: &Path,
) -> Result<Story> {
    let repository = Repository::new(folder)?;
    let open = || -> Result<Experiment> {
        let project = Project::open(&Chosen {
            manifest: folder.join("stagegate.toml"),
            ..Chosen::default()
        })?;
        Experiment::new(Arc::new(project), surroundings())
    };
    let files = project_files(server.addr().port());
    repository.release(&files, ("release v1", "v1.0.0"))?;
    let experiment = open()?;
    experiment.note("release v1.0.0 is deployed: measuring it as the base");
    let base = measure(&experiment).await?;
    if base.status <= Status::Invalid {
        return Ok(base.into());
    }
    server.switch(Release::V2);
    repository.release(&release_files(Release::V2), ("release v2", "v2.0.0"))?;
    let experiment = open()?;
    experiment.note(
        "release v2.0.0 is deployed, and every smoke test passes: the gate measures and compares",
    );
    let head = measure(&experiment).await?;
    if head.status <= Status::Invalid {
        return Ok(head.into());
    }
    let Judged { document, .. } =
        judge_head(&experiment, (&base.runs, GatedBy::Nothing), &head.runs);
    let found = is_the_story(&document);
    Ok(Story::Judged {
        document: Box::new(document),
        found,
    })
}

impl From<HeadRuns> for Story {
    fn from(head: HeadRuns) -> Self {
        Self::Unmeasured {
            runs: head.runs,
            status: head.status,
        }
    }
}

/// Measures the release at hand; on a machine that is busy with something else, up to three times.
async fn measure(experiment: &Experiment) -> Result<HeadRuns> {
    const TRIES: u32 = 3;
    let plan = gate_plan(&experiment.project)?;
    let mut head = measure_head(experiment, &plan).await?;
    for _ in 1..TRIES {
        if head.status != Status::Invalid {
            break;
        }
        experiment.note("this machine was too busy for a valid measurement: measuring again");
        head = measure_head(experiment, &plan).await?;
    }
    Ok(head)
}

/// Returns whether the verdict names what was planted: the stage `rerank` first, and a broken slice
/// of the answers.
fn is_the_story(document: &DiffDocument) -> bool {
    let first = document.blame.first();
    let stage = first.is_some_and(|blame| blame.stage == "rerank");
    let slice = document.comparisons.iter().any(|comparison| {
        comparison.metric.slice() == Some("lang=de") && comparison.verdict == Change::Regressed
    });
    document.verdict == VerdictKind::Failed && stage && slice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Blame;
    use crate::store::testing::fixture;

    #[test]
    fn the_story_is_the_planted_stage_and_the_planted_slice() {
        let document = fixture("v1.1", "gate").diff.unwrap();
        let blame = |stage: &str| Blame {
            stage: stage.to_owned(),
            owner: None,
            change_ms: 90.0,
            low: None,
            high: None,
            share: None,
        };
        let with = |stages: &[&str]| DiffDocument {
            blame: stages.iter().map(|it| blame(it)).collect(),
            ..document.clone()
        };
        // The slice is in the fixture.
        assert!(is_the_story(&with(&["rerank", "llm"])));
        assert!(!is_the_story(&with(&["llm", "rerank"])));
        assert!(!is_the_story(&with(&[])));
        let passed = DiffDocument {
            verdict: VerdictKind::Passed,
            ..with(&["rerank"])
        };
        assert!(!is_the_story(&passed));
        let whole = DiffDocument {
            comparisons: Vec::new(),
            ..with(&["rerank"])
        };
        assert!(!is_the_story(&whole));
    }
}
