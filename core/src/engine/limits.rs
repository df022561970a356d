//! What the kernels of the CUDA backend ask of a model's shape.

use crate::model::ModelConfig;
use crate::stage::UserError;

/// Refuses a shape that no kernel exists for; every preset has one.
pub fn refuse(config: &ModelConfig) -> Result<(), UserError> {
    let d_head = config.d_model / config.n_heads;
    let n_keys = config.seq_len().next_power_of_two();
    let needs = [
        (config.d_model.is_multiple_of(8) && config.d_model <= 1024, "`d_model` a multiple of 8 up to 1024"),
        (d_head <= 64, "at most 64 columns a head (`d_model` / `n_heads`)"),
        (config.d_inner().is_multiple_of(32), "`expand` times `d_model` a multiple of 32"),
        (config.d_state <= 16, "`d_state` at most 16"),
        (config.d_conv == 4, "`d_conv` 4"),
        // Sorting holds 8 bytes a gene in shared memory, of which an A100 has 163 KiB.
        (n_keys <= 16384, "at most 16384 genes a cell"),
    ];
    match needs.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, what)) => Err(UserError::config(format!("the GPU's kernels need {what}"))
            .hint("pass `--device cpu`, which runs every shape")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Preset;

    #[test]
    fn presets_run_on_a_gpu_and_odd_shapes_are_refused_by_name() {
        for preset in [Preset::Tiny, Preset::Small, Preset::Base] {
            refuse(&ModelConfig::preset(preset, 20_000, 51)).unwrap();
        }
        let check = |change: fn(&mut ModelConfig), expected: &str| {
            let mut config = ModelConfig::preset(Preset::Tiny, 100, 51);
            change(&mut config);
            let message = refuse(&config).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        check(|c| c.d_model = 36, "`d_model` a multiple of 8");
        check(|c| (c.d_model, c.n_heads) = (256, 2), "64 columns a head");
        check(|c| c.d_model = 24, "a multiple of 32");
        check(|c| c.d_state = 17, "`d_state` at most 16");
        check(|c| c.d_conv = 3, "`d_conv` 4");
        check(|c| c.chunk_len = 5000, "16384 genes");
    }
}
