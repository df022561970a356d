//! Shards of a corpus, and the corpus they make.

use super::{Block, Content, Dropped, Index, PerSplit, SplitRecord, Tokens};
use crate::artifact::{Shard, shard};
use crate::stage::UserError;
use std::path::Path;

/// All shards of one corpus, in their order whatever order they were named in.
pub struct Shards {
    shards: Vec<Tokens>,
}

impl Shards {
    /// Opens and validates. Errors name the shard that is no shard, of another corpus, there twice, or missing.
    pub fn open(paths: &[impl AsRef<Path>]) -> anyhow::Result<Self> {
        let mut shards = Vec::new();
        for path in paths {
            let shard = Tokens::open_shard(path.as_ref())?;
            if shard.index().shard.is_none() {
                let what = format!("`{}` holds whole tokens, no shard", path.as_ref().display());
                return Err(UserError::bad_data(what)
                    .hint("`panfoma-tokenize --shard I/N` makes shards")
                    .into());
            }
            shards.push(shard);
        }
        shards.sort_by_key(|shard| number(shard).number);
        for shard in shards.iter().skip(1) {
            refuse_foreign(&shards[0], shard)?;
        }
        shard::expect_whole(&shards.iter().map(|shard| (number(shard), shard.path())).collect::<Vec<_>>())?;
        Ok(Self { shards })
    }

    /// What the whole corpus says of itself: what a run that was not divided would have said.
    pub fn content(&self) -> Content {
        let first = &self.shards[0];
        let index = first.index().clone();
        let sum = |count: fn(&Dropped) -> u64| self.shards.iter().map(|s| count(&s.index().dropped)).sum();
        Content {
            provenance: index.header.provenance,
            vocabulary: first.vocabulary().clone(),
            selection: index.vocabulary.selection,
            panels: first.panels().to_vec(),
            n_bins: index.n_bins,
            binning: index.binning,
            label_columns: index.label_columns,
            group_columns: index.group_columns,
            split: SplitRecord { cells: PerSplit::default(), ..index.split },
            dropped: Dropped {
                cells_failing_qc: sum(|dropped| dropped.cells_failing_qc),
                cells_without_vocabulary_gene: sum(|dropped| dropped.cells_without_vocabulary_gene),
                ..index.dropped
            },
            modalities: first.modalities().to_vec(),
            shard: None,
        }
    }

    /// Cells of all shards.
    pub fn n_cells(&self) -> usize {
        self.shards.iter().map(Tokens::n_cells).sum()
    }

    /// All cells in order, a row group of a shard at a time.
    pub fn blocks(&self) -> impl Iterator<Item = anyhow::Result<Block>> + '_ {
        self.shards
            .iter()
            .flat_map(|shard| (0..shard.row_groups().len()).map(|group| shard.read_block(group)))
    }
}

fn number(shard: &Tokens) -> Shard {
    shard.index().shard.expect("opened as a shard")
}

/// Refuses a shard that was made from other cells, genes or flags than the first.
fn refuse_foreign(first: &Tokens, other: &Tokens) -> Result<(), UserError> {
    let (a, b) = (first.index(), other.index());
    let without_cells = |index: &Index| SplitRecord { cells: PerSplit::default(), ..index.split.clone() };
    let provenance = |index: &Index| index.header.provenance.clone();
    let differing = [
        ("input differs", provenance(a).inputs != provenance(b).inputs),
        ("seed differs", provenance(a).seed != provenance(b).seed),
        ("flags differ", provenance(a).config != provenance(b).config),
        ("program differs", provenance(a) != provenance(b)),
        ("vocabulary differs", a.vocabulary != b.vocabulary),
        ("binning differs", (a.n_bins, a.binning) != (b.n_bins, b.binning)),
        (
            "labels or groups differ",
            (&a.label_columns, &a.group_columns) != (&b.label_columns, &b.group_columns),
        ),
        ("split differs", without_cells(a) != without_cells(b)),
        ("modalities differ", a.modalities != b.modalities),
        ("panels differ", a.panels_blake3 != b.panels_blake3),
    ];
    let Some((what, _)) = differing.iter().find(|(_, differs)| *differs) else { return Ok(()) };
    let (first, other) = (first.path().display(), other.path().display());
    Err(UserError::bad_data(format!("`{other}` is a shard of another corpus than `{first}`: its {what}"))
        .hint("make all shards with one program, one input and the same flags but `--shard`"))
}
