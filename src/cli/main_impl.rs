//! From the command line to the exit code.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{CommandFactory as _, FromArgMatches as _};
use tokio::sync::watch;

use super::signals::listen;
use super::{App, Command};
use crate::commands::{self, Context};
use crate::error::{Fault, Result};
use crate::exit::{INTERNAL, Status};
use crate::group::{self, Owed};
use crate::measure::Clock;
use crate::record::ErrorDocument;
use crate::text::visible;
use crate::ui::{ColorWhen, Facts, Options, Ui, Volume, clap_color};

/// Has a panic, in whatever thread, end the process as a bug: what goes on without one of its
/// threads could tell anything.
#[expect(clippy::exit, reason = "a panic ends with nothing more to be done")]
fn end_with_a_panic() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        std::process::exit(INTERNAL.into());
    }));
}

/// Runs the command line of this process.
pub(crate) fn main_impl() -> ExitCode {
    end_with_a_panic();
    let facts = Facts::of_process();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let [_, word, mark] = arguments.as_slice()
        && word == group::WORD
    {
        group::keep_watch(&mark.to_string_lossy());
        return ExitCode::SUCCESS;
    }
    if let Ok(program) = std::env::current_exe() {
        group::install(program);
    }
    // Help and errors are printed before `--color` has been parsed; the environment decides about
    // them.
    let command = App::command().color(clap_color(ColorWhen::Auto, &facts));
    let app = match command
        .try_get_matches_from(&arguments)
        .and_then(|matches| App::from_arg_matches(&matches))
    {
        Ok(app) => app,
        Err(error) => return refused(&error, &arguments, &facts),
    };
    let ui = Ui::new(options(&app), &facts);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(&format!("the runtime could not be started: {error}"));
            return ExitCode::from(INTERNAL);
        }
    };
    let (tell, cancel) = watch::channel(false);
    let interrupted = Arc::new(AtomicBool::new(false));
    let owed = Owed::default();
    let keeps = app.command.keeps_what_it_has();
    let stop = listen(keeps, tell, interrupted.clone(), owed.clone(), ui.sink());
    runtime.spawn(stop);
    let context = Context {
        ui,
        global: app.global,
        interrupted,
        owed,
        cancel,
        clock: Clock::System,
        places: std::sync::OnceLock::new(),
    };
    let code = match runtime.block_on(dispatch(&context, &app.command)) {
        Ok(status) => status.into(),
        Err(error) => ExitCode::from(context.emit_error(&error)),
    };
    // No program that a call has started is left, whoever would still have waited for it.
    group::end_all();
    runtime.shutdown_background();
    code
}

/// Returns how things are said.
const fn options(app: &App) -> Options {
    Options {
        color: app.global.color,
        volume: volume(app),
    }
}

/// Returns how much is said.
const fn volume(app: &App) -> Volume {
    match (app.global.quiet, app.global.verbose) {
        (true, _) => Volume::Quiet,
        (_, true) => Volume::Verbose,
        _ => Volume::Normal,
    }
}

/// Prints what clap has to say instead of a command: help, the version, or what is wrong.
fn refused(error: &clap::Error, arguments: &[OsString], facts: &Facts) -> ExitCode {
    let ui = Ui::new(Options::default(), facts);
    let code = u8::try_from(error.exit_code()).unwrap_or(INTERNAL);
    if !error.use_stderr() {
        // Help and version are results and end with 0; a closed pipe is no reason to panic.
        ui.help(&error.render());
        return ExitCode::from(code);
    }
    let again = seen(arguments, facts).filter(|it| it.kind() == error.kind());
    let error = again.as_ref().unwrap_or(error);
    ui.usage(&error.render());
    if let Some(format) = format_of(arguments) {
        let document = ErrorDocument::new(vec![usage_fault(error)], code);
        commands::emit_usage_error(&ui, &format, &document);
    }
    ExitCode::from(code)
}

/// Returns what is wrong with the same arguments, escaped: they may be a stranger's, as the title
/// of a pull request is.
fn seen(arguments: &[OsString], facts: &Facts) -> Option<clap::Error> {
    let arguments = arguments.iter().map(|it| it.to_string_lossy());
    let arguments = arguments.map(|it| visible(&it).into_owned());
    let command = App::command().color(clap_color(ColorWhen::Auto, facts));
    let matches = command.try_get_matches_from(arguments);
    matches.and_then(|it| App::from_arg_matches(&it)).err()
}

/// Returns the format that a command line asks for, also where the rest of it cannot be read.
fn format_of(arguments: &[OsString]) -> Option<String> {
    let mut words = arguments.iter().filter_map(|it| it.to_str());
    while let Some(word) = words.next() {
        match word.strip_prefix("--format") {
            Some("") => return words.next().map(str::to_owned),
            Some(rest) => return rest.strip_prefix('=').map(str::to_owned),
            None if word == "--" => return None,
            None => {}
        }
    }
    None
}

/// Returns what is wrong with a command line, without the usage that is printed for people.
fn usage_fault(error: &clap::Error) -> Fault {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
    let first = lines.next().unwrap_or_default();
    Fault {
        message: first.strip_prefix("error: ").unwrap_or(first).to_owned(),
        help: lines
            .find_map(|it| it.strip_prefix("tip: "))
            .map(str::to_owned),
        ..Fault::default()
    }
}

async fn dispatch(context: &Context, command: &Command) -> Result<Status> {
    match command {
        Command::Init(args) => commands::init(context, args),
        Command::Check(args) => commands::check(context, args).await,
        Command::Calibrate(args) => commands::calibrate(context, args).await,
        Command::Demo(args) => Box::pin(commands::demo(context, args)).await,
        Command::Load(args) => commands::load(context, args).await,
        Command::Profile(args) => commands::profile(context, args).await,
        Command::Eval(args) => commands::eval(context, args).await,
        Command::Diff(args) => commands::diff(context, args),
        Command::Gate(args) => commands::gate(context, args).await,
        Command::Runs(args) => commands::runs(context, args),
        Command::Report(args) => commands::report(context, args),
        Command::Schema(args) => Ok(commands::schema(context, args)),
        Command::Completions(args) => Ok(commands::completions(context, args, App::command())),
        Command::Man(args) => commands::man(context, args, App::command()),
    }
}
