//! The binary: everything lives in the library.
use std::process::ExitCode;

fn main() -> ExitCode {
    stagegate::main_impl()
}
