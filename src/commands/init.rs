//! `stagegate init`: writes a project from a template.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use miette::Diagnostic;

use super::Context;
use super::context::MANIFEST;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::git::Git;
use crate::registry::Entry as _;
use crate::scaffold::{CI_SYSTEMS, CiSystem, TEMPLATES, Template};

/// Write a manifest and a golden set to start from
#[derive(Args, Clone, Debug)]
pub(crate) struct InitArgs {
    /// Where to write; made when it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// What to start from; `rag` where there is no manifest yet
    #[arg(long, value_name = "NAME", value_parser = TEMPLATES.value_parser())]
    template: Option<String>,
    /// Also write the gate as a step of a CI system
    #[arg(long, value_name = "SYSTEM", value_parser = CI_SYSTEMS.value_parser())]
    ci: Option<String>,
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

/// The template where none is named.
const DEFAULT: &str = "rag";

/// A file that is to be written.
struct Wanted {
    path: PathBuf,
    text: String,
}

/// Runs the command.
pub(crate) fn init(context: &Context, args: &InitArgs) -> Result<Status> {
    let folder = context.path(&args.folder);
    let system = args.ci.as_deref().and_then(|name| CI_SYSTEMS.get(name));
    // A project that has its manifest already may still want the step.
    let has_manifest = folder.join(MANIFEST).exists();
    let name = args.template.as_deref();
    let name = name.or((system.is_none() || !has_manifest).then_some(DEFAULT));
    let template = name.and_then(|name| TEMPLATES.get(name));
    let mut wanted = template.map(|it| files_of(it, &folder)).unwrap_or_default();
    let mut next = String::new();
    if let Some(system) = system {
        next = add_step(system, &folder, &mut wanted);
    }
    write_all(&wanted, args.force)?;
    let text = if context.global.format == "json" {
        let files = wanted.iter().map(|file| file.path.display().to_string());
        let document = serde_json::json!({
            "schema": "stagegate/init", "template": template.map(Template::name),
            "ci": system.map(CiSystem::name), "files": files.collect::<Vec<String>>(),
        });
        format!("{document:#}\n")
    } else {
        format!("{}{next}", told(&folder, template, &wanted))
    };
    Ok(context.emit_text(&text, Status::Passed))
}

fn files_of(template: &Template, folder: &Path) -> Vec<Wanted> {
    let files = template.files().iter();
    let wanted = files.map(|file| Wanted {
        path: folder.join(file.path),
        text: file.text.to_owned(),
    });
    wanted.collect()
}

/// Adds the step of a CI system at the root of the repository, and returns what is left to do by hand.
fn add_step(system: &CiSystem, folder: &Path, wanted: &mut Vec<Wanted>) -> String {
    let (root, inside) =
        in_repository(folder).unwrap_or_else(|| (folder.to_path_buf(), String::new()));
    let (path, text) = system.step(&inside);
    wanted.push(Wanted {
        path: root.join(path),
        text,
    });
    match system.entry() {
        Some(entry) if root.join(entry.path).exists() => format!("\n{}", system.next()),
        Some(entry) => {
            wanted.push(Wanted {
                path: root.join(entry.path),
                text: entry.text.to_owned(),
            });
            String::new()
        }
        None => String::new(),
    }
}

/// Returns the root of the repository that a folder is in, or will be in, and where in it; `None` outside git.
fn in_repository(folder: &Path) -> Option<(PathBuf, String)> {
    let absolute = std::path::absolute(folder).ok()?;
    let there = absolute.ancestors().find(|it| it.is_dir())?;
    let rest = absolute.strip_prefix(there).ok()?;
    let root = Git::open(there).root()?;
    // Both without links, or one might not begin with the other.
    let (there, whole) = (there.canonicalize().ok()?, root.canonicalize().ok()?);
    let inside = there.strip_prefix(whole).ok()?.join(rest);
    let inside: Vec<_> = inside
        .iter()
        .map(std::ffi::OsStr::to_string_lossy)
        .collect();
    Some((root, inside.join("/")))
}

fn write_all(wanted: &[Wanted], force: bool) -> Result<(), InitError> {
    // All or nothing: half a project would be worse than none.
    if let Some(file) = wanted.iter().find(|file| !force && file.path.exists()) {
        return Err(InitError::Exists(file.path.clone()));
    }
    for Wanted { path, text } in wanted {
        write(path, text, force).map_err(|source| InitError::Unwritable {
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
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

fn told(folder: &Path, template: Option<&Template>, written: &[Wanted]) -> String {
    let files: Vec<String> = written
        .iter()
        .map(|file| format!("  {}\n", file.path.display()))
        .collect();
    let files = files.concat();
    let inside = if folder == Path::new(".") {
        String::new()
    } else {
        format!(" -C {}", folder.display())
    };
    match template {
        Some(template) => format!(
            "wrote the template `{}`:\n{files}\nnext, against the built-in demo:\n  stagegate demo --serve &\n  \
             stagegate{inside} check --probe\n  stagegate{inside} gate\n",
            template.name(),
        ),
        None => format!("wrote:\n{files}"),
    }
}
