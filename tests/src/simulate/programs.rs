//! Regulators and the genes they are known for, by program: names that any immunologist or pathologist would give.

/// A set of regulators that act together, and the marker genes among their targets.
pub struct Program {
    /// What it makes of a cell.
    pub name: &'static str,
    /// Transcription factors, upstream first.
    pub regulators: &'static [&'static str],
    /// Genes the program is known by.
    pub markers: &'static [&'static str],
}

/// Programs in a fixed order; `programs::index` finds one by name.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "T cell",
        regulators: &["TCF7", "LEF1", "BCL11B", "RUNX3", "GATA3"],
        markers: &[
            "CD3D", "CD3E", "CD3G", "CD2", "TRAC", "IL7R", "CD27", "CD28", "ICOS", "CTLA4", "CD5", "LCK",
            "ITK", "CD8A", "CD4",
        ],
    },
    Program {
        name: "NK cell",
        regulators: &["TBX21", "EOMES", "ID2", "ZNF683"],
        markers: &[
            "NKG7", "GNLY", "KLRD1", "KLRF1", "PRF1", "GZMB", "GZMA", "FGFBP2", "CTSW", "XCL1", "KLRB1",
            "NCAM1",
        ],
    },
    Program {
        name: "B cell",
        regulators: &["PAX5", "EBF1", "SPIB", "BCL11A", "POU2AF1"],
        markers: &[
            "CD79A",
            "CD79B",
            "MS4A1",
            "CD19",
            "CD22",
            "BLK",
            "BANK1",
            "VPREB3",
            "FCRL1",
            "TNFRSF13C",
            "CD72",
            "FCER2",
        ],
    },
    Program {
        name: "myeloid",
        regulators: &["SPI1", "CEBPA", "CEBPB", "MAFB", "IRF8"],
        markers: &[
            "LYZ", "CD68", "CD14", "FCGR3A", "C1QA", "C1QB", "C1QC", "AIF1", "TYROBP", "FCER1G", "CD163",
            "MS4A7", "APOE", "CTSS", "S100A8", "S100A9", "MARCO",
        ],
    },
    Program {
        name: "fibroblast",
        regulators: &["PRRX1", "TWIST1", "TWIST2", "TCF21", "MEOX1"],
        markers: &[
            "COL1A1", "COL1A2", "COL3A1", "DCN", "LUM", "FAP", "PDGFRA", "PDGFRB", "COL6A3", "POSTN", "THY1",
            "ACTA2", "TAGLN", "BGN", "SPARC",
        ],
    },
    Program {
        name: "endothelial",
        regulators: &["ERG", "FLI1", "SOX17", "SOX18", "TAL1"],
        markers: &[
            "PECAM1", "VWF", "CDH5", "CLDN5", "KDR", "FLT1", "ENG", "EMCN", "PLVAP", "RAMP2", "ESAM", "TIE1",
            "EGFL7", "AQP1",
        ],
    },
    Program {
        name: "epithelial",
        regulators: &["ELF3", "GRHL2", "EHF", "KLF5"],
        markers: &[
            "EPCAM", "KRT8", "KRT18", "KRT19", "CDH1", "CLDN4", "CLDN7", "MUC1", "TACSTD2", "SPINT2", "CD24",
            "ELF5",
        ],
    },
    Program {
        name: "BRCA",
        regulators: &["ESR1", "FOXA1", "TFAP2B", "SPDEF"],
        markers: &[
            "PGR", "TFF1", "TFF3", "AGR2", "SCGB2A2", "SCGB1D2", "ANKRD30A", "XBP1", "ERBB2", "AREG", "MLPH",
            "PIP",
        ],
    },
    Program {
        name: "LUAD",
        regulators: &["NKX2-1", "FOXA2", "HOPX", "ETV5"],
        markers: &[
            "SFTPA1", "SFTPA2", "SFTPB", "SFTPC", "NAPSA", "SLC34A2", "SCGB3A2", "LAMP3", "ABCA3", "CEACAM6",
            "PIGR", "AGER",
        ],
    },
    Program {
        name: "SKCM",
        regulators: &["SOX10", "MITF", "PAX3", "TFAP2A"],
        markers: &[
            "MLANA", "PMEL", "TYR", "TYRP1", "DCT", "S100B", "TRPM1", "GPR143", "SLC45A2", "OCA2", "BCAN",
            "PLP1", "EDNRB",
        ],
    },
    Program {
        name: "COAD",
        regulators: &["CDX2", "CDX1", "HNF4A", "SATB2"],
        markers: &[
            "LGALS4", "VIL1", "KRT20", "CDH17", "FABP1", "GUCA2A", "CEACAM5", "PHGR1", "TSPAN8", "MUC2",
            "ASCL2", "LGR5", "AXIN2",
        ],
    },
    Program {
        name: "proliferation",
        regulators: &["E2F1", "FOXM1", "MYBL2"],
        markers: &[
            "MKI67", "TOP2A", "PCNA", "TYMS", "RRM2", "CDK1", "CCNB1", "CCNB2", "BIRC5", "UBE2C", "CENPF",
            "AURKA", "AURKB", "TK1",
        ],
    },
    Program {
        name: "interferon",
        regulators: &["STAT1", "IRF1", "IRF7"],
        markers: &[
            "ISG15", "IFI6", "IFI27", "IFIT1", "IFIT3", "MX1", "OAS1", "CXCL10", "CXCL9", "GBP1", "IDO1",
            "IFI44L",
        ],
    },
    Program {
        name: "hypoxia",
        regulators: &["HIF1A", "EPAS1"],
        markers: &[
            "VEGFA", "CA9", "NDRG1", "ADM", "BNIP3", "PGK1", "LDHA", "SLC2A1", "ANKRD37", "P4HA1", "EGLN3",
            "ANGPTL4",
        ],
    },
    Program {
        name: "immediate early",
        regulators: &["EGR1", "FOS", "JUN", "ATF3", "KLF4"],
        markers: &[
            "FOSB", "JUNB", "IER2", "IER3", "DUSP1", "ZFP36", "NR4A1", "HSPA1A", "HSPA1B", "DNAJB1", "SOCS3",
            "PPP1R15A",
        ],
    },
    Program {
        name: "mesenchymal",
        regulators: &["ZEB1", "ZEB2", "SNAI2"],
        markers: &["VIM", "FN1", "CDH2", "SERPINE1", "TGFBI", "LOXL2", "ITGA5", "MMP2", "TNC", "S100A4"],
    },
    Program {
        name: "growth",
        regulators: &["MYC", "TP53", "NFE2L2"],
        markers: &[
            "NPM1", "NCL", "FBL", "ODC1", "CDKN1A", "MDM2", "GDF15", "NQO1", "TXNRD1", "SLC7A11", "HSPD1",
            "NME1",
        ],
    },
];

/// Genes that every cell makes plenty of, besides ribosomal and mitochondrial ones.
pub const HOUSEKEEPING: &[&str] = &[
    "ACTB",
    "ACTG1",
    "ALDOA",
    "ARPC2",
    "ATP5F1B",
    "ATP5F1E",
    "B2M",
    "BTF3",
    "CALM1",
    "CALM2",
    "CD63",
    "CD74",
    "CFL1",
    "CHCHD2",
    "COX4I1",
    "COX6C",
    "COX7C",
    "CST3",
    "DDX5",
    "EEF1A1",
    "EEF1B2",
    "EEF1D",
    "EEF2",
    "EIF1",
    "EIF4A1",
    "ENO1",
    "FAU",
    "FTH1",
    "FTL",
    "GAPDH",
    "GNAS",
    "GSTP1",
    "H3-3A",
    "H3-3B",
    "HLA-A",
    "HLA-B",
    "HLA-C",
    "HNRNPA1",
    "HNRNPA2B1",
    "HSP90AA1",
    "HSP90AB1",
    "HSPA5",
    "HSPA8",
    "LDHB",
    "MALAT1",
    "MIF",
    "MYL12B",
    "MYL6",
    "NACA",
    "NEAT1",
    "OAZ1",
    "PABPC1",
    "PFN1",
    "PKM",
    "PPIA",
    "PRDX1",
    "PSAP",
    "PTMA",
    "RACK1",
    "S100A11",
    "S100A6",
    "SAT1",
    "SERF2",
    "SH3BGRL3",
    "SOD1",
    "TMSB10",
    "TMSB4X",
    "TPI1",
    "TPM3",
    "TPT1",
    "TUBA1B",
    "TUBB",
    "UBA52",
    "UBB",
    "UBC",
    "YWHAZ",
];

/// Position of a program in `PROGRAMS`.
pub fn index(name: &str) -> usize {
    PROGRAMS
        .iter()
        .position(|program| program.name == name)
        .unwrap_or_else(|| panic!("no program is named `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_gene_stands_twice() {
        let mut seen = BTreeSet::new();
        for program in PROGRAMS {
            for gene in program.regulators.iter().chain(program.markers) {
                assert!(seen.insert(gene), "{gene} stands in two programs");
            }
        }
        for gene in HOUSEKEEPING {
            assert!(seen.insert(gene), "{gene} is housekeeping and in a program");
        }
    }
}
