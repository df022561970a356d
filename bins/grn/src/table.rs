//! A table of expression, genes x cells, as BEELINE's `ExpressionData.csv`: values are used as they are.

use panfoma_core::artifact::vocabulary::{Gene, Vocabulary};
use panfoma_core::stage::UserError;
use std::path::Path;

const HINT: &str = "the table has a row a gene: `,cell1,cell2`, then `GENE,0.1,2.3`; tabs will do, too";

/// A table in memory.
#[derive(Clone, Debug)]
pub struct ExpressionTable {
    /// Genes by the table's names; ids count from 1 down the rows.
    pub vocabulary: Vocabulary,
    /// Names of the cells.
    pub cells: Vec<String>,
    /// [genes x cells]
    pub values: Vec<f32>,
}

impl ExpressionTable {
    /// Reads a CSV or TSV file. Errors: 65 with line and column.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if !path.is_file() {
            return Err(UserError::missing(path).into());
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| anyhow::Error::new(error).context(format!("reading `{}`", path.display())))?;
        Ok(Self::parse(&text)
            .map_err(|message| UserError::bad_data(format!("`{}` {message}", path.display())).hint(HINT))?)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().zip(1usize..).filter(|(line, _)| !line.trim().is_empty());
        let header = lines.next().ok_or("is empty")?.0.trim_start_matches('\u{feff}');
        let separator = if header.contains('\t') { '\t' } else { ',' };
        let name = |field: &str| field.trim().trim_matches('"').to_owned();
        let cells: Vec<String> = header.split(separator).skip(1).map(name).collect();
        if cells.is_empty() {
            return Err("names no cell in its first line".to_owned());
        }
        let (mut genes, mut values) = (Vec::new(), Vec::new());
        for (line, number) in lines {
            let mut fields = line.split(separator);
            let gene = name(fields.next().unwrap_or_default());
            let before = values.len();
            for (field, column) in fields.zip(2..) {
                match field.trim().parse::<f32>() {
                    Ok(value) if value.is_finite() => values.push(value),
                    _ => {
                        return Err(format!(
                            "holds `{}` in line {number}, column {column}, expected a finite number",
                            field.trim()
                        ));
                    }
                }
            }
            if values.len() - before != cells.len() {
                return Err(format!(
                    "has {} values in line {number}, expected {}, one a cell",
                    values.len() - before,
                    cells.len()
                ));
            }
            genes.push(Gene { ensembl_id: gene.clone(), symbol: gene, n_cells: 0, mean: 0.0 });
        }
        if genes.is_empty() {
            return Err("has no line after its header".to_owned());
        }
        let vocabulary = Vocabulary::new(genes).map_err(|error| format!("cannot be used: {error}"))?;
        Ok(Self { vocabulary, cells, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_commas_or_tabs_and_names_in_quotes() {
        for text in [",a,b\nSOX2,0.5,1\n\"TP53\",-2,0\n", "\"\"\ta\tb\r\nSOX2\t0.5\t1\r\nTP53\t-2\t0\r\n"] {
            let table = ExpressionTable::parse(text).unwrap();
            let genes: Vec<&str> = table.vocabulary.genes().iter().map(|gene| gene.symbol.as_str()).collect();
            assert_eq!((genes, table.cells.len()), (vec!["SOX2", "TP53"], 2));
            assert_eq!(table.values, [0.5, 1.0, -2.0, 0.0]);
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let check = |text: &str, expected: &str| {
            let message = ExpressionTable::parse(text).unwrap_err();
            assert!(message.contains(expected), "{message}");
        };
        check(",a,b\nSOX2,0.5\n", "1 values in line 2, expected 2");
        check(",a,b\nSOX2,0.5,x\n", "holds `x` in line 2, column 3");
        check(",a,b\nSOX2,0.5,NaN\n", "holds `NaN` in line 2, column 3");
        check(",a\nSOX2,1\nSOX2,2\n", "SOX2");
        check("", "is empty");
    }
}
