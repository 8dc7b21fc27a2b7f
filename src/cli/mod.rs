//! Layer 9: parses the command line and hands it on.

mod main_impl;
mod signals;

use clap::{Parser, Subcommand};

pub(crate) use main_impl::main_impl;

use crate::args::Global;
use crate::commands::{
    CalibrateArgs, CheckArgs, CompletionsArgs, DemoArgs, DiffArgs, EvalArgs, GateArgs, InitArgs,
    LoadArgs, ManArgs, ProfileArgs, ReportArgs, RunsArgs, SchemaArgs,
};

/// Load-test, evaluate, and gate AI deployments from one manifest
#[derive(Debug, Parser)]
#[command(name = "stagegate", version, styles = crate::ui::clap_styles())]
#[command(propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 passed, 1 failed, 2 wrong usage or manifest, 3 could not measure, \
                        4 inconclusive, 101 a bug, 130 interrupted."
)]
pub(crate) struct App {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(InitArgs),
    Check(CheckArgs),
    Demo(DemoArgs),
    Calibrate(CalibrateArgs),
    Load(LoadArgs),
    Profile(ProfileArgs),
    Eval(EvalArgs),
    Diff(DiffArgs),
    Gate(GateArgs),
    Runs(RunsArgs),
    Report(ReportArgs),
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

impl Command {
    /// Returns whether it has something to lose when it is asked to end: what it has measured, or
    /// what it has started.
    const fn keeps_what_it_has(&self) -> bool {
        match self {
            Self::Check(_)
            | Self::Demo(_)
            | Self::Calibrate(_)
            | Self::Load(_)
            | Self::Profile(_)
            | Self::Eval(_)
            | Self::Gate(_) => true,
            Self::Init(_)
            | Self::Diff(_)
            | Self::Runs(_)
            | Self::Report(_)
            | Self::Schema(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::App;

    #[test]
    fn the_command_line_is_consistent() {
        App::command().debug_assert();
    }
}
