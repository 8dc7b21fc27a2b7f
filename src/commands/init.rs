//! `stagegate init`: writes a project from a template.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use miette::Diagnostic;

use super::Context;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::registry::Entry as _;
use crate::scaffold::{TEMPLATES, Template};

/// Write a manifest and a golden set to start from
#[derive(Args, Clone, Debug)]
pub(crate) struct InitArgs {
    /// Where to write; made when it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// What to start from
    #[arg(long, value_name = "NAME", default_value = "rag", value_parser = TEMPLATES.value_parser())]
    template: String,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum InitError {
    /// The template would overwrite something.
    #[error("`{}` exists already, so nothing was written", .0.display())]
    #[diagnostic(help("Choose another folder, or overwrite with `--force`."))]
    Exists(PathBuf),
    /// A file or folder cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}

impl Classify for InitError {
    fn kind(&self) -> Kind {
        match self {
            Self::Exists(_) => Kind::Usage,
            Self::Unwritable { .. } => Kind::Environment,
        }
    }
}

/// Runs the command.
pub(crate) fn init(context: &Context, args: &InitArgs) -> Result<Status> {
    let template = TEMPLATES
        .get(&args.template)
        .expect("clap takes only registered templates");
    let folder = context.path(&args.folder);
    let written = write_all(&folder, template, args.force)?;
    let text = if context.global.format == "json" {
        let files: Vec<String> = written
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let document = serde_json::json!({
            "schema": "stagegate/init", "template": template.name(), "files": files,
        });
        format!("{document:#}\n")
    } else {
        told(&folder, template, &written)
    };
    Ok(context.emit_text(&text, Status::Passed))
}

fn write_all(folder: &Path, template: &Template, force: bool) -> Result<Vec<PathBuf>, InitError> {
    let targets: Vec<(PathBuf, &str)> = template
        .files()
        .iter()
        .map(|file| (folder.join(file.path), file.text))
        .collect();
    // All or nothing: half a project would be worse than none.
    if let Some((path, _)) = targets.iter().find(|(path, _)| !force && path.exists()) {
        return Err(InitError::Exists(path.clone()));
    }
    for (path, text) in &targets {
        write(path, text, force).map_err(|source| InitError::Unwritable {
            path: path.clone(),
            source,
        })?;
    }
    Ok(targets.into_iter().map(|(path, _)| path).collect())
}

fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = OpenOptions::new();
    options.write(true);
    // `create_new` keeps the promise even against somebody who writes at the same moment.
    let options = if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path)?.write_all(text.as_bytes())
}

fn told(folder: &Path, template: &Template, written: &[PathBuf]) -> String {
    let files: Vec<String> = written
        .iter()
        .map(|path| format!("  {}\n", path.display()))
        .collect();
    let inside = if folder == Path::new(".") {
        String::new()
    } else {
        format!(" -C {}", folder.display())
    };
    format!(
        "wrote the template `{}`:\n{}\nnext, against the built-in demo:\n  stagegate demo --serve &\n  \
         stagegate{inside} check --probe\n  stagegate{inside} gate\n",
        template.name(),
        files.concat(),
    )
}
