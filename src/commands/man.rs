//! `stagegate man`: made from the command line itself.

use std::path::{Path, PathBuf};

use clap::{Args, Command};

use super::Context;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;

/// Print the manual page, or write all of them
#[derive(Args, Clone, Debug)]
pub(crate) struct ManArgs {
    /// Write the pages of every command into DIR
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// The pages could not be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("the manual pages cannot be written to `{dir}`: {reason}")]
pub(crate) struct ManError {
    dir: String,
    reason: std::io::Error,
}

impl Classify for ManError {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// Prints the manual page of the whole, or writes that of every command.
pub(crate) fn man(context: &Context, args: &ManArgs, app: Command) -> Result<Status> {
    let app = app.disable_help_subcommand(true);
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(app).render(&mut page);
        rendered.expect("writing to memory cannot fail");
        return Ok(context.emit_generated(&page));
    };
    let dir = context.path(dir);
    write_pages(app, &dir).map_err(|reason| ManError {
        dir: dir.display().to_string(),
        reason,
    })?;
    Ok(Status::Passed)
}

fn write_pages(app: Command, dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(app, dir)
}
