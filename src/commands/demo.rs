//! `stagegate demo`: the whole story on a built-in pipeline over real loopback HTTP, or only the
//! pipeline.

use std::path::Path;

use clap::Args;

use super::Context;
use super::output::Shown;
use crate::demo::{DEFAULT_PORT, DemoServer, StoryError};
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::{Story, tell_story};
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
    let told = Box::pin(tell(context, &server, &path, args.keep)).await;
    server.shutdown().await;
    if args.keep {
        drop(folder.keep());
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

/// Tells the story and shows its end.
async fn tell(context: &Context, server: &DemoServer, folder: &Path, keep: bool) -> Result<Status> {
    let story = Box::pin(tell_story(|| context.surroundings(), server, folder)).await?;
    let folder = folder.display();
    if keep {
        context.ui.note(&format!("the project is in {folder}"));
    }
    let next = if keep {
        format!("next: `stagegate -C {folder} report`")
    } else {
        "next: `stagegate init`, for a project of your own".to_owned()
    };
    let mut shown = Shown {
        next: Some(next),
        ..Shown::default()
    };
    match story {
        Story::Unmeasured { runs, status } => {
            shown.next = Some("next: `stagegate demo` on a machine that is less busy".to_owned());
            Ok(context.emit_with(&View::of_runs(&runs), status, &shown))
        }
        Story::Judged { document, found } => {
            let (status, text) = if found {
                let text = "the planted regression was found: the slower stage, the broken slice, and who owns them";
                (Status::Passed, text)
            } else {
                let text =
                    "the story did not end as it should: the planted regression was not found";
                (Status::Failed, text)
            };
            // Before the report: its last line is the verdict.
            context.ui.note(text);
            shown.rest = Some("`stagegate demo -v`".to_owned());
            Ok(context.emit_with(&View::Diff(&document), status, &shown))
        }
    }
}
