//! The genes a model knows, in order: gene `id` stands at `id - 1`, and 0 is padding.

use super::table::{self, Table};
use crate::stage::UserError;
use arrow_array::{ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FORMAT: &str = "panfoma.vocabulary";
const VERSION: u32 = 1;

/// One gene.
#[derive(Clone, Debug, PartialEq)]
pub struct Gene {
    /// Ensembl id, or `input:<name>` of an unmapped gene that was kept.
    pub ensembl_id: String,
    /// Approved symbol.
    pub symbol: String,
    /// Training cells that express it.
    pub n_cells: u64,
    /// Mean over training cells of log1p(counts per 10,000).
    pub mean: f32,
}

/// The genes, by id.
#[derive(Clone, Debug, PartialEq)]
pub struct Vocabulary {
    genes: Vec<Gene>,
    medians: Option<Vec<f64>>,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: String,
    version: u32,
    digest: String,
}

impl Vocabulary {
    /// A vocabulary whose gene `id` is `genes[id - 1]`. Errors: no gene, or an Ensembl id twice.
    pub fn new(genes: Vec<Gene>) -> Result<Self, UserError> {
        if genes.is_empty() {
            return Err(UserError::bad_data("the vocabulary has no gene"));
        }
        let mut seen = HashMap::new();
        for (index, gene) in genes.iter().enumerate() {
            if let Some(first) = seen.insert(gene.ensembl_id.as_str(), index + 1) {
                let what = format!("gene `{}` has two ids, {first} and {}", gene.ensembl_id, index + 1);
                return Err(UserError::bad_data(what));
            }
        }
        Ok(Self { genes, medians: None })
    }

    /// With the genes' medians: of counts per 10,000 over the training cells that express the gene, in the order of
    /// the genes. Errors: another number of them, or one that is not positive.
    pub fn with_medians(self, medians: Vec<f64>) -> Result<Self, UserError> {
        if medians.len() != self.genes.len() {
            let (n, expected) = (medians.len(), self.genes.len());
            return Err(UserError::bad_data(format!("{n} medians for {expected} genes")));
        }
        if let Some(at) = medians.iter().position(|median| !(median.is_finite() && *median > 0.0)) {
            let (gene, median) = (&self.genes[at].ensembl_id, medians[at]);
            return Err(UserError::bad_data(format!(
                "the median of gene `{gene}` is {median}, expected more than 0"
            )));
        }
        Ok(Self { medians: Some(medians), ..self })
    }

    /// The genes' medians, if they were fitted (the binning `rank` needs them).
    pub fn medians(&self) -> Option<&[f64]> {
        self.medians.as_deref()
    }

    /// The genes; `genes()[id - 1]` is gene `id`.
    pub fn genes(&self) -> &[Gene] {
        &self.genes
    }

    /// How many genes; ids run from 1 to this.
    pub fn n_genes(&self) -> usize {
        self.genes.len()
    }

    /// The gene of an id, `None` for padding (0) and ids beyond the vocabulary.
    pub fn gene(&self, id: u32) -> Option<&Gene> {
        self.genes.get((id as usize).wrapping_sub(1))
    }

    /// Ids by Ensembl id.
    pub fn ids(&self) -> HashMap<&str, u32> {
        self.genes.iter().zip(1..).map(|(gene, id)| (gene.ensembl_id.as_str(), id)).collect()
    }

    /// BLAKE3 (hex) over the ids and Ensembl ids in order.
    ///
    /// Two vocabularies with one digest mean the same genes by the same ids, and rank them alike: medians enter if
    /// there are any; symbols and other statistics do not.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (gene, id) in self.genes.iter().zip(1u32..) {
            hasher.update(&id.to_le_bytes());
            hasher.update(gene.ensembl_id.as_bytes());
            hasher.update(b"\0");
        }
        for median in self.medians.iter().flatten() {
            hasher.update(&median.to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Refuses another vocabulary than the one `artifact` was made with.
    pub fn expect_digest(&self, expected: &str, artifact: &Path) -> Result<(), UserError> {
        let found = self.digest();
        if found == expected {
            return Ok(());
        }
        Err(UserError::bad_data(format!(
            "`{}` was made with another vocabulary: it names {}…, found {}…",
            artifact.display(),
            &expected[..expected.len().min(12)],
            &found[..12]
        ))
        .hint("tokenize the cells again with `--vocabulary MODEL` to use a model's own genes"))
    }

    /// Writes `vocabulary.parquet` atomically.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let metadata = Metadata { format: FORMAT.to_owned(), version: VERSION, digest: self.digest() };
        let genes = &self.genes;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from_iter_values(1..=genes.len() as u32)),
            Arc::new(StringArray::from_iter_values(genes.iter().map(|gene| &gene.ensembl_id))),
            Arc::new(StringArray::from_iter_values(genes.iter().map(|gene| &gene.symbol))),
            Arc::new(UInt64Array::from_iter_values(genes.iter().map(|gene| gene.n_cells))),
            Arc::new(Float32Array::from_iter_values(genes.iter().map(|gene| gene.mean))),
        ];
        columns
            .extend(self.medians().map(|medians| Arc::new(Float64Array::from(medians.to_vec())) as ArrayRef));
        let schema = schema(self.medians.is_some());
        let batch = RecordBatch::try_new(schema.clone(), columns)?;
        table::write(path, &metadata, &schema, [Ok(batch)])
    }

    /// Reads the vocabulary of a model directory, of a tokens directory, or a vocabulary file itself.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Self::read(&Self::locate(path)?)
    }

    /// The vocabulary file that [`Vocabulary::open`] reads.
    pub fn locate(path: &Path) -> Result<PathBuf, UserError> {
        if !path.exists() {
            return Err(UserError::missing(path));
        }
        if !path.is_dir() {
            return Ok(path.to_owned());
        }
        let inside = ["vocabulary.parquet", "_vocabulary.parquet"].map(|name| path.join(name));
        inside.into_iter().find(|file| file.exists()).ok_or_else(|| {
            UserError::bad_data(format!("`{}` holds no `vocabulary.parquet`", path.display()))
                .hint("pass a model directory, a tokens directory or a vocabulary file")
        })
    }

    /// Reads and validates `vocabulary.parquet`: ids 1, 2, 3, …, no gene twice, the digest its metadata names.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let table = Table::open(path)?;
        let metadata: Metadata = table.header()?;
        if metadata.format != FORMAT || metadata.version != VERSION {
            let (format, version) = (metadata.format, metadata.version);
            return Err(UserError::bad_data(format!(
                "`{}` is `{format}` version {version}, expected `{FORMAT}` version {VERSION}",
                path.display()
            ))
            .into());
        }
        let has_medians = table.schema().field_with_name("median").is_ok();
        let fields: Vec<Field> = schema(has_medians).fields().iter().map(|f| f.as_ref().clone()).collect();
        table.expect(&fields)?;
        let mut genes = Vec::with_capacity(table.n_rows());
        let mut medians = Vec::new();
        for group in 0..table.row_groups().len() {
            let batch =
                table.read_row_group(group, &fields.iter().map(|f| f.name().as_str()).collect::<Vec<_>>())?;
            let ids: &UInt32Array = table::typed(&batch, "id", path)?;
            let ensembl_ids: &StringArray = table::typed(&batch, "ensembl_id", path)?;
            let symbols: &StringArray = table::typed(&batch, "symbol", path)?;
            let n_cells: &UInt64Array = table::typed(&batch, "n_cells", path)?;
            let means: &Float32Array = table::typed(&batch, "mean", path)?;
            if has_medians {
                medians.extend_from_slice(table::typed::<Float64Array>(&batch, "median", path)?.values());
            }
            for row in 0..batch.num_rows() {
                let expected = genes.len() as u32 + 1;
                if ids.value(row) != expected {
                    return Err(UserError::bad_data(format!(
                        "`{}`: row {} has id {}, expected {expected}",
                        path.display(),
                        expected - 1,
                        ids.value(row)
                    ))
                    .into());
                }
                genes.push(Gene {
                    ensembl_id: ensembl_ids.value(row).to_owned(),
                    symbol: symbols.value(row).to_owned(),
                    n_cells: n_cells.value(row),
                    mean: means.value(row),
                });
            }
        }
        let build = || match has_medians {
            true => Self::new(genes)?.with_medians(medians),
            false => Self::new(genes),
        };
        let vocabulary =
            build().map_err(|error| anyhow::Error::new(error).context(path.display().to_string()))?;
        vocabulary.expect_digest(&metadata.digest, path)?;
        Ok(vocabulary)
    }
}

fn schema(medians: bool) -> SchemaRef {
    let mut fields = vec![
        Field::new("id", DataType::UInt32, false),
        Field::new("ensembl_id", DataType::Utf8, false),
        Field::new("symbol", DataType::Utf8, false),
        Field::new("n_cells", DataType::UInt64, false),
        Field::new("mean", DataType::Float32, false),
    ];
    if medians {
        fields.push(Field::new("median", DataType::Float64, false));
    }
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gene(id: &str) -> Gene {
        Gene { ensembl_id: id.to_owned(), symbol: id.to_lowercase(), n_cells: 3, mean: 0.5 }
    }

    #[test]
    fn a_vocabulary_comes_back_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vocabulary.parquet");
        let vocabulary = Vocabulary::new(vec![gene("B"), gene("A")]).unwrap();
        vocabulary.write(&path).unwrap();
        assert_eq!(Vocabulary::read(&path).unwrap(), vocabulary);
        assert_eq!(vocabulary.ids()["A"], 2);
    }

    #[test]
    fn the_digest_depends_on_order_but_not_on_symbols() {
        let digest = |genes: Vec<Gene>| Vocabulary::new(genes).unwrap().digest();
        let renamed = Gene { symbol: "other".to_owned(), ..gene("A") };
        assert_eq!(digest(vec![gene("A"), gene("B")]), digest(vec![renamed, gene("B")]));
        assert_ne!(digest(vec![gene("A"), gene("B")]), digest(vec![gene("B"), gene("A")]));
        // Joined ids must not read alike.
        assert_ne!(digest(vec![gene("AB"), gene("C")]), digest(vec![gene("A"), gene("BC")]));
    }

    #[test]
    fn medians_come_back_to_the_bit_and_make_another_vocabulary() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vocabulary.parquet");
        let without = Vocabulary::new(vec![gene("A"), gene("B")]).unwrap();
        let with = without.clone().with_medians(vec![0.1, 1e4 / 3.0]).unwrap();
        with.write(&path).unwrap();
        assert_eq!(Vocabulary::read(&path).unwrap().medians(), Some([0.1, 1e4 / 3.0].as_slice()));
        assert_ne!(with.digest(), without.digest());
        assert_ne!(with.digest(), without.clone().with_medians(vec![0.1, 1e4]).unwrap().digest());
        let refusal = |medians: &[f64]| without.clone().with_medians(medians.to_vec()).unwrap_err().message;
        assert_eq!(refusal(&[1.0]), "1 medians for 2 genes");
        assert_eq!(refusal(&[1.0, 0.0]), "the median of gene `B` is 0, expected more than 0");
        assert_eq!(refusal(&[f64::NAN, 1.0]), "the median of gene `A` is NaN, expected more than 0");
    }

    #[test]
    fn a_gene_twice_is_refused() {
        let error = Vocabulary::new(vec![gene("A"), gene("B"), gene("A")]).unwrap_err();
        assert_eq!(error.message, "gene `A` has two ids, 1 and 3");
    }
}
