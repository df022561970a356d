//! A struct for the arguments of each kernel.
//!
//! Written from the `.entry` lines of `ptx/` by `cargo run -p panfoma-kernels --example expand`.

use crate::{Arguments, Entry, Module, Param, Pointer};

/// Every PTX text, by name.
pub const MODULES: &[Module] = &[
    Module { name: "adamw", ptx: include_str!("../ptx/adamw.ptx") },
    Module { name: "add_bf16", ptx: include_str!("../ptx/add_bf16.ptx") },
    Module { name: "add_f32", ptx: include_str!("../ptx/add_f32.ptx") },
    Module { name: "add_parts", ptx: include_str!("../ptx/add_parts.ptx") },
    Module { name: "attention_bwd_dkdv_d32", ptx: include_str!("../ptx/attention_bwd_dkdv_d32.ptx") },
    Module { name: "attention_bwd_dkdv_d64", ptx: include_str!("../ptx/attention_bwd_dkdv_d64.ptx") },
    Module { name: "attention_bwd_dq_d32", ptx: include_str!("../ptx/attention_bwd_dq_d32.ptx") },
    Module { name: "attention_bwd_dq_d64", ptx: include_str!("../ptx/attention_bwd_dq_d64.ptx") },
    Module { name: "attention_bwd_rows_d32", ptx: include_str!("../ptx/attention_bwd_rows_d32.ptx") },
    Module { name: "attention_bwd_rows_d64", ptx: include_str!("../ptx/attention_bwd_rows_d64.ptx") },
    Module { name: "attention_fwd_d32", ptx: include_str!("../ptx/attention_fwd_d32.ptx") },
    Module { name: "attention_fwd_d64", ptx: include_str!("../ptx/attention_fwd_d64.ptx") },
    Module { name: "attention_probabilities_d32", ptx: include_str!("../ptx/attention_probabilities_d32.ptx") },
    Module { name: "attention_probabilities_d64", ptx: include_str!("../ptx/attention_probabilities_d64.ptx") },
    Module { name: "cast_bf16_f32", ptx: include_str!("../ptx/cast_bf16_f32.ptx") },
    Module { name: "cast_f32_bf16", ptx: include_str!("../ptx/cast_f32_bf16.ptx") },
    Module { name: "causal_conv_bwd", ptx: include_str!("../ptx/causal_conv_bwd.ptx") },
    Module { name: "causal_conv_fwd", ptx: include_str!("../ptx/causal_conv_fwd.ptx") },
    Module { name: "cell_global", ptx: include_str!("../ptx/cell_global.ptx") },
    Module { name: "column_sums", ptx: include_str!("../ptx/column_sums.ptx") },
    Module { name: "cross_entropy", ptx: include_str!("../ptx/cross_entropy.ptx") },
    Module { name: "cross_entropy_sums", ptx: include_str!("../ptx/cross_entropy_sums.ptx") },
    Module { name: "embed_tokens", ptx: include_str!("../ptx/embed_tokens.ptx") },
    Module { name: "gated_fusion_bwd", ptx: include_str!("../ptx/gated_fusion_bwd.ptx") },
    Module { name: "gated_fusion_fwd", ptx: include_str!("../ptx/gated_fusion_fwd.ptx") },
    Module { name: "gather_rows_bf16", ptx: include_str!("../ptx/gather_rows_bf16.ptx") },
    Module { name: "gather_rows_f32", ptx: include_str!("../ptx/gather_rows_f32.ptx") },
    Module { name: "gelu_bwd", ptx: include_str!("../ptx/gelu_bwd.ptx") },
    Module { name: "gelu_fwd", ptx: include_str!("../ptx/gelu_fwd.ptx") },
    Module { name: "gene_scores", ptx: include_str!("../ptx/gene_scores.ptx") },
    Module { name: "layer_norm_bwd_v1", ptx: include_str!("../ptx/layer_norm_bwd_v1.ptx") },
    Module { name: "layer_norm_bwd_v2", ptx: include_str!("../ptx/layer_norm_bwd_v2.ptx") },
    Module { name: "layer_norm_bwd_v4", ptx: include_str!("../ptx/layer_norm_bwd_v4.ptx") },
    Module { name: "layer_norm_fwd_v1", ptx: include_str!("../ptx/layer_norm_fwd_v1.ptx") },
    Module { name: "layer_norm_fwd_v2", ptx: include_str!("../ptx/layer_norm_fwd_v2.ptx") },
    Module { name: "layer_norm_fwd_v4", ptx: include_str!("../ptx/layer_norm_fwd_v4.ptx") },
    Module { name: "mean_pool_bwd", ptx: include_str!("../ptx/mean_pool_bwd.ptx") },
    Module { name: "mean_pool_fwd", ptx: include_str!("../ptx/mean_pool_fwd.ptx") },
    Module { name: "philox", ptx: include_str!("../ptx/philox.ptx") },
    Module { name: "regroup_bf16", ptx: include_str!("../ptx/regroup_bf16.ptx") },
    Module { name: "regroup_f32", ptx: include_str!("../ptx/regroup_f32.ptx") },
    Module { name: "rms_norm_bwd_v1", ptx: include_str!("../ptx/rms_norm_bwd_v1.ptx") },
    Module { name: "rms_norm_bwd_v2", ptx: include_str!("../ptx/rms_norm_bwd_v2.ptx") },
    Module { name: "rms_norm_bwd_v4", ptx: include_str!("../ptx/rms_norm_bwd_v4.ptx") },
    Module { name: "rms_norm_fwd_v1", ptx: include_str!("../ptx/rms_norm_fwd_v1.ptx") },
    Module { name: "rms_norm_fwd_v2", ptx: include_str!("../ptx/rms_norm_fwd_v2.ptx") },
    Module { name: "rms_norm_fwd_v4", ptx: include_str!("../ptx/rms_norm_fwd_v4.ptx") },
    Module { name: "scatter_rows_add", ptx: include_str!("../ptx/scatter_rows_add.ptx") },
    Module { name: "segment_add_bf16", ptx: include_str!("../ptx/segment_add_bf16.ptx") },
    Module { name: "segment_add_f32", ptx: include_str!("../ptx/segment_add_f32.ptx") },
    Module { name: "segment_sums", ptx: include_str!("../ptx/segment_sums.ptx") },
    Module { name: "select", ptx: include_str!("../ptx/select.ptx") },
    Module { name: "selective_scan_bwd", ptx: include_str!("../ptx/selective_scan_bwd.ptx") },
    Module { name: "selective_scan_bwd_bc", ptx: include_str!("../ptx/selective_scan_bwd_bc.ptx") },
    Module { name: "selective_scan_bwd_parameters", ptx: include_str!("../ptx/selective_scan_bwd_parameters.ptx") },
    Module { name: "selective_scan_fwd", ptx: include_str!("../ptx/selective_scan_fwd.ptx") },
    Module { name: "set_zero", ptx: include_str!("../ptx/set_zero.ptx") },
    Module { name: "sort_genes", ptx: include_str!("../ptx/sort_genes.ptx") },
    Module { name: "sum_of_squares", ptx: include_str!("../ptx/sum_of_squares.ptx") },
];

/// Every kernel of every module.
pub const ENTRIES: &[Entry] = &[
    Adamw::ENTRY,
    AddBf16::ENTRY,
    AddF32::ENTRY,
    AddParts::ENTRY,
    AttentionBwdDkdvD32::ENTRY,
    AttentionBwdDkdvD64::ENTRY,
    AttentionBwdDqD32::ENTRY,
    AttentionBwdDqD64::ENTRY,
    AttentionBwdRowsD32::ENTRY,
    AttentionBwdRowsD64::ENTRY,
    AttentionFwdD32::ENTRY,
    AttentionFwdD64::ENTRY,
    AttentionProbabilitiesD32::ENTRY,
    AttentionProbabilitiesD64::ENTRY,
    CastBf16F32::ENTRY,
    CastF32Bf16::ENTRY,
    CausalConvBwd::ENTRY,
    CausalConvFwd::ENTRY,
    CellGlobal::ENTRY,
    ColumnSums::ENTRY,
    CrossEntropy::ENTRY,
    CrossEntropySums::ENTRY,
    EmbedTokens::ENTRY,
    GatedFusionBwd::ENTRY,
    GatedFusionFwd::ENTRY,
    GatherRowsBf16::ENTRY,
    GatherRowsF32::ENTRY,
    GeluBwd::ENTRY,
    GeluFwd::ENTRY,
    GeneScores::ENTRY,
    LayerNormBwdV1::ENTRY,
    LayerNormBwdV2::ENTRY,
    LayerNormBwdV4::ENTRY,
    LayerNormFwdV1::ENTRY,
    LayerNormFwdV2::ENTRY,
    LayerNormFwdV4::ENTRY,
    MeanPoolBwd::ENTRY,
    MeanPoolFwd::ENTRY,
    Philox::ENTRY,
    RegroupBf16::ENTRY,
    RegroupF32::ENTRY,
    RmsNormBwdV1::ENTRY,
    RmsNormBwdV2::ENTRY,
    RmsNormBwdV4::ENTRY,
    RmsNormFwdV1::ENTRY,
    RmsNormFwdV2::ENTRY,
    RmsNormFwdV4::ENTRY,
    ScatterRowsAdd::ENTRY,
    SegmentAddBf16::ENTRY,
    SegmentAddF32::ENTRY,
    SegmentSums::ENTRY,
    Select::ENTRY,
    SelectiveScanBwd::ENTRY,
    SelectiveScanBwdBc::ENTRY,
    SelectiveScanBwdParameters::ENTRY,
    SelectiveScanFwd::ENTRY,
    SetZero::ENTRY,
    SortGenes::ENTRY,
    SumOfSquares::ENTRY,
];

/// Arguments of `pf_adamw`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adamw {
    /// `tensors`
    pub tensors: Pointer,
    /// `n_tensors`
    pub n_tensors: u32,
    /// `factor`
    pub factor: f32,
    /// `rate`
    pub rate: f32,
    /// `unbias`
    pub unbias: f32,
    /// `b1`
    pub b1: f32,
    /// `c1`
    pub c1: f32,
    /// `b2`
    pub b2: f32,
    /// `c2`
    pub c2: f32,
    /// `eps`
    pub eps: f32,
}

impl Arguments for Adamw {
    const ENTRY: Entry = Entry {
        name: "pf_adamw",
        module: &MODULES[0],
        threads: Some(256),
        params: &[
            Param { name: "tensors", offset: 0, bytes: 8 },
            Param { name: "n_tensors", offset: 8, bytes: 4 },
            Param { name: "factor", offset: 12, bytes: 4 },
            Param { name: "rate", offset: 16, bytes: 4 },
            Param { name: "unbias", offset: 20, bytes: 4 },
            Param { name: "b1", offset: 24, bytes: 4 },
            Param { name: "c1", offset: 28, bytes: 4 },
            Param { name: "b2", offset: 32, bytes: 4 },
            Param { name: "c2", offset: 36, bytes: 4 },
            Param { name: "eps", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.tensors.0.to_le_bytes());
        block[8..12].copy_from_slice(&self.n_tensors.to_le_bytes());
        block[12..16].copy_from_slice(&self.factor.to_le_bytes());
        block[16..20].copy_from_slice(&self.rate.to_le_bytes());
        block[20..24].copy_from_slice(&self.unbias.to_le_bytes());
        block[24..28].copy_from_slice(&self.b1.to_le_bytes());
        block[28..32].copy_from_slice(&self.c1.to_le_bytes());
        block[32..36].copy_from_slice(&self.b2.to_le_bytes());
        block[36..40].copy_from_slice(&self.c2.to_le_bytes());
        block[40..44].copy_from_slice(&self.eps.to_le_bytes());
        block
    }
}

/// Arguments of `pf_add_bf16`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddBf16 {
    /// `y`
    pub y: Pointer,
    /// `x`
    pub x: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for AddBf16 {
    const ENTRY: Entry = Entry {
        name: "pf_add_bf16",
        module: &MODULES[1],
        threads: Some(256),
        params: &[
            Param { name: "y", offset: 0, bytes: 8 },
            Param { name: "x", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 20];
        block[0..8].copy_from_slice(&self.y.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.x.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_add_f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddF32 {
    /// `y`
    pub y: Pointer,
    /// `x`
    pub x: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for AddF32 {
    const ENTRY: Entry = Entry {
        name: "pf_add_f32",
        module: &MODULES[2],
        threads: Some(256),
        params: &[
            Param { name: "y", offset: 0, bytes: 8 },
            Param { name: "x", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 20];
        block[0..8].copy_from_slice(&self.y.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.x.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_add_parts`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AddParts {
    /// `parts`
    pub parts: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n`
    pub n: u32,
    /// `n_parts`
    pub n_parts: u32,
    /// `stride`
    pub stride: u32,
}

impl Arguments for AddParts {
    const ENTRY: Entry = Entry {
        name: "pf_add_parts",
        module: &MODULES[3],
        threads: Some(256),
        params: &[
            Param { name: "parts", offset: 0, bytes: 8 },
            Param { name: "y", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
            Param { name: "n_parts", offset: 20, bytes: 4 },
            Param { name: "stride", offset: 24, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 28];
        block[0..8].copy_from_slice(&self.parts.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.y.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block[20..24].copy_from_slice(&self.n_parts.to_le_bytes());
        block[24..28].copy_from_slice(&self.stride.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_bwd_dkdv_d32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionBwdDkdvD32 {
    /// `qkv`
    pub qkv: Pointer,
    /// `keys`
    pub keys: Pointer,
    /// `d_o`
    pub d_o: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `dqkv`
    pub dqkv: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `scale`
    pub scale: f32,
    /// `scale_log2`
    pub scale_log2: f32,
}

impl Arguments for AttentionBwdDkdvD32 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_bwd_dkdv_d32",
        module: &MODULES[4],
        threads: Some(128),
        params: &[
            Param { name: "qkv", offset: 0, bytes: 8 },
            Param { name: "keys", offset: 8, bytes: 8 },
            Param { name: "d_o", offset: 16, bytes: 8 },
            Param { name: "rows", offset: 24, bytes: 8 },
            Param { name: "dqkv", offset: 32, bytes: 8 },
            Param { name: "len", offset: 40, bytes: 4 },
            Param { name: "n_heads", offset: 44, bytes: 4 },
            Param { name: "scale", offset: 48, bytes: 4 },
            Param { name: "scale_log2", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.qkv.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.keys.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.d_o.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.rows.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dqkv.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.len.to_le_bytes());
        block[44..48].copy_from_slice(&self.n_heads.to_le_bytes());
        block[48..52].copy_from_slice(&self.scale.to_le_bytes());
        block[52..56].copy_from_slice(&self.scale_log2.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_bwd_dkdv_d64`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionBwdDkdvD64 {
    /// `qkv`
    pub qkv: Pointer,
    /// `keys`
    pub keys: Pointer,
    /// `d_o`
    pub d_o: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `dqkv`
    pub dqkv: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `scale`
    pub scale: f32,
    /// `scale_log2`
    pub scale_log2: f32,
}

impl Arguments for AttentionBwdDkdvD64 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_bwd_dkdv_d64",
        module: &MODULES[5],
        threads: Some(128),
        params: &[
            Param { name: "qkv", offset: 0, bytes: 8 },
            Param { name: "keys", offset: 8, bytes: 8 },
            Param { name: "d_o", offset: 16, bytes: 8 },
            Param { name: "rows", offset: 24, bytes: 8 },
            Param { name: "dqkv", offset: 32, bytes: 8 },
            Param { name: "len", offset: 40, bytes: 4 },
            Param { name: "n_heads", offset: 44, bytes: 4 },
            Param { name: "scale", offset: 48, bytes: 4 },
            Param { name: "scale_log2", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.qkv.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.keys.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.d_o.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.rows.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dqkv.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.len.to_le_bytes());
        block[44..48].copy_from_slice(&self.n_heads.to_le_bytes());
        block[48..52].copy_from_slice(&self.scale.to_le_bytes());
        block[52..56].copy_from_slice(&self.scale_log2.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_bwd_dq_d32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionBwdDqD32 {
    /// `qkv`
    pub qkv: Pointer,
    /// `keys`
    pub keys: Pointer,
    /// `d_o`
    pub d_o: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `dqkv`
    pub dqkv: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `scale`
    pub scale: f32,
    /// `scale_log2`
    pub scale_log2: f32,
}

impl Arguments for AttentionBwdDqD32 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_bwd_dq_d32",
        module: &MODULES[6],
        threads: Some(128),
        params: &[
            Param { name: "qkv", offset: 0, bytes: 8 },
            Param { name: "keys", offset: 8, bytes: 8 },
            Param { name: "d_o", offset: 16, bytes: 8 },
            Param { name: "rows", offset: 24, bytes: 8 },
            Param { name: "dqkv", offset: 32, bytes: 8 },
            Param { name: "len", offset: 40, bytes: 4 },
            Param { name: "n_heads", offset: 44, bytes: 4 },
            Param { name: "scale", offset: 48, bytes: 4 },
            Param { name: "scale_log2", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.qkv.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.keys.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.d_o.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.rows.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dqkv.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.len.to_le_bytes());
        block[44..48].copy_from_slice(&self.n_heads.to_le_bytes());
        block[48..52].copy_from_slice(&self.scale.to_le_bytes());
        block[52..56].copy_from_slice(&self.scale_log2.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_bwd_dq_d64`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionBwdDqD64 {
    /// `qkv`
    pub qkv: Pointer,
    /// `keys`
    pub keys: Pointer,
    /// `d_o`
    pub d_o: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `dqkv`
    pub dqkv: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `scale`
    pub scale: f32,
    /// `scale_log2`
    pub scale_log2: f32,
}

impl Arguments for AttentionBwdDqD64 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_bwd_dq_d64",
        module: &MODULES[7],
        threads: Some(128),
        params: &[
            Param { name: "qkv", offset: 0, bytes: 8 },
            Param { name: "keys", offset: 8, bytes: 8 },
            Param { name: "d_o", offset: 16, bytes: 8 },
            Param { name: "rows", offset: 24, bytes: 8 },
            Param { name: "dqkv", offset: 32, bytes: 8 },
            Param { name: "len", offset: 40, bytes: 4 },
            Param { name: "n_heads", offset: 44, bytes: 4 },
            Param { name: "scale", offset: 48, bytes: 4 },
            Param { name: "scale_log2", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.qkv.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.keys.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.d_o.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.rows.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dqkv.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.len.to_le_bytes());
        block[44..48].copy_from_slice(&self.n_heads.to_le_bytes());
        block[48..52].copy_from_slice(&self.scale.to_le_bytes());
        block[52..56].copy_from_slice(&self.scale_log2.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_bwd_rows_d32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionBwdRowsD32 {
    /// `o`
    pub o: Pointer,
    /// `d_o`
    pub d_o: Pointer,
    /// `log_sum`
    pub log_sum: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `n_rows`
    pub n_rows: u32,
}

impl Arguments for AttentionBwdRowsD32 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_bwd_rows_d32",
        module: &MODULES[8],
        threads: Some(128),
        params: &[
            Param { name: "o", offset: 0, bytes: 8 },
            Param { name: "d_o", offset: 8, bytes: 8 },
            Param { name: "log_sum", offset: 16, bytes: 8 },
            Param { name: "rows", offset: 24, bytes: 8 },
            Param { name: "len", offset: 32, bytes: 4 },
            Param { name: "n_heads", offset: 36, bytes: 4 },
            Param { name: "n_rows", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.o.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.d_o.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.log_sum.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.rows.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.len.to_le_bytes());
        block[36..40].copy_from_slice(&self.n_heads.to_le_bytes());
        block[40..44].copy_from_slice(&self.n_rows.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_bwd_rows_d64`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionBwdRowsD64 {
    /// `o`
    pub o: Pointer,
    /// `d_o`
    pub d_o: Pointer,
    /// `log_sum`
    pub log_sum: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `n_rows`
    pub n_rows: u32,
}

impl Arguments for AttentionBwdRowsD64 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_bwd_rows_d64",
        module: &MODULES[9],
        threads: Some(128),
        params: &[
            Param { name: "o", offset: 0, bytes: 8 },
            Param { name: "d_o", offset: 8, bytes: 8 },
            Param { name: "log_sum", offset: 16, bytes: 8 },
            Param { name: "rows", offset: 24, bytes: 8 },
            Param { name: "len", offset: 32, bytes: 4 },
            Param { name: "n_heads", offset: 36, bytes: 4 },
            Param { name: "n_rows", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.o.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.d_o.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.log_sum.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.rows.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.len.to_le_bytes());
        block[36..40].copy_from_slice(&self.n_heads.to_le_bytes());
        block[40..44].copy_from_slice(&self.n_rows.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_fwd_d32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionFwdD32 {
    /// `qkv`
    pub qkv: Pointer,
    /// `keys`
    pub keys: Pointer,
    /// `o`
    pub o: Pointer,
    /// `log_sum`
    pub log_sum: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `scale_log2`
    pub scale_log2: f32,
}

impl Arguments for AttentionFwdD32 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_fwd_d32",
        module: &MODULES[10],
        threads: Some(128),
        params: &[
            Param { name: "qkv", offset: 0, bytes: 8 },
            Param { name: "keys", offset: 8, bytes: 8 },
            Param { name: "o", offset: 16, bytes: 8 },
            Param { name: "log_sum", offset: 24, bytes: 8 },
            Param { name: "len", offset: 32, bytes: 4 },
            Param { name: "n_heads", offset: 36, bytes: 4 },
            Param { name: "scale_log2", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.qkv.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.keys.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.o.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.log_sum.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.len.to_le_bytes());
        block[36..40].copy_from_slice(&self.n_heads.to_le_bytes());
        block[40..44].copy_from_slice(&self.scale_log2.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_fwd_d64`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionFwdD64 {
    /// `qkv`
    pub qkv: Pointer,
    /// `keys`
    pub keys: Pointer,
    /// `o`
    pub o: Pointer,
    /// `log_sum`
    pub log_sum: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `scale_log2`
    pub scale_log2: f32,
}

impl Arguments for AttentionFwdD64 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_fwd_d64",
        module: &MODULES[11],
        threads: Some(128),
        params: &[
            Param { name: "qkv", offset: 0, bytes: 8 },
            Param { name: "keys", offset: 8, bytes: 8 },
            Param { name: "o", offset: 16, bytes: 8 },
            Param { name: "log_sum", offset: 24, bytes: 8 },
            Param { name: "len", offset: 32, bytes: 4 },
            Param { name: "n_heads", offset: 36, bytes: 4 },
            Param { name: "scale_log2", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.qkv.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.keys.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.o.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.log_sum.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.len.to_le_bytes());
        block[36..40].copy_from_slice(&self.n_heads.to_le_bytes());
        block[40..44].copy_from_slice(&self.scale_log2.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_probabilities_d32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionProbabilitiesD32 {
    /// `qkv`
    pub qkv: Pointer,
    /// `keys`
    pub keys: Pointer,
    /// `log_sum`
    pub log_sum: Pointer,
    /// `p`
    pub p: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `sequence`
    pub sequence: u32,
    /// `head`
    pub head: u32,
    /// `scale_log2`
    pub scale_log2: f32,
}

impl Arguments for AttentionProbabilitiesD32 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_probabilities_d32",
        module: &MODULES[12],
        threads: Some(128),
        params: &[
            Param { name: "qkv", offset: 0, bytes: 8 },
            Param { name: "keys", offset: 8, bytes: 8 },
            Param { name: "log_sum", offset: 16, bytes: 8 },
            Param { name: "p", offset: 24, bytes: 8 },
            Param { name: "len", offset: 32, bytes: 4 },
            Param { name: "n_heads", offset: 36, bytes: 4 },
            Param { name: "sequence", offset: 40, bytes: 4 },
            Param { name: "head", offset: 44, bytes: 4 },
            Param { name: "scale_log2", offset: 48, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 52];
        block[0..8].copy_from_slice(&self.qkv.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.keys.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.log_sum.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.p.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.len.to_le_bytes());
        block[36..40].copy_from_slice(&self.n_heads.to_le_bytes());
        block[40..44].copy_from_slice(&self.sequence.to_le_bytes());
        block[44..48].copy_from_slice(&self.head.to_le_bytes());
        block[48..52].copy_from_slice(&self.scale_log2.to_le_bytes());
        block
    }
}

/// Arguments of `pf_attention_probabilities_d64`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionProbabilitiesD64 {
    /// `qkv`
    pub qkv: Pointer,
    /// `keys`
    pub keys: Pointer,
    /// `log_sum`
    pub log_sum: Pointer,
    /// `p`
    pub p: Pointer,
    /// `len`
    pub len: u32,
    /// `n_heads`
    pub n_heads: u32,
    /// `sequence`
    pub sequence: u32,
    /// `head`
    pub head: u32,
    /// `scale_log2`
    pub scale_log2: f32,
}

impl Arguments for AttentionProbabilitiesD64 {
    const ENTRY: Entry = Entry {
        name: "pf_attention_probabilities_d64",
        module: &MODULES[13],
        threads: Some(128),
        params: &[
            Param { name: "qkv", offset: 0, bytes: 8 },
            Param { name: "keys", offset: 8, bytes: 8 },
            Param { name: "log_sum", offset: 16, bytes: 8 },
            Param { name: "p", offset: 24, bytes: 8 },
            Param { name: "len", offset: 32, bytes: 4 },
            Param { name: "n_heads", offset: 36, bytes: 4 },
            Param { name: "sequence", offset: 40, bytes: 4 },
            Param { name: "head", offset: 44, bytes: 4 },
            Param { name: "scale_log2", offset: 48, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 52];
        block[0..8].copy_from_slice(&self.qkv.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.keys.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.log_sum.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.p.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.len.to_le_bytes());
        block[36..40].copy_from_slice(&self.n_heads.to_le_bytes());
        block[40..44].copy_from_slice(&self.sequence.to_le_bytes());
        block[44..48].copy_from_slice(&self.head.to_le_bytes());
        block[48..52].copy_from_slice(&self.scale_log2.to_le_bytes());
        block
    }
}

/// Arguments of `pf_cast_bf16_f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CastBf16F32 {
    /// `x`
    pub x: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for CastBf16F32 {
    const ENTRY: Entry = Entry {
        name: "pf_cast_bf16_f32",
        module: &MODULES[14],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "y", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 20];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.y.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_cast_f32_bf16`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CastF32Bf16 {
    /// `x`
    pub x: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for CastF32Bf16 {
    const ENTRY: Entry = Entry {
        name: "pf_cast_f32_bf16",
        module: &MODULES[15],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "y", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 20];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.y.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_causal_conv_bwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CausalConvBwd {
    /// `xz`
    pub xz: Pointer,
    /// `w`
    pub w: Pointer,
    /// `b`
    pub b: Pointer,
    /// `n_valid`
    pub n_valid: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `dxz`
    pub dxz: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `len`
    pub len: u32,
    /// `n_channels`
    pub n_channels: u32,
    /// `reverse`
    pub reverse: u32,
}

impl Arguments for CausalConvBwd {
    const ENTRY: Entry = Entry {
        name: "pf_causal_conv_bwd",
        module: &MODULES[16],
        threads: Some(64),
        params: &[
            Param { name: "xz", offset: 0, bytes: 8 },
            Param { name: "w", offset: 8, bytes: 8 },
            Param { name: "b", offset: 16, bytes: 8 },
            Param { name: "n_valid", offset: 24, bytes: 8 },
            Param { name: "dy", offset: 32, bytes: 8 },
            Param { name: "dxz", offset: 40, bytes: 8 },
            Param { name: "parts", offset: 48, bytes: 8 },
            Param { name: "len", offset: 56, bytes: 4 },
            Param { name: "n_channels", offset: 60, bytes: 4 },
            Param { name: "reverse", offset: 64, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 68];
        block[0..8].copy_from_slice(&self.xz.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.w.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.b.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.n_valid.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dy.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.dxz.0.to_le_bytes());
        block[48..56].copy_from_slice(&self.parts.0.to_le_bytes());
        block[56..60].copy_from_slice(&self.len.to_le_bytes());
        block[60..64].copy_from_slice(&self.n_channels.to_le_bytes());
        block[64..68].copy_from_slice(&self.reverse.to_le_bytes());
        block
    }
}

/// Arguments of `pf_causal_conv_fwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CausalConvFwd {
    /// `xz`
    pub xz: Pointer,
    /// `w`
    pub w: Pointer,
    /// `b`
    pub b: Pointer,
    /// `n_valid`
    pub n_valid: Pointer,
    /// `y`
    pub y: Pointer,
    /// `len`
    pub len: u32,
    /// `n_channels`
    pub n_channels: u32,
    /// `reverse`
    pub reverse: u32,
}

impl Arguments for CausalConvFwd {
    const ENTRY: Entry = Entry {
        name: "pf_causal_conv_fwd",
        module: &MODULES[17],
        threads: Some(64),
        params: &[
            Param { name: "xz", offset: 0, bytes: 8 },
            Param { name: "w", offset: 8, bytes: 8 },
            Param { name: "b", offset: 16, bytes: 8 },
            Param { name: "n_valid", offset: 24, bytes: 8 },
            Param { name: "y", offset: 32, bytes: 8 },
            Param { name: "len", offset: 40, bytes: 4 },
            Param { name: "n_channels", offset: 44, bytes: 4 },
            Param { name: "reverse", offset: 48, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 52];
        block[0..8].copy_from_slice(&self.xz.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.w.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.b.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.n_valid.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.y.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.len.to_le_bytes());
        block[44..48].copy_from_slice(&self.n_channels.to_le_bytes());
        block[48..52].copy_from_slice(&self.reverse.to_le_bytes());
        block
    }
}

/// Arguments of `pf_cell_global`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CellGlobal {
    /// `states`
    pub states: Pointer,
    /// `global`
    pub global: Pointer,
    /// `n`
    pub n: u32,
    /// `cols`
    pub cols: u32,
    /// `n_chunks`
    pub n_chunks: u32,
    /// `chunk_len`
    pub chunk_len: u32,
}

impl Arguments for CellGlobal {
    const ENTRY: Entry = Entry {
        name: "pf_cell_global",
        module: &MODULES[18],
        threads: Some(256),
        params: &[
            Param { name: "states", offset: 0, bytes: 8 },
            Param { name: "global", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
            Param { name: "cols", offset: 20, bytes: 4 },
            Param { name: "n_chunks", offset: 24, bytes: 4 },
            Param { name: "chunk_len", offset: 28, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 32];
        block[0..8].copy_from_slice(&self.states.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.global.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block[20..24].copy_from_slice(&self.cols.to_le_bytes());
        block[24..28].copy_from_slice(&self.n_chunks.to_le_bytes());
        block[28..32].copy_from_slice(&self.chunk_len.to_le_bytes());
        block
    }
}

/// Arguments of `pf_column_sums`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnSums {
    /// `x`
    pub x: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
    /// `rows_per_part`
    pub rows_per_part: u32,
}

impl Arguments for ColumnSums {
    const ENTRY: Entry = Entry {
        name: "pf_column_sums",
        module: &MODULES[19],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "parts", offset: 8, bytes: 8 },
            Param { name: "n_rows", offset: 16, bytes: 4 },
            Param { name: "cols", offset: 20, bytes: 4 },
            Param { name: "rows_per_part", offset: 24, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 28];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.parts.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n_rows.to_le_bytes());
        block[20..24].copy_from_slice(&self.cols.to_le_bytes());
        block[24..28].copy_from_slice(&self.rows_per_part.to_le_bytes());
        block
    }
}

/// Arguments of `pf_cross_entropy`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropy {
    /// `logits`
    pub logits: Pointer,
    /// `targets`
    pub targets: Pointer,
    /// `weights`
    pub weights: u64,
    /// `nll`
    pub nll: Pointer,
    /// `correct`
    pub correct: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
    /// `scale`
    pub scale: f32,
}

impl Arguments for CrossEntropy {
    const ENTRY: Entry = Entry {
        name: "pf_cross_entropy",
        module: &MODULES[20],
        threads: Some(128),
        params: &[
            Param { name: "logits", offset: 0, bytes: 8 },
            Param { name: "targets", offset: 8, bytes: 8 },
            Param { name: "weights", offset: 16, bytes: 8 },
            Param { name: "nll", offset: 24, bytes: 8 },
            Param { name: "correct", offset: 32, bytes: 8 },
            Param { name: "n_rows", offset: 40, bytes: 4 },
            Param { name: "cols", offset: 44, bytes: 4 },
            Param { name: "scale", offset: 48, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 52];
        block[0..8].copy_from_slice(&self.logits.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.targets.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.weights.to_le_bytes());
        block[24..32].copy_from_slice(&self.nll.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.correct.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.n_rows.to_le_bytes());
        block[44..48].copy_from_slice(&self.cols.to_le_bytes());
        block[48..52].copy_from_slice(&self.scale.to_le_bytes());
        block
    }
}

/// Arguments of `pf_cross_entropy_sums`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropySums {
    /// `nll`
    pub nll: Pointer,
    /// `correct`
    pub correct: Pointer,
    /// `sums`
    pub sums: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for CrossEntropySums {
    const ENTRY: Entry = Entry {
        name: "pf_cross_entropy_sums",
        module: &MODULES[21],
        threads: Some(256),
        params: &[
            Param { name: "nll", offset: 0, bytes: 8 },
            Param { name: "correct", offset: 8, bytes: 8 },
            Param { name: "sums", offset: 16, bytes: 8 },
            Param { name: "n", offset: 24, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 28];
        block[0..8].copy_from_slice(&self.nll.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.correct.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.sums.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_embed_tokens`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmbedTokens {
    /// `gene`
    pub gene: Pointer,
    /// `value`
    pub value: Pointer,
    /// `cls`
    pub cls: Pointer,
    /// `genes`
    pub genes: Pointer,
    /// `values`
    pub values: Pointer,
    /// `x`
    pub x: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `n_chunks`
    pub n_chunks: u32,
    /// `chunk_len`
    pub chunk_len: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for EmbedTokens {
    const ENTRY: Entry = Entry {
        name: "pf_embed_tokens",
        module: &MODULES[22],
        threads: Some(256),
        params: &[
            Param { name: "gene", offset: 0, bytes: 8 },
            Param { name: "value", offset: 8, bytes: 8 },
            Param { name: "cls", offset: 16, bytes: 8 },
            Param { name: "genes", offset: 24, bytes: 8 },
            Param { name: "values", offset: 32, bytes: 8 },
            Param { name: "x", offset: 40, bytes: 8 },
            Param { name: "n_rows", offset: 48, bytes: 4 },
            Param { name: "n_chunks", offset: 52, bytes: 4 },
            Param { name: "chunk_len", offset: 56, bytes: 4 },
            Param { name: "cols", offset: 60, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 64];
        block[0..8].copy_from_slice(&self.gene.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.value.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.cls.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.genes.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.values.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.x.0.to_le_bytes());
        block[48..52].copy_from_slice(&self.n_rows.to_le_bytes());
        block[52..56].copy_from_slice(&self.n_chunks.to_le_bytes());
        block[56..60].copy_from_slice(&self.chunk_len.to_le_bytes());
        block[60..64].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_gated_fusion_bwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GatedFusionBwd {
    /// `gate`
    pub gate: Pointer,
    /// `f`
    pub f: Pointer,
    /// `b`
    pub b: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for GatedFusionBwd {
    const ENTRY: Entry = Entry {
        name: "pf_gated_fusion_bwd",
        module: &MODULES[23],
        threads: Some(256),
        params: &[
            Param { name: "gate", offset: 0, bytes: 8 },
            Param { name: "f", offset: 8, bytes: 8 },
            Param { name: "b", offset: 16, bytes: 8 },
            Param { name: "dy", offset: 24, bytes: 8 },
            Param { name: "n", offset: 32, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 36];
        block[0..8].copy_from_slice(&self.gate.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.f.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.b.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.dy.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_gated_fusion_fwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GatedFusionFwd {
    /// `h`
    pub h: Pointer,
    /// `gate`
    pub gate: Pointer,
    /// `f`
    pub f: Pointer,
    /// `b`
    pub b: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for GatedFusionFwd {
    const ENTRY: Entry = Entry {
        name: "pf_gated_fusion_fwd",
        module: &MODULES[24],
        threads: Some(256),
        params: &[
            Param { name: "h", offset: 0, bytes: 8 },
            Param { name: "gate", offset: 8, bytes: 8 },
            Param { name: "f", offset: 16, bytes: 8 },
            Param { name: "b", offset: 24, bytes: 8 },
            Param { name: "y", offset: 32, bytes: 8 },
            Param { name: "n", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.h.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.gate.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.f.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.b.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.y.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_gather_rows_bf16`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GatherRowsBf16 {
    /// `x`
    pub x: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for GatherRowsBf16 {
    const ENTRY: Entry = Entry {
        name: "pf_gather_rows_bf16",
        module: &MODULES[25],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "rows", offset: 8, bytes: 8 },
            Param { name: "y", offset: 16, bytes: 8 },
            Param { name: "n_rows", offset: 24, bytes: 4 },
            Param { name: "cols", offset: 28, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 32];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.rows.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.y.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.n_rows.to_le_bytes());
        block[28..32].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_gather_rows_f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GatherRowsF32 {
    /// `x`
    pub x: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for GatherRowsF32 {
    const ENTRY: Entry = Entry {
        name: "pf_gather_rows_f32",
        module: &MODULES[26],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "rows", offset: 8, bytes: 8 },
            Param { name: "y", offset: 16, bytes: 8 },
            Param { name: "n_rows", offset: 24, bytes: 4 },
            Param { name: "cols", offset: 28, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 32];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.rows.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.y.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.n_rows.to_le_bytes());
        block[28..32].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_gelu_bwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeluBwd {
    /// `x`
    pub x: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for GeluBwd {
    const ENTRY: Entry = Entry {
        name: "pf_gelu_bwd",
        module: &MODULES[27],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "dy", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 20];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.dy.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_gelu_fwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeluFwd {
    /// `x`
    pub x: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for GeluFwd {
    const ENTRY: Entry = Entry {
        name: "pf_gelu_fwd",
        module: &MODULES[28],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "y", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 20];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.y.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_gene_scores`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneScores {
    /// `states`
    pub states: Pointer,
    /// `global`
    pub global: Pointer,
    /// `scores`
    pub scores: Pointer,
    /// `n_tokens`
    pub n_tokens: u32,
    /// `cols`
    pub cols: u32,
    /// `n_chunks`
    pub n_chunks: u32,
    /// `chunk_len`
    pub chunk_len: u32,
}

impl Arguments for GeneScores {
    const ENTRY: Entry = Entry {
        name: "pf_gene_scores",
        module: &MODULES[29],
        threads: Some(256),
        params: &[
            Param { name: "states", offset: 0, bytes: 8 },
            Param { name: "global", offset: 8, bytes: 8 },
            Param { name: "scores", offset: 16, bytes: 8 },
            Param { name: "n_tokens", offset: 24, bytes: 4 },
            Param { name: "cols", offset: 28, bytes: 4 },
            Param { name: "n_chunks", offset: 32, bytes: 4 },
            Param { name: "chunk_len", offset: 36, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 40];
        block[0..8].copy_from_slice(&self.states.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.global.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.scores.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.n_tokens.to_le_bytes());
        block[28..32].copy_from_slice(&self.cols.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_chunks.to_le_bytes());
        block[36..40].copy_from_slice(&self.chunk_len.to_le_bytes());
        block
    }
}

/// Arguments of `pf_layer_norm_bwd_v1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNormBwdV1 {
    /// `x`
    pub x: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `w`
    pub w: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `dx`
    pub dx: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for LayerNormBwdV1 {
    const ENTRY: Entry = Entry {
        name: "pf_layer_norm_bwd_v1",
        module: &MODULES[30],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "stats", offset: 8, bytes: 8 },
            Param { name: "w", offset: 16, bytes: 8 },
            Param { name: "dy", offset: 24, bytes: 8 },
            Param { name: "dx", offset: 32, bytes: 8 },
            Param { name: "parts", offset: 40, bytes: 8 },
            Param { name: "n_rows", offset: 48, bytes: 4 },
            Param { name: "cols", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.stats.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.w.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.dy.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dx.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.parts.0.to_le_bytes());
        block[48..52].copy_from_slice(&self.n_rows.to_le_bytes());
        block[52..56].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_layer_norm_bwd_v2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNormBwdV2 {
    /// `x`
    pub x: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `w`
    pub w: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `dx`
    pub dx: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for LayerNormBwdV2 {
    const ENTRY: Entry = Entry {
        name: "pf_layer_norm_bwd_v2",
        module: &MODULES[31],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "stats", offset: 8, bytes: 8 },
            Param { name: "w", offset: 16, bytes: 8 },
            Param { name: "dy", offset: 24, bytes: 8 },
            Param { name: "dx", offset: 32, bytes: 8 },
            Param { name: "parts", offset: 40, bytes: 8 },
            Param { name: "n_rows", offset: 48, bytes: 4 },
            Param { name: "cols", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.stats.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.w.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.dy.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dx.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.parts.0.to_le_bytes());
        block[48..52].copy_from_slice(&self.n_rows.to_le_bytes());
        block[52..56].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_layer_norm_bwd_v4`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNormBwdV4 {
    /// `x`
    pub x: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `w`
    pub w: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `dx`
    pub dx: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for LayerNormBwdV4 {
    const ENTRY: Entry = Entry {
        name: "pf_layer_norm_bwd_v4",
        module: &MODULES[32],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "stats", offset: 8, bytes: 8 },
            Param { name: "w", offset: 16, bytes: 8 },
            Param { name: "dy", offset: 24, bytes: 8 },
            Param { name: "dx", offset: 32, bytes: 8 },
            Param { name: "parts", offset: 40, bytes: 8 },
            Param { name: "n_rows", offset: 48, bytes: 4 },
            Param { name: "cols", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.stats.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.w.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.dy.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dx.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.parts.0.to_le_bytes());
        block[48..52].copy_from_slice(&self.n_rows.to_le_bytes());
        block[52..56].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_layer_norm_fwd_v1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNormFwdV1 {
    /// `x`
    pub x: Pointer,
    /// `w`
    pub w: Pointer,
    /// `b`
    pub b: Pointer,
    /// `y`
    pub y: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
    /// `eps`
    pub eps: f32,
}

impl Arguments for LayerNormFwdV1 {
    const ENTRY: Entry = Entry {
        name: "pf_layer_norm_fwd_v1",
        module: &MODULES[33],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "w", offset: 8, bytes: 8 },
            Param { name: "b", offset: 16, bytes: 8 },
            Param { name: "y", offset: 24, bytes: 8 },
            Param { name: "stats", offset: 32, bytes: 8 },
            Param { name: "n_rows", offset: 40, bytes: 4 },
            Param { name: "cols", offset: 44, bytes: 4 },
            Param { name: "eps", offset: 48, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 52];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.w.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.b.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.y.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.stats.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.n_rows.to_le_bytes());
        block[44..48].copy_from_slice(&self.cols.to_le_bytes());
        block[48..52].copy_from_slice(&self.eps.to_le_bytes());
        block
    }
}

/// Arguments of `pf_layer_norm_fwd_v2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNormFwdV2 {
    /// `x`
    pub x: Pointer,
    /// `w`
    pub w: Pointer,
    /// `b`
    pub b: Pointer,
    /// `y`
    pub y: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
    /// `eps`
    pub eps: f32,
}

impl Arguments for LayerNormFwdV2 {
    const ENTRY: Entry = Entry {
        name: "pf_layer_norm_fwd_v2",
        module: &MODULES[34],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "w", offset: 8, bytes: 8 },
            Param { name: "b", offset: 16, bytes: 8 },
            Param { name: "y", offset: 24, bytes: 8 },
            Param { name: "stats", offset: 32, bytes: 8 },
            Param { name: "n_rows", offset: 40, bytes: 4 },
            Param { name: "cols", offset: 44, bytes: 4 },
            Param { name: "eps", offset: 48, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 52];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.w.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.b.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.y.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.stats.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.n_rows.to_le_bytes());
        block[44..48].copy_from_slice(&self.cols.to_le_bytes());
        block[48..52].copy_from_slice(&self.eps.to_le_bytes());
        block
    }
}

/// Arguments of `pf_layer_norm_fwd_v4`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNormFwdV4 {
    /// `x`
    pub x: Pointer,
    /// `w`
    pub w: Pointer,
    /// `b`
    pub b: Pointer,
    /// `y`
    pub y: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
    /// `eps`
    pub eps: f32,
}

impl Arguments for LayerNormFwdV4 {
    const ENTRY: Entry = Entry {
        name: "pf_layer_norm_fwd_v4",
        module: &MODULES[35],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "w", offset: 8, bytes: 8 },
            Param { name: "b", offset: 16, bytes: 8 },
            Param { name: "y", offset: 24, bytes: 8 },
            Param { name: "stats", offset: 32, bytes: 8 },
            Param { name: "n_rows", offset: 40, bytes: 4 },
            Param { name: "cols", offset: 44, bytes: 4 },
            Param { name: "eps", offset: 48, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 52];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.w.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.b.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.y.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.stats.0.to_le_bytes());
        block[40..44].copy_from_slice(&self.n_rows.to_le_bytes());
        block[44..48].copy_from_slice(&self.cols.to_le_bytes());
        block[48..52].copy_from_slice(&self.eps.to_le_bytes());
        block
    }
}

/// Arguments of `pf_mean_pool_bwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanPoolBwd {
    /// `dy`
    pub dy: Pointer,
    /// `n_valid`
    pub n_valid: Pointer,
    /// `dx`
    pub dx: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `len`
    pub len: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for MeanPoolBwd {
    const ENTRY: Entry = Entry {
        name: "pf_mean_pool_bwd",
        module: &MODULES[36],
        threads: Some(256),
        params: &[
            Param { name: "dy", offset: 0, bytes: 8 },
            Param { name: "n_valid", offset: 8, bytes: 8 },
            Param { name: "dx", offset: 16, bytes: 8 },
            Param { name: "n_rows", offset: 24, bytes: 4 },
            Param { name: "len", offset: 28, bytes: 4 },
            Param { name: "cols", offset: 32, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 36];
        block[0..8].copy_from_slice(&self.dy.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.n_valid.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.dx.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.n_rows.to_le_bytes());
        block[28..32].copy_from_slice(&self.len.to_le_bytes());
        block[32..36].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_mean_pool_fwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanPoolFwd {
    /// `x`
    pub x: Pointer,
    /// `n_valid`
    pub n_valid: Pointer,
    /// `y`
    pub y: Pointer,
    /// `len`
    pub len: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for MeanPoolFwd {
    const ENTRY: Entry = Entry {
        name: "pf_mean_pool_fwd",
        module: &MODULES[37],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "n_valid", offset: 8, bytes: 8 },
            Param { name: "y", offset: 16, bytes: 8 },
            Param { name: "len", offset: 24, bytes: 4 },
            Param { name: "cols", offset: 28, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 32];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.n_valid.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.y.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.len.to_le_bytes());
        block[28..32].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_philox`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Philox {
    /// `words`
    pub words: Pointer,
    /// `seed`
    pub seed: u64,
    /// `stream`
    pub stream: u64,
    /// `purpose`
    pub purpose: u32,
    /// `first`
    pub first: u32,
    /// `n`
    pub n: u32,
}

impl Arguments for Philox {
    const ENTRY: Entry = Entry {
        name: "pf_philox",
        module: &MODULES[38],
        threads: Some(256),
        params: &[
            Param { name: "words", offset: 0, bytes: 8 },
            Param { name: "seed", offset: 8, bytes: 8 },
            Param { name: "stream", offset: 16, bytes: 8 },
            Param { name: "purpose", offset: 24, bytes: 4 },
            Param { name: "first", offset: 28, bytes: 4 },
            Param { name: "n", offset: 32, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 36];
        block[0..8].copy_from_slice(&self.words.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.seed.to_le_bytes());
        block[16..24].copy_from_slice(&self.stream.to_le_bytes());
        block[24..28].copy_from_slice(&self.purpose.to_le_bytes());
        block[28..32].copy_from_slice(&self.first.to_le_bytes());
        block[32..36].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_regroup_bf16`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegroupBf16 {
    /// `x`
    pub x: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n`
    pub n: u32,
    /// `n_groups`
    pub n_groups: u32,
    /// `x_width`
    pub x_width: u32,
    /// `y_width`
    pub y_width: u32,
    /// `x_stride`
    pub x_stride: u32,
    /// `y_stride`
    pub y_stride: u32,
}

impl Arguments for RegroupBf16 {
    const ENTRY: Entry = Entry {
        name: "pf_regroup_bf16",
        module: &MODULES[39],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "y", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
            Param { name: "n_groups", offset: 20, bytes: 4 },
            Param { name: "x_width", offset: 24, bytes: 4 },
            Param { name: "y_width", offset: 28, bytes: 4 },
            Param { name: "x_stride", offset: 32, bytes: 4 },
            Param { name: "y_stride", offset: 36, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 40];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.y.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block[20..24].copy_from_slice(&self.n_groups.to_le_bytes());
        block[24..28].copy_from_slice(&self.x_width.to_le_bytes());
        block[28..32].copy_from_slice(&self.y_width.to_le_bytes());
        block[32..36].copy_from_slice(&self.x_stride.to_le_bytes());
        block[36..40].copy_from_slice(&self.y_stride.to_le_bytes());
        block
    }
}

/// Arguments of `pf_regroup_f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegroupF32 {
    /// `x`
    pub x: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n`
    pub n: u32,
    /// `n_groups`
    pub n_groups: u32,
    /// `x_width`
    pub x_width: u32,
    /// `y_width`
    pub y_width: u32,
    /// `x_stride`
    pub x_stride: u32,
    /// `y_stride`
    pub y_stride: u32,
}

impl Arguments for RegroupF32 {
    const ENTRY: Entry = Entry {
        name: "pf_regroup_f32",
        module: &MODULES[40],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "y", offset: 8, bytes: 8 },
            Param { name: "n", offset: 16, bytes: 4 },
            Param { name: "n_groups", offset: 20, bytes: 4 },
            Param { name: "x_width", offset: 24, bytes: 4 },
            Param { name: "y_width", offset: 28, bytes: 4 },
            Param { name: "x_stride", offset: 32, bytes: 4 },
            Param { name: "y_stride", offset: 36, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 40];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.y.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n.to_le_bytes());
        block[20..24].copy_from_slice(&self.n_groups.to_le_bytes());
        block[24..28].copy_from_slice(&self.x_width.to_le_bytes());
        block[28..32].copy_from_slice(&self.y_width.to_le_bytes());
        block[32..36].copy_from_slice(&self.x_stride.to_le_bytes());
        block[36..40].copy_from_slice(&self.y_stride.to_le_bytes());
        block
    }
}

/// Arguments of `pf_rms_norm_bwd_v1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNormBwdV1 {
    /// `x`
    pub x: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `w`
    pub w: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `dx`
    pub dx: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for RmsNormBwdV1 {
    const ENTRY: Entry = Entry {
        name: "pf_rms_norm_bwd_v1",
        module: &MODULES[41],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "stats", offset: 8, bytes: 8 },
            Param { name: "w", offset: 16, bytes: 8 },
            Param { name: "dy", offset: 24, bytes: 8 },
            Param { name: "dx", offset: 32, bytes: 8 },
            Param { name: "parts", offset: 40, bytes: 8 },
            Param { name: "n_rows", offset: 48, bytes: 4 },
            Param { name: "cols", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.stats.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.w.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.dy.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dx.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.parts.0.to_le_bytes());
        block[48..52].copy_from_slice(&self.n_rows.to_le_bytes());
        block[52..56].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_rms_norm_bwd_v2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNormBwdV2 {
    /// `x`
    pub x: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `w`
    pub w: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `dx`
    pub dx: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for RmsNormBwdV2 {
    const ENTRY: Entry = Entry {
        name: "pf_rms_norm_bwd_v2",
        module: &MODULES[42],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "stats", offset: 8, bytes: 8 },
            Param { name: "w", offset: 16, bytes: 8 },
            Param { name: "dy", offset: 24, bytes: 8 },
            Param { name: "dx", offset: 32, bytes: 8 },
            Param { name: "parts", offset: 40, bytes: 8 },
            Param { name: "n_rows", offset: 48, bytes: 4 },
            Param { name: "cols", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.stats.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.w.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.dy.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dx.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.parts.0.to_le_bytes());
        block[48..52].copy_from_slice(&self.n_rows.to_le_bytes());
        block[52..56].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_rms_norm_bwd_v4`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNormBwdV4 {
    /// `x`
    pub x: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `w`
    pub w: Pointer,
    /// `dy`
    pub dy: Pointer,
    /// `dx`
    pub dx: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for RmsNormBwdV4 {
    const ENTRY: Entry = Entry {
        name: "pf_rms_norm_bwd_v4",
        module: &MODULES[43],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "stats", offset: 8, bytes: 8 },
            Param { name: "w", offset: 16, bytes: 8 },
            Param { name: "dy", offset: 24, bytes: 8 },
            Param { name: "dx", offset: 32, bytes: 8 },
            Param { name: "parts", offset: 40, bytes: 8 },
            Param { name: "n_rows", offset: 48, bytes: 4 },
            Param { name: "cols", offset: 52, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 56];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.stats.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.w.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.dy.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dx.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.parts.0.to_le_bytes());
        block[48..52].copy_from_slice(&self.n_rows.to_le_bytes());
        block[52..56].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_rms_norm_fwd_v1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNormFwdV1 {
    /// `x`
    pub x: Pointer,
    /// `w`
    pub w: Pointer,
    /// `y`
    pub y: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
    /// `eps`
    pub eps: f32,
}

impl Arguments for RmsNormFwdV1 {
    const ENTRY: Entry = Entry {
        name: "pf_rms_norm_fwd_v1",
        module: &MODULES[44],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "w", offset: 8, bytes: 8 },
            Param { name: "y", offset: 16, bytes: 8 },
            Param { name: "stats", offset: 24, bytes: 8 },
            Param { name: "n_rows", offset: 32, bytes: 4 },
            Param { name: "cols", offset: 36, bytes: 4 },
            Param { name: "eps", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.w.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.y.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.stats.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_rows.to_le_bytes());
        block[36..40].copy_from_slice(&self.cols.to_le_bytes());
        block[40..44].copy_from_slice(&self.eps.to_le_bytes());
        block
    }
}

/// Arguments of `pf_rms_norm_fwd_v2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNormFwdV2 {
    /// `x`
    pub x: Pointer,
    /// `w`
    pub w: Pointer,
    /// `y`
    pub y: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
    /// `eps`
    pub eps: f32,
}

impl Arguments for RmsNormFwdV2 {
    const ENTRY: Entry = Entry {
        name: "pf_rms_norm_fwd_v2",
        module: &MODULES[45],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "w", offset: 8, bytes: 8 },
            Param { name: "y", offset: 16, bytes: 8 },
            Param { name: "stats", offset: 24, bytes: 8 },
            Param { name: "n_rows", offset: 32, bytes: 4 },
            Param { name: "cols", offset: 36, bytes: 4 },
            Param { name: "eps", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.w.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.y.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.stats.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_rows.to_le_bytes());
        block[36..40].copy_from_slice(&self.cols.to_le_bytes());
        block[40..44].copy_from_slice(&self.eps.to_le_bytes());
        block
    }
}

/// Arguments of `pf_rms_norm_fwd_v4`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNormFwdV4 {
    /// `x`
    pub x: Pointer,
    /// `w`
    pub w: Pointer,
    /// `y`
    pub y: Pointer,
    /// `stats`
    pub stats: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
    /// `eps`
    pub eps: f32,
}

impl Arguments for RmsNormFwdV4 {
    const ENTRY: Entry = Entry {
        name: "pf_rms_norm_fwd_v4",
        module: &MODULES[46],
        threads: Some(256),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "w", offset: 8, bytes: 8 },
            Param { name: "y", offset: 16, bytes: 8 },
            Param { name: "stats", offset: 24, bytes: 8 },
            Param { name: "n_rows", offset: 32, bytes: 4 },
            Param { name: "cols", offset: 36, bytes: 4 },
            Param { name: "eps", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.w.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.y.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.stats.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_rows.to_le_bytes());
        block[36..40].copy_from_slice(&self.cols.to_le_bytes());
        block[40..44].copy_from_slice(&self.eps.to_le_bytes());
        block
    }
}

/// Arguments of `pf_scatter_rows_add`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScatterRowsAdd {
    /// `y`
    pub y: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `x`
    pub x: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for ScatterRowsAdd {
    const ENTRY: Entry = Entry {
        name: "pf_scatter_rows_add",
        module: &MODULES[47],
        threads: Some(256),
        params: &[
            Param { name: "y", offset: 0, bytes: 8 },
            Param { name: "rows", offset: 8, bytes: 8 },
            Param { name: "x", offset: 16, bytes: 8 },
            Param { name: "n_rows", offset: 24, bytes: 4 },
            Param { name: "cols", offset: 28, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 32];
        block[0..8].copy_from_slice(&self.y.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.rows.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.x.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.n_rows.to_le_bytes());
        block[28..32].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_segment_add_bf16`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentAddBf16 {
    /// `parts`
    pub parts: Pointer,
    /// `starts`
    pub starts: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `x`
    pub x: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for SegmentAddBf16 {
    const ENTRY: Entry = Entry {
        name: "pf_segment_add_bf16",
        module: &MODULES[48],
        threads: Some(256),
        params: &[
            Param { name: "parts", offset: 0, bytes: 8 },
            Param { name: "starts", offset: 8, bytes: 8 },
            Param { name: "rows", offset: 16, bytes: 8 },
            Param { name: "x", offset: 24, bytes: 8 },
            Param { name: "n_rows", offset: 32, bytes: 4 },
            Param { name: "cols", offset: 36, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 40];
        block[0..8].copy_from_slice(&self.parts.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.starts.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.rows.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.x.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_rows.to_le_bytes());
        block[36..40].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_segment_add_f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentAddF32 {
    /// `parts`
    pub parts: Pointer,
    /// `starts`
    pub starts: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `x`
    pub x: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for SegmentAddF32 {
    const ENTRY: Entry = Entry {
        name: "pf_segment_add_f32",
        module: &MODULES[49],
        threads: Some(256),
        params: &[
            Param { name: "parts", offset: 0, bytes: 8 },
            Param { name: "starts", offset: 8, bytes: 8 },
            Param { name: "rows", offset: 16, bytes: 8 },
            Param { name: "x", offset: 24, bytes: 8 },
            Param { name: "n_rows", offset: 32, bytes: 4 },
            Param { name: "cols", offset: 36, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 40];
        block[0..8].copy_from_slice(&self.parts.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.starts.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.rows.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.x.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_rows.to_le_bytes());
        block[36..40].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_segment_sums`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentSums {
    /// `y`
    pub y: Pointer,
    /// `order`
    pub order: Pointer,
    /// `starts`
    pub starts: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `cols`
    pub cols: u32,
}

impl Arguments for SegmentSums {
    const ENTRY: Entry = Entry {
        name: "pf_segment_sums",
        module: &MODULES[50],
        threads: Some(256),
        params: &[
            Param { name: "y", offset: 0, bytes: 8 },
            Param { name: "order", offset: 8, bytes: 8 },
            Param { name: "starts", offset: 16, bytes: 8 },
            Param { name: "parts", offset: 24, bytes: 8 },
            Param { name: "n_rows", offset: 32, bytes: 4 },
            Param { name: "cols", offset: 36, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 40];
        block[0..8].copy_from_slice(&self.y.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.order.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.starts.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.parts.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_rows.to_le_bytes());
        block[36..40].copy_from_slice(&self.cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_select`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Select {
    /// `of`
    pub of: Pointer,
    /// `which`
    pub which: Pointer,
    /// `y`
    pub y: Pointer,
    /// `n`
    pub n: u32,
}

impl Arguments for Select {
    const ENTRY: Entry = Entry {
        name: "pf_select",
        module: &MODULES[51],
        threads: Some(256),
        params: &[
            Param { name: "of", offset: 0, bytes: 8 },
            Param { name: "which", offset: 8, bytes: 8 },
            Param { name: "y", offset: 16, bytes: 8 },
            Param { name: "n", offset: 24, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 28];
        block[0..8].copy_from_slice(&self.of.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.which.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.y.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.n.to_le_bytes());
        block
    }
}

/// Arguments of `pf_selective_scan_bwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectiveScanBwd {
    /// `x`
    pub x: Pointer,
    /// `dt_raw`
    pub dt_raw: Pointer,
    /// `bc`
    pub bc: Pointer,
    /// `xz`
    pub xz: Pointer,
    /// `dt_bias`
    pub dt_bias: Pointer,
    /// `a_log`
    pub a_log: Pointer,
    /// `d`
    pub d: Pointer,
    /// `n_valid`
    pub n_valid: Pointer,
    /// `states`
    pub states: Pointer,
    /// `d_out`
    pub d_out: Pointer,
    /// `dx`
    pub dx: Pointer,
    /// `d_dt`
    pub d_dt: Pointer,
    /// `dxz`
    pub dxz: Pointer,
    /// `bc_parts`
    pub bc_parts: Pointer,
    /// `parameter_parts`
    pub parameter_parts: Pointer,
    /// `len`
    pub len: u32,
    /// `n_channels`
    pub n_channels: u32,
    /// `bc_cols`
    pub bc_cols: u32,
    /// `reverse`
    pub reverse: u32,
}

impl Arguments for SelectiveScanBwd {
    const ENTRY: Entry = Entry {
        name: "pf_selective_scan_bwd",
        module: &MODULES[52],
        threads: Some(128),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "dt_raw", offset: 8, bytes: 8 },
            Param { name: "bc", offset: 16, bytes: 8 },
            Param { name: "xz", offset: 24, bytes: 8 },
            Param { name: "dt_bias", offset: 32, bytes: 8 },
            Param { name: "a_log", offset: 40, bytes: 8 },
            Param { name: "d", offset: 48, bytes: 8 },
            Param { name: "n_valid", offset: 56, bytes: 8 },
            Param { name: "states", offset: 64, bytes: 8 },
            Param { name: "d_out", offset: 72, bytes: 8 },
            Param { name: "dx", offset: 80, bytes: 8 },
            Param { name: "d_dt", offset: 88, bytes: 8 },
            Param { name: "dxz", offset: 96, bytes: 8 },
            Param { name: "bc_parts", offset: 104, bytes: 8 },
            Param { name: "parameter_parts", offset: 112, bytes: 8 },
            Param { name: "len", offset: 120, bytes: 4 },
            Param { name: "n_channels", offset: 124, bytes: 4 },
            Param { name: "bc_cols", offset: 128, bytes: 4 },
            Param { name: "reverse", offset: 132, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 136];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.dt_raw.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.bc.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.xz.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dt_bias.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.a_log.0.to_le_bytes());
        block[48..56].copy_from_slice(&self.d.0.to_le_bytes());
        block[56..64].copy_from_slice(&self.n_valid.0.to_le_bytes());
        block[64..72].copy_from_slice(&self.states.0.to_le_bytes());
        block[72..80].copy_from_slice(&self.d_out.0.to_le_bytes());
        block[80..88].copy_from_slice(&self.dx.0.to_le_bytes());
        block[88..96].copy_from_slice(&self.d_dt.0.to_le_bytes());
        block[96..104].copy_from_slice(&self.dxz.0.to_le_bytes());
        block[104..112].copy_from_slice(&self.bc_parts.0.to_le_bytes());
        block[112..120].copy_from_slice(&self.parameter_parts.0.to_le_bytes());
        block[120..124].copy_from_slice(&self.len.to_le_bytes());
        block[124..128].copy_from_slice(&self.n_channels.to_le_bytes());
        block[128..132].copy_from_slice(&self.bc_cols.to_le_bytes());
        block[132..136].copy_from_slice(&self.reverse.to_le_bytes());
        block
    }
}

/// Arguments of `pf_selective_scan_bwd_bc`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectiveScanBwdBc {
    /// `bc_parts`
    pub bc_parts: Pointer,
    /// `n_valid`
    pub n_valid: Pointer,
    /// `d_bc`
    pub d_bc: Pointer,
    /// `n_rows`
    pub n_rows: u32,
    /// `len`
    pub len: u32,
    /// `n_parts`
    pub n_parts: u32,
    /// `bc_cols`
    pub bc_cols: u32,
}

impl Arguments for SelectiveScanBwdBc {
    const ENTRY: Entry = Entry {
        name: "pf_selective_scan_bwd_bc",
        module: &MODULES[53],
        threads: Some(128),
        params: &[
            Param { name: "bc_parts", offset: 0, bytes: 8 },
            Param { name: "n_valid", offset: 8, bytes: 8 },
            Param { name: "d_bc", offset: 16, bytes: 8 },
            Param { name: "n_rows", offset: 24, bytes: 4 },
            Param { name: "len", offset: 28, bytes: 4 },
            Param { name: "n_parts", offset: 32, bytes: 4 },
            Param { name: "bc_cols", offset: 36, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 40];
        block[0..8].copy_from_slice(&self.bc_parts.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.n_valid.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.d_bc.0.to_le_bytes());
        block[24..28].copy_from_slice(&self.n_rows.to_le_bytes());
        block[28..32].copy_from_slice(&self.len.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_parts.to_le_bytes());
        block[36..40].copy_from_slice(&self.bc_cols.to_le_bytes());
        block
    }
}

/// Arguments of `pf_selective_scan_bwd_parameters`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectiveScanBwdParameters {
    /// `parameter_parts`
    pub parameter_parts: Pointer,
    /// `d_a_log`
    pub d_a_log: Pointer,
    /// `d_d`
    pub d_d: Pointer,
    /// `d_dt_bias`
    pub d_dt_bias: Pointer,
    /// `n_sequences`
    pub n_sequences: u32,
    /// `n_channels`
    pub n_channels: u32,
}

impl Arguments for SelectiveScanBwdParameters {
    const ENTRY: Entry = Entry {
        name: "pf_selective_scan_bwd_parameters",
        module: &MODULES[54],
        threads: Some(128),
        params: &[
            Param { name: "parameter_parts", offset: 0, bytes: 8 },
            Param { name: "d_a_log", offset: 8, bytes: 8 },
            Param { name: "d_d", offset: 16, bytes: 8 },
            Param { name: "d_dt_bias", offset: 24, bytes: 8 },
            Param { name: "n_sequences", offset: 32, bytes: 4 },
            Param { name: "n_channels", offset: 36, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 40];
        block[0..8].copy_from_slice(&self.parameter_parts.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.d_a_log.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.d_d.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.d_dt_bias.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.n_sequences.to_le_bytes());
        block[36..40].copy_from_slice(&self.n_channels.to_le_bytes());
        block
    }
}

/// Arguments of `pf_selective_scan_fwd`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectiveScanFwd {
    /// `x`
    pub x: Pointer,
    /// `dt_raw`
    pub dt_raw: Pointer,
    /// `bc`
    pub bc: Pointer,
    /// `xz`
    pub xz: Pointer,
    /// `dt_bias`
    pub dt_bias: Pointer,
    /// `a_log`
    pub a_log: Pointer,
    /// `d`
    pub d: Pointer,
    /// `n_valid`
    pub n_valid: Pointer,
    /// `out`
    pub out: Pointer,
    /// `states`
    pub states: Pointer,
    /// `len`
    pub len: u32,
    /// `n_channels`
    pub n_channels: u32,
    /// `bc_cols`
    pub bc_cols: u32,
    /// `reverse`
    pub reverse: u32,
}

impl Arguments for SelectiveScanFwd {
    const ENTRY: Entry = Entry {
        name: "pf_selective_scan_fwd",
        module: &MODULES[55],
        threads: Some(64),
        params: &[
            Param { name: "x", offset: 0, bytes: 8 },
            Param { name: "dt_raw", offset: 8, bytes: 8 },
            Param { name: "bc", offset: 16, bytes: 8 },
            Param { name: "xz", offset: 24, bytes: 8 },
            Param { name: "dt_bias", offset: 32, bytes: 8 },
            Param { name: "a_log", offset: 40, bytes: 8 },
            Param { name: "d", offset: 48, bytes: 8 },
            Param { name: "n_valid", offset: 56, bytes: 8 },
            Param { name: "out", offset: 64, bytes: 8 },
            Param { name: "states", offset: 72, bytes: 8 },
            Param { name: "len", offset: 80, bytes: 4 },
            Param { name: "n_channels", offset: 84, bytes: 4 },
            Param { name: "bc_cols", offset: 88, bytes: 4 },
            Param { name: "reverse", offset: 92, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 96];
        block[0..8].copy_from_slice(&self.x.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.dt_raw.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.bc.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.xz.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.dt_bias.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.a_log.0.to_le_bytes());
        block[48..56].copy_from_slice(&self.d.0.to_le_bytes());
        block[56..64].copy_from_slice(&self.n_valid.0.to_le_bytes());
        block[64..72].copy_from_slice(&self.out.0.to_le_bytes());
        block[72..80].copy_from_slice(&self.states.0.to_le_bytes());
        block[80..84].copy_from_slice(&self.len.to_le_bytes());
        block[84..88].copy_from_slice(&self.n_channels.to_le_bytes());
        block[88..92].copy_from_slice(&self.bc_cols.to_le_bytes());
        block[92..96].copy_from_slice(&self.reverse.to_le_bytes());
        block
    }
}

/// Arguments of `pf_set_zero`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SetZero {
    /// `tensors`
    pub tensors: Pointer,
    /// `n_tensors`
    pub n_tensors: u32,
}

impl Arguments for SetZero {
    const ENTRY: Entry = Entry {
        name: "pf_set_zero",
        module: &MODULES[56],
        threads: Some(256),
        params: &[
            Param { name: "tensors", offset: 0, bytes: 8 },
            Param { name: "n_tensors", offset: 8, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 12];
        block[0..8].copy_from_slice(&self.tensors.0.to_le_bytes());
        block[8..12].copy_from_slice(&self.n_tensors.to_le_bytes());
        block
    }
}

/// Arguments of `pf_sort_genes`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SortGenes {
    /// `scores`
    pub scores: Pointer,
    /// `genes`
    pub genes: Pointer,
    /// `rows`
    pub rows: Pointer,
    /// `places`
    pub places: Pointer,
    /// `seq_len`
    pub seq_len: u32,
    /// `chunk_len`
    pub chunk_len: u32,
    /// `n_keys`
    pub n_keys: u32,
}

impl Arguments for SortGenes {
    const ENTRY: Entry = Entry {
        name: "pf_sort_genes",
        module: &MODULES[57],
        threads: Some(1024),
        params: &[
            Param { name: "scores", offset: 0, bytes: 8 },
            Param { name: "genes", offset: 8, bytes: 8 },
            Param { name: "rows", offset: 16, bytes: 8 },
            Param { name: "places", offset: 24, bytes: 8 },
            Param { name: "seq_len", offset: 32, bytes: 4 },
            Param { name: "chunk_len", offset: 36, bytes: 4 },
            Param { name: "n_keys", offset: 40, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 44];
        block[0..8].copy_from_slice(&self.scores.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.genes.0.to_le_bytes());
        block[16..24].copy_from_slice(&self.rows.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.places.0.to_le_bytes());
        block[32..36].copy_from_slice(&self.seq_len.to_le_bytes());
        block[36..40].copy_from_slice(&self.chunk_len.to_le_bytes());
        block[40..44].copy_from_slice(&self.n_keys.to_le_bytes());
        block
    }
}

/// Arguments of `pf_sum_of_squares`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SumOfSquares {
    /// `tensors`
    pub tensors: Pointer,
    /// `parts`
    pub parts: Pointer,
    /// `n_tensors`
    pub n_tensors: u32,
}

impl Arguments for SumOfSquares {
    const ENTRY: Entry = Entry {
        name: "pf_sum_of_squares",
        module: &MODULES[58],
        threads: Some(256),
        params: &[
            Param { name: "tensors", offset: 0, bytes: 8 },
            Param { name: "parts", offset: 8, bytes: 8 },
            Param { name: "n_tensors", offset: 16, bytes: 4 },
        ],
    };

    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0; 20];
        block[0..8].copy_from_slice(&self.tensors.0.to_le_bytes());
        block[8..16].copy_from_slice(&self.parts.0.to_le_bytes());
        block[16..20].copy_from_slice(&self.n_tensors.to_le_bytes());
        block
    }
}
