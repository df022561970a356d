//! The `panfoma-embed` binary.

fn main() -> std::process::ExitCode {
    panfoma_core::stage::main::<panfoma_embed::Args>(panfoma_build_info::COMMIT)
}
