//! `panfoma-evaluate`: see the library.

fn main() -> std::process::ExitCode {
    panfoma_core::stage::main::<panfoma_evaluate::Args>(panfoma_build_info::COMMIT)
}
