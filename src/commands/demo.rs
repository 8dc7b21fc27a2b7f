//! `stagegate demo`: the whole story on a built-in pipeline over real loopback HTTP, or only the pipeline.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use miette::Diagnostic;

use super::Context;
use crate::demo::{DEFAULT_PORT, DemoServer, ProjectFile, Release, project_files, release_files};
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::experiment::{Experiment, HeadRuns, Judged, judge_head, measure_head};
use crate::plan::{Chosen, Project, gate_plan};
use crate::record::DiffDocument;
use crate::record::VerdictKind;
use crate::report::View;

/// Run the whole story on a built-in pipeline: two releases, one with a hidden regression
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    /// Only serve the pipeline, to try every other command against it
    #[arg(long)]
    serve: bool,
    /// Serve on this port [default: 8642 with --serve, else a free one]
    #[arg(long, value_name = "P")]
    port: Option<u16>,
    /// Leave the project behind
    #[arg(long, conflicts_with = "serve")]
    keep: bool,
}

/// What keeps the story from being told.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum StoryError {
    /// The project cannot be written.
    #[error("the demo's project cannot be written to `{}`", path.display())]
    Files { path: PathBuf, source: io::Error },
    /// Git refuses.
    #[error("the demo's git repository cannot be made")]
    Git(#[from] git2::Error),
}

impl Classify for StoryError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// Runs the command.
pub(crate) async fn demo(context: &Context, args: &DemoArgs) -> Result<Status> {
    if args.serve {
        return serve(context, args.port.unwrap_or(DEFAULT_PORT)).await;
    }
    let folder = tempfile::Builder::new()
        .prefix("stagegate-demo-")
        .tempdir()
        .map_err(|source| StoryError::Files {
            path: std::env::temp_dir(),
            source,
        })?;
    let path = folder.path().to_path_buf();
    let server = DemoServer::start(args.port.unwrap_or(0)).await?;
    let told = tell(context, &server, &path).await;
    server.shutdown().await;
    if args.keep {
        context
            .ui
            .note(&format!("the project is in {}", folder.keep().display()));
    }
    told
}

async fn serve(context: &Context, port: u16) -> Result<Status> {
    let server = DemoServer::start(port).await?;
    let text = format!(
        "serving the demo pipeline on http://{} until Ctrl-C; `stagegate init` writes a project for it\n",
        server.addr()
    );
    let status = context.emit_text(&text, Status::Passed);
    context.asked_to_end().await;
    server.shutdown().await;
    Ok(status)
}

/// Measures the first release, switches to the second, and lets the gate judge it.
async fn tell(context: &Context, server: &DemoServer, folder: &Path) -> Result<Status> {
    let say = |text: &str| context.ui.note(text);
    write(folder, &project_files(server.addr().port()))?;
    let repository = git2::Repository::init(folder).map_err(StoryError::Git)?;
    commit(&repository, "release v1", "v1.0.0").map_err(StoryError::Git)?;
    let chosen = Chosen {
        manifest: folder.join(super::context::MANIFEST),
        ..Chosen::default()
    };
    say("release v1.0.0 is deployed: measuring it as the base");
    let (_, base) = measure(context, &chosen).await?;
    if base.status <= Status::Invalid {
        return Ok(context.emit(&View::of_runs(&base.runs), base.status));
    }
    server.switch(Release::V2);
    write(folder, &release_files(Release::V2))?;
    commit(&repository, "release v2", "v2.0.0").map_err(StoryError::Git)?;
    say("release v2.0.0 is deployed, and every smoke test passes: the gate measures and compares");
    let (experiment, head) = measure(context, &chosen).await?;
    if head.status <= Status::Invalid {
        return Ok(context.emit(&View::of_runs(&head.runs), head.status));
    }
    let Judged { document, .. } = judge_head(&experiment, &base.runs, &head.runs);
    let status = if is_the_story(&document) {
        Status::Passed
    } else {
        Status::Failed
    };
    let status = context.emit(&View::Diff(&document), status);
    say(match status {
        Status::Passed => {
            "the planted regression was found: the slower stage, the broken slice, and who owns them"
        }
        _ => "the story did not end as it should: the planted regression was not found",
    });
    Ok(status)
}

/// Measures the release at hand; on a machine that is busy with something else, up to three times.
async fn measure(context: &Context, chosen: &Chosen) -> Result<(Experiment, HeadRuns)> {
    const TRIES: u32 = 3;
    let project = Arc::new(Project::open(chosen)?);
    let plan = gate_plan(&project)?;
    let experiment = context.experiment(&project)?;
    let mut head = measure_head(&experiment, &plan).await?;
    for _ in 1..TRIES {
        if head.status != Status::Invalid {
            break;
        }
        context
            .ui
            .note("this machine was too busy for a valid measurement: measuring again");
        head = measure_head(&experiment, &plan).await?;
    }
    Ok((experiment, head))
}

/// Returns whether the verdict names what was planted: the stage `rerank` first, and a broken slice of the answers.
fn is_the_story(document: &DiffDocument) -> bool {
    let stage = document
        .blame
        .first()
        .is_some_and(|blame| blame.stage == "rerank");
    let slice = document.comparisons.iter().any(|comparison| {
        comparison.metric.slice() == Some("lang=de")
            && comparison.verdict == crate::record::Change::Regressed
    });
    document.verdict == VerdictKind::Failed && stage && slice
}

fn write(folder: &Path, files: &[ProjectFile]) -> Result<(), StoryError> {
    for file in files {
        let path = folder.join(file.path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, &file.text))
            .map_err(|source| StoryError::Files {
                path: path.clone(),
                source,
            })?;
    }
    Ok(())
}

/// Commits everything and tags the commit; needs no user name.
fn commit(repository: &git2::Repository, message: &str, tag: &str) -> Result<(), git2::Error> {
    let mut index = repository.index()?;
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
    index.write()?;
    let tree = repository.find_tree(index.write_tree()?)?;
    let author = git2::Signature::now("stagegate demo", "demo@localhost")?;
    let parent = repository
        .head()
        .ok()
        .and_then(|head| head.peel_to_commit().ok());
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    let commit = repository.commit(Some("HEAD"), &author, &author, message, &tree, &parents)?;
    let object = repository.find_object(commit, None)?;
    repository.tag_lightweight(tag, &object, false)?;
    Ok(())
}
