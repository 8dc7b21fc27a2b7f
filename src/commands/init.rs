//! `stagegate init`: writes a project from a template.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use super::context::MANIFEST;
use crate::error::Result;
use crate::exit::Status;
use crate::git::Git;
use crate::registry::Entry as _;
use crate::scaffold::{CI_SYSTEMS, CiSystem, NewFiles, TEMPLATES, Template};
use crate::text::quoted;

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

/// The template where none is named.
const DEFAULT: &str = "rag";

/// Runs the command.
pub(crate) fn init(context: &Context, args: &InitArgs) -> Result<Status> {
    let folder = context.path(&args.folder);
    let system = args.ci.as_deref().and_then(|name| CI_SYSTEMS.get(name));
    // A project that has its manifest already may still want the step.
    let has_manifest = folder.join(MANIFEST).exists();
    let name = args.template.as_deref();
    let name = name.or((system.is_none() || !has_manifest).then_some(DEFAULT));
    let template = name.and_then(|name| TEMPLATES.get(name));
    let mut files = template.map_or_else(NewFiles::default, |it| NewFiles::of(it, &folder));
    let next = system.map(|system| {
        let inside = in_repository(&folder);
        let (root, inside) = inside.unwrap_or_else(|| (folder.clone(), String::new()));
        files.add_step(system, &root, &inside)
    });
    files.write(args.force)?;
    let next = next.unwrap_or_default();
    Ok(if context.global.format == "json" {
        let paths = files.paths().map(|it| it.display().to_string());
        let document = serde_json::json!({
            "schema": "stagegate/init", "template": template.map(Template::name),
            "ci": system.map(CiSystem::name), "files": paths.collect::<Vec<String>>(),
        });
        context.emit_json(format!("{document:#}\n"), Status::Passed)
    } else {
        let text = format!("{next}{}", told(&folder, template, system, &files));
        context.emit_text(&text, Status::Passed)
    })
}

/// Returns the root of the repository that a folder is in, or will be in, and where in it; `None`
/// outside git.
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

/// Says what was written, and ends with the next commands.
fn told(
    folder: &Path,
    template: Option<&Template>,
    system: Option<&CiSystem>,
    written: &NewFiles,
) -> String {
    let paths: Vec<String> = written.paths().map(|it| it.display().to_string()).collect();
    let files: Vec<String> = paths.iter().map(|it| format!("  {it}\n")).collect();
    let files = files.concat();
    let inside = if folder == Path::new(".") {
        String::new()
    } else {
        format!(" -C {}", quoted(&folder.display().to_string()))
    };
    let wrote = match template {
        Some(template) => format!("wrote the template `{}`:\n{files}", template.name()),
        None => format!("wrote:\n{files}"),
    };
    let in_ci = system.map(|system| format!("next, in CI: {}\n", system.start()));
    let at_once = template.map(|_| {
        format!(
            "next, against the built-in demo:\n  stagegate demo --serve &\n  stagegate{inside} check --probe\n"
        )
    });
    let last = if system.is_some() {
        format!("git{inside} push")
    } else {
        format!("stagegate{inside} gate")
    };
    let parts = [in_ci, at_once, Some(committed(folder, &inside, &last))];
    wrote + &parts.into_iter().flatten().collect::<String>()
}

/// Returns the last commands: a run stands for a commit, so that there has to be one.
fn committed(folder: &Path, inside: &str, last: &str) -> String {
    let there = std::path::absolute(folder).ok();
    let mut there = there.iter().flat_map(|it| it.ancestors());
    let there = there.find(|it| it.is_dir());
    let git = format!("git{inside}");
    let begin = match there.and_then(|it| Git::open(it).root()) {
        Some(_) => String::new(),
        None => format!("  {git} init\n"),
    };
    format!(
        "then, as a release is a commit:\n{begin}  {git} add -A\n  {git} commit -m \"gate releases\"\n  {last}\n"
    )
}
