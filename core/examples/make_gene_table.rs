//! Makes the bundled gene table from a joined HGNC and GENCODE table.
//!
//! `cargo run --release -p panfoma-core --example make_gene_table -- genes_grch38.tsv.gz core/data/genes.tsv.zst`
//!
//! Reads a TSV with the columns `ensembl_id`, `symbol` (HGNC), `gencode_symbol`, `alias_symbol` and `prev_symbol`
//! (separated by `|`), `biotype`, `start` (empty outside the 10x 2024-A reference) and `is_mito`.

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use std::fmt::Write as _;
use std::io::Read;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = &arguments[..] else {
        anyhow::bail!("usage: make_gene_table IN.tsv.gz OUT.tsv.zst")
    };
    let mut text = String::new();
    MultiGzDecoder::new(std::fs::File::open(input).context("opening the input")?)
        .read_to_string(&mut text)?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().context("an empty input")?.split('\t').collect();
    let column =
        |name: &str| header.iter().position(|other| *other == name).with_context(|| format!("no `{name}`"));
    let [id, hgnc, gencode, alias, previous, biotype, start, mito] = [
        column("ensembl_id")?,
        column("symbol")?,
        column("gencode_symbol")?,
        column("alias_symbol")?,
        column("prev_symbol")?,
        column("biotype")?,
        column("start")?,
        column("is_mito")?,
    ];
    let mut rows = Vec::new();
    for line in lines {
        let row: Vec<&str> = line.split('\t').collect();
        ensure!(row.len() == header.len(), "`{line}` has {} fields, expected {}", row.len(), header.len());
        let number: u64 = row[id].strip_prefix("ENSG").context("an id that is no ENSG")?.parse()?;
        // GENCODE follows HGNC and is the newer of the two; the older symbol stays reachable as a previous one.
        let named = |symbol: &str| !symbol.is_empty() && !symbol.starts_with("ENSG");
        let symbol = [row[gencode], row[hgnc]].into_iter().find(|symbol| named(symbol)).unwrap_or_default();
        let older = Some(row[hgnc]).filter(|older| named(older) && *older != symbol);
        let previous: Vec<&str> =
            older.into_iter().chain(row[previous].split('|').filter(|name| !name.is_empty())).collect();
        let class = match row[biotype] {
            "protein_coding" => 'p',
            "lncRNA" => 'l',
            biotype if biotype.contains("pseudogene") => 's',
            biotype if biotype.starts_with("IG_") || biotype.starts_with("TR_") => 'i',
            _ => 'o',
        };
        let reference = if row[start].is_empty() { '-' } else { 'r' };
        let mito = if row[mito] == "True" { 'm' } else { '-' };
        rows.push((number, symbol, previous.join("|"), row[alias], format!("{class}{reference}{mito}")));
    }
    rows.sort();
    let mut table = String::new();
    for (number, symbol, previous, alias, flags) in &rows {
        writeln!(table, "{number}\t{symbol}\t{previous}\t{alias}\t{flags}")?;
    }
    let bytes = zstd::bulk::compress(table.as_bytes(), 19)?;
    std::fs::write(output, &bytes)?;
    println!("{} genes, {} bytes", rows.len(), bytes.len());
    Ok(())
}
