//! `stagegate completions`: made from the command line itself.

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;
use clap_complete_nushell::Nushell;

use super::Context;
use crate::exit::Status;

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
            return context.emit_generated(&text);
        }
    };
    clap_complete::generate(shell, &mut app, name, &mut text);
    context.emit_generated(&text)
}
