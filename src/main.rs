//! The command `feeds`: reads its arguments, runs one command, and maps the result to an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(feeds::cli::main(std::env::args_os()).code())
}
