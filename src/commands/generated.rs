//! `stagegate completions`, `man`, and `schema`: what is made from the command line and the types themselves.

use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;
use clap_complete_nushell::Nushell;

use super::Context;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::record::DiffDocument;
use crate::record::RunRecord;
use crate::schema::generator;
use crate::{eval, manifest, protocol};

/// Print the completions of a shell
#[derive(Args, Clone, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell that reads them
    #[arg(value_name = "SHELL", value_enum)]
    shell: ShellName,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ShellName {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

/// Print the JSON Schema of the manifest, a run, or a comparison
#[derive(Args, Clone, Debug)]
pub(crate) struct SchemaArgs {
    /// Which document
    #[arg(value_name = "DOCUMENT", value_enum, default_value_t)]
    document: Document,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Document {
    /// `stagegate.toml`
    #[default]
    Manifest,
    /// `stagegate/run`: what `load`, `profile`, and `eval` print
    Run,
    /// `stagegate/diff`: what `diff` and `gate` print
    Diff,
}

/// Prints a schema.
pub(crate) fn schema(context: &Context, args: &SchemaArgs) -> Status {
    let mut generator = generator();
    let schema = match args.document {
        Document::Manifest => {
            let (kinds, asserts) = (
                protocol::schemas(&mut generator),
                eval::assertion_schemas(&mut generator),
            );
            manifest::schema(&mut generator, kinds, asserts)
        }
        Document::Run => generator.into_root_schema_for::<RunRecord>().to_value(),
        Document::Diff => generator.into_root_schema_for::<DiffDocument>().to_value(),
    };
    context.emit_text(&format!("{schema:#}\n"), Status::Passed)
}

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

/// Prints the completions of a shell for that command line.
pub(crate) fn completions(context: &Context, args: &CompletionsArgs, mut app: Command) -> Status {
    let mut text = Vec::new();
    let name = "stagegate";
    let shell = match args.shell {
        ShellName::Bash => Shell::Bash,
        ShellName::Elvish => Shell::Elvish,
        ShellName::Fish => Shell::Fish,
        ShellName::PowerShell => Shell::PowerShell,
        ShellName::Zsh => Shell::Zsh,
        ShellName::Nushell => {
            clap_complete::generate(Nushell, &mut app, name, &mut text);
            return context.emit_text(&String::from_utf8_lossy(&text), Status::Passed);
        }
    };
    clap_complete::generate(shell, &mut app, name, &mut text);
    context.emit_text(&String::from_utf8_lossy(&text), Status::Passed)
}

/// Prints the manual page of the whole, or writes that of every command.
pub(crate) fn man(context: &Context, args: &ManArgs, app: Command) -> Result<Status> {
    let app = app.disable_help_subcommand(true);
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(app).render(&mut page);
        rendered.expect("writing to memory cannot fail");
        return Ok(context.emit_text(&String::from_utf8_lossy(&page), Status::Passed));
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
