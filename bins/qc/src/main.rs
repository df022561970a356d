//! `panfoma-qc`: count matrices in, clean cells out.

fn main() -> std::process::ExitCode {
    panfoma_core::stage::main::<panfoma_qc::Args>(panfoma_build_info::COMMIT)
}
