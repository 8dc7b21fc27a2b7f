//! `stagegate report`: stored results, rendered again.

use clap::Args;

use super::Context;
use super::diff::compare_stored;
use super::runs::show;
use super::sides::Sides;
use crate::error::Result;
use crate::exit::Status;

/// Render stored results again, in any format
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportArgs {
    /// A run as `runs show` takes it, or two releases as BASE..HEAD
    #[arg(value_name = "RUN|BASE..HEAD", default_value = "latest")]
    what: String,
    /// The release that is judged, where the first word is the base alone
    #[arg(value_name = "HEAD")]
    head: Option<String>,
}

/// Runs the command. It ends with 0 whatever the result was: rendering is not judging.
///
/// A file that cannot be written is another matter.
pub(crate) fn report(context: &Context, args: &ReportArgs) -> Result<Status> {
    let status = match Sides::read(&args.what, args.head.as_deref())? {
        Sides::Two(base, head) => compare_stored(context, Some(&base), &head)?,
        Sides::One(run) => show(context, &run)?,
    };
    Ok(match status {
        Status::Unmeasured => Status::Unmeasured,
        _ => Status::Passed,
    })
}
