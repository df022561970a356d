//! The `panfoma-finetune` binary.

fn main() -> std::process::ExitCode {
    panfoma_core::stage::main::<panfoma_finetune::Args>(panfoma_build_info::COMMIT)
}
