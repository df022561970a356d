//! The `panfoma-pretrain` binary.

fn main() -> std::process::ExitCode {
    panfoma_core::stage::main::<panfoma_pretrain::Args>(panfoma_build_info::COMMIT)
}
