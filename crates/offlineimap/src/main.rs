//! The program; see the library for everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    offlineimap::run(std::env::args_os())
}
