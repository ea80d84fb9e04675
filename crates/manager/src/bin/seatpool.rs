//! The manager's binary.

fn main() -> std::process::ExitCode {
    seatpool_manager::cli::main()
}
