//! `panfoma-grn`: regulatory networks from a model.

fn main() -> std::process::ExitCode {
    panfoma_core::stage::main::<panfoma_grn::Args>(panfoma_build_info::COMMIT)
}
