//! The program: arguments in, a command out.

use std::process::ExitCode;

fn main() -> ExitCode {
    rekey::cli::main()
}
