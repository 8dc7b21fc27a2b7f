//! `stagegate check`: is the manifest right, and, with `--probe`, what does each stage answer.

use clap::Args;

use super::Context;
use crate::error::Result;
use crate::exit::Status;
use crate::experiment::{overview, probe};
use crate::report::View;
use crate::transport::Client;

/// Check the manifest, without secrets and without network
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// Call each stage once and show what came back
    #[arg(long)]
    probe: bool,
}

/// Runs the command.
pub(crate) async fn check(context: &Context, args: &CheckArgs) -> Result<Status> {
    let project = context.project()?;
    let mut report = overview(&project)?;
    let status = if args.probe {
        context.tell_of_proxies(&project);
        let asked = context.asked_to_end();
        probe(&project, &Client::default(), &mut report, asked).await?
    } else {
        Status::Passed
    };
    Ok(context.emit(&View::Check(&report), status))
}
