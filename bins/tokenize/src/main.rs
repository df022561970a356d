//! `panfoma-tokenize`: cells to token sequences, with splits that keep patients apart.

fn main() -> std::process::ExitCode {
    panfoma_core::stage::main::<panfoma_tokenize::Args>(panfoma_build_info::COMMIT)
}
