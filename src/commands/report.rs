//! `stagegate report`: stored results, rendered again.

use clap::Args;
use miette::Diagnostic;

use super::Context;
use super::diff::compare_stored;
use super::runs::show;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::store::RunRef;

/// Render stored results again, in any format
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportArgs {
    /// A run as `runs show` takes it, or two releases as BASE..HEAD
    #[arg(value_name = "RUN|BASE..HEAD", default_value = "latest")]
    what: String,
}

/// A side of `BASE..HEAD` that names nothing.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("`{written}`: {reason}")]
#[diagnostic(help("Write a run, for instance `latest`, or two releases as `v1.0.0..latest`."))]
pub(crate) struct NoReference {
    written: String,
    reason: String,
}

impl Classify for NoReference {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

/// Runs the command. It ends with 0 whatever the result was: rendering is not judging.
pub(crate) fn report(context: &Context, args: &ReportArgs) -> Result<Status> {
    let written = args.what.as_str();
    match sides(written) {
        Some((base, head)) => {
            let head = if head.is_empty() { "latest" } else { head };
            compare_stored(context, Some(&reference(base)?), &reference(head)?)?;
        }
        None => show(context, &reference(written)?).map(drop)?,
    }
    Ok(Status::Passed)
}

fn reference(written: &str) -> Result<RunRef> {
    let parsed = written.parse::<RunRef>();
    Ok(parsed.map_err(|error| NoReference {
        written: written.to_owned(),
        reason: error.to_string(),
    })?)
}

/// Splits `BASE..HEAD`; `None` for a single reference. The dots of a path such as `../run.json` split nothing.
fn sides(written: &str) -> Option<(&str, &str)> {
    let mut places = written.match_indices("..").map(|(at, _)| at);
    let at = places.find(|at| {
        let (before, after) = (&written[..*at], &written[at + 2..]);
        !before.is_empty() && !before.ends_with('/') && !after.starts_with('/')
    })?;
    Some((&written[..at], &written[at + 2..]))
}

#[cfg(test)]
mod tests {
    use super::sides;

    #[test]
    fn dots_between_two_references_split_and_those_of_a_path_do_not() {
        assert_eq!(sides("v1.0.0..v1.1.0"), Some(("v1.0.0", "v1.1.0")));
        assert_eq!(sides("latest~1.."), Some(("latest~1", "")));
        assert_eq!(sides("../a.json..b.json"), Some(("../a.json", "b.json")));
        for one in ["latest", "../a.json", "a/../b.json", "v1.0.0", "..", "..b"] {
            assert_eq!(sides(one), None, "{one}");
        }
    }
}
