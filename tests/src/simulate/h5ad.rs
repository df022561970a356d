//! A study as `.h5ad`, in AnnData's on-disk layout (`anndata` 0.8 and later).

use super::cells::{Cell, cancer_type, measures};
use super::design::{CELL_TYPES, MALIGNANT, Naming, Study, TISSUES};
use super::gene_list::Gene;
use hdf5_pure::{AttrValue, FileBuilder, FinishedGroup, GroupBuilder};
use panfoma_core::rng::Philox;
use std::collections::BTreeSet;
use std::path::Path;

/// Values of a chunk of a compressed array. Fewer than 65,536: `hdf5-pure` 0.47 writes larger chunk dimensions in four
/// bytes where HDF5 2.0 expects three and refuses the file.
const CHUNK: usize = 32_768;

/// Writes counts as CSR float32 with gzip, as most published files have them; returns the number of counts.
pub fn write(
    path: &Path,
    study: &Study,
    genes: &[Gene],
    cells: &[Cell],
    philox: &Philox,
) -> anyhow::Result<usize> {
    let columns: Vec<usize> =
        (0..genes.len()).filter(|&gene| measures(study, &genes[gene], philox)).collect();
    let mut column_of = vec![u32::MAX; genes.len()];
    columns.iter().enumerate().for_each(|(column, &gene)| column_of[gene] = column as u32);

    let mut file = FileBuilder::new();
    encoding("anndata", "0.1.0").into_iter().for_each(|(name, value)| file.set_attr(name, value));
    let mut x = file.create_group("X");
    let n_counts = counts(&mut x, cells, &column_of, columns.len());
    file.add_group(x.finish());
    let mut obs = file.create_group("obs");
    self::obs(&mut obs, study, cells);
    file.add_group(obs.finish());
    let mut var = file.create_group("var");
    self::var(&mut var, study.naming, &columns.iter().map(|&gene| &genes[gene]).collect::<Vec<_>>());
    file.add_group(var.finish());
    for name in ["layers", "obsm", "obsp", "uns", "varm", "varp"] {
        let mut group = file.create_group(name);
        set(&mut group, encoding("dict", "0.1.0"));
        file.add_group(group.finish());
    }
    file.write(path)?;
    Ok(n_counts)
}

fn counts(x: &mut GroupBuilder, cells: &[Cell], column_of: &[u32], n_genes: usize) -> usize {
    let (mut data, mut indices, mut indptr) = (Vec::new(), Vec::new(), vec![0i32]);
    for cell in cells {
        for &(gene, count) in &cell.counts {
            indices.push(column_of[gene as usize] as i32);
            data.push(count as f32);
        }
        indptr.push(data.len() as i32);
    }
    set(x, encoding("csr_matrix", "0.1.0"));
    x.set_attr("shape", AttrValue::I64Array(vec![cells.len() as i64, n_genes as i64]));
    let chunk = [CHUNK.min(data.len().max(1)) as u64];
    x.create_dataset("data").with_f32_data(&data).with_chunks(&chunk).with_deflate(4);
    x.create_dataset("indices").with_i32_data(&indices).with_chunks(&chunk).with_deflate(4);
    x.create_dataset("indptr").with_i32_data(&indptr);
    data.len()
}

fn obs(obs: &mut GroupBuilder, study: &Study, cells: &[Cell]) {
    let of = |column: &dyn Fn(&Cell) -> String| cells.iter().map(column).collect::<Vec<String>>();
    let sample = |cell: &Cell| &study.samples[cell.sample];
    let malignant = |cell: &Cell| if cell.cell_type == MALIGNANT { "malignant" } else { "normal" };
    let columns = [
        ("cell_type", of(&|cell| CELL_TYPES[cell.cell_type].name.to_owned())),
        ("malignant", of(&|cell| malignant(cell).to_owned())),
        ("cancer_type", of(&|cell| cancer_type(sample(cell)).to_owned())),
        (study.patient_column, of(&|cell| sample(cell).patient.clone())),
        ("sample", of(&|cell| sample(cell).name.clone())),
        ("batch", of(&|cell| format!("{}_batch_{}", study.name, sample(cell).batch + 1))),
        ("study", of(&|_| study.name.clone())),
        ("tissue", of(&|cell| TISSUES[sample(cell).cancer_type].to_owned())),
        ("assay", of(&|_| study.assay.to_owned())),
    ];
    dataframe(obs, columns.iter().map(|(name, _)| *name));
    strings(obs, "_index", cells.iter().map(|cell| cell.id.as_str()));
    for (name, values) in &columns {
        let group = categorical(obs, name, values);
        obs.add_group(group);
    }
}

fn var(var: &mut GroupBuilder, naming: Naming, genes: &[&Gene]) {
    let symbols = genes.iter().map(|gene| gene.symbol.as_str());
    let ids = genes.iter().map(|gene| gene.ensembl_id.as_str());
    match naming {
        Naming::Symbol => {
            dataframe(var, ["gene_ids"].into_iter());
            strings(var, "_index", symbols);
            strings(var, "gene_ids", ids);
        }
        Naming::EnsemblId => {
            dataframe(var, ["feature_name"].into_iter());
            strings(var, "_index", ids);
            strings(var, "feature_name", symbols);
        }
    }
}

fn dataframe<'a>(group: &mut GroupBuilder, columns: impl Iterator<Item = &'a str>) {
    set(group, encoding("dataframe", "0.2.0"));
    group.set_attr("_index", AttrValue::VarLenString("_index".to_owned()));
    group.set_attr("column-order", AttrValue::VarLenStringArray(columns.map(str::to_owned).collect()));
}

fn strings<'a>(group: &mut GroupBuilder, name: &str, values: impl Iterator<Item = &'a str>) {
    let dataset = group.create_dataset(name);
    dataset.with_vlen_strings(&values.collect::<Vec<_>>());
    for (name, value) in encoding("string-array", "0.2.0") {
        dataset.set_attr(name, value);
    }
}

fn categorical(parent: &mut GroupBuilder, name: &str, values: &[String]) -> FinishedGroup {
    let categories: Vec<&str> =
        values.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    let codes: Vec<i16> = values
        .iter()
        .map(|value| categories.binary_search(&value.as_str()).expect("every value is a category") as i16)
        .collect();
    let mut group = parent.create_group(name);
    set(&mut group, encoding("categorical", "0.2.0"));
    group.set_attr("ordered", AttrValue::U8(0));
    let dataset = group.create_dataset("codes");
    dataset.with_i16_data(&codes);
    for (name, value) in encoding("array", "0.2.0") {
        dataset.set_attr(name, value);
    }
    strings(&mut group, "categories", categories.into_iter());
    group.finish()
}

fn encoding(kind: &str, version: &str) -> [(&'static str, AttrValue); 2] {
    [
        ("encoding-type", AttrValue::VarLenString(kind.to_owned())),
        ("encoding-version", AttrValue::VarLenString(version.to_owned())),
    ]
}

fn set(group: &mut GroupBuilder, attributes: [(&'static str, AttrValue); 2]) {
    attributes.into_iter().for_each(|(name, value)| group.set_attr(name, value));
}
