use super::*;
use crate::matrix::Rows;
use crate::stage::error::classify;
use std::io::Write;

fn write(name: &str, text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

fn read(text: &str) -> Result<(Vec<String>, Vec<String>, Rows)> {
    let (_directory, path) = write("table.csv", text);
    let mut matrix = Matrix::open(&path, None)?;
    let rows = matrix.read_block(0..matrix.n_cells())?;
    Ok((matrix.cells.index, matrix.genes.index, rows))
}

/// Two cells, three genes: TP53 1 and 0, EGFR 0 and 20, MYC 3 and 4.
fn check(text: &str) {
    let (cells, genes, rows) = read(text).unwrap_or_else(|error| panic!("{text}: {error:#}"));
    assert_eq!(
        (cells.join(" "), genes.join(" ")),
        ("A-1 B.1".to_owned(), "TP53 EGFR MYC".to_owned()),
        "{text}"
    );
    let expected = Rows { indptr: vec![0, 2, 4], indices: vec![0, 2, 1, 2], data: vec![1.0, 3.0, 20.0, 4.0] };
    assert_eq!(rows, expected, "{text}");
}

#[test]
fn either_orientation_with_or_without_a_corner() {
    check("gene,A-1,B.1\nTP53,1,0\nEGFR,0,20\nMYC,3,4\n");
    check("\tA-1\tB.1\nTP53\t1\t0\nEGFR\t0\t20\nMYC\t3\t4");
    check("A-1\tB.1\r\nTP53\t1\t0\r\nEGFR\t0\t20\r\nMYC\t3\t4\r\n");
    check("\u{feff}# made by hand\n\"\";\"A-1\";\"B.1\"\n\"TP53\";1;0\n\"EGFR\";0;2e1\n\"MYC\";3.0;4\n\n");
    check("cell,TP53,EGFR,MYC\nA-1,1,0,3\nB.1,0,20,4\n");
    check("TP53 EGFR MYC\nA-1 1  0 3\nB.1 0 20 4\n");
}

#[test]
fn cells_in_rows_are_read_in_any_order() {
    let (_directory, path) = write("t.tsv", "TP53\tEGFR\nA\t1\t0\nB\t0\t2\nC\t3\t4\n");
    let mut matrix = Matrix::open(&path, None).unwrap();
    let mut data = |cells| matrix.read_block(cells).unwrap().data;
    assert_eq!((data(1..2), data(2..3), data(0..2)), (vec![2.0], vec![3.0, 4.0], vec![1.0, 2.0]));
}

#[test]
fn gzipped_tables_are_read_whatever_their_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.txt");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"gene\tA\nTP53\t5\n").unwrap();
    let bytes = encoder.finish().unwrap();
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(Matrix::open(&path, None).unwrap().read_block(0..1).unwrap().data, [5.0]);
    std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let error = Matrix::open(&path, None).err().unwrap();
    assert!(error.to_string().contains("cannot be read to its end"), "{error}");
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    let check = |text: &str, expected: &str| {
        let error = read(text).err().unwrap_or_else(|| panic!("{text} was read"));
        assert!(error.to_string().contains(expected), "{error}, expected {expected}");
        assert_eq!(classify(&error).0, 65);
    };
    check("gene,A,B\nTP53,1,0\nEGFR,1\n", "line 3 has 2 fields, expected 3 as in the first row");
    check("gene,A,B\nTP53,1,0,5,6\n", "line 2 has 5 fields, expected 3 or 4: the header has 3");
    check("gene,A,B\nTP53,1,NA\n", "line 2 holds `NA` in column 3, expected a count");
    check("cell,TP53,EGFR,type\nA,1,0,T cell\n", "line 2 holds `T cell` in column 4, expected a count");
    check("gene,A,B,A\nTP53,1,0,2\n", "line 1 names column 4 `A`, as column 2");
    check("EGFR,1,1,2\nTP53,1,0,2\n", "line 1 names no columns: it is `EGFR` and numbers");
    check("0,0,1,2\n3,1,0,2\n", "line 1 names no columns: it is `0` and numbers");
    check("gene,A\n", "it has no line after its header");
    check("\n\n", "it is empty");
    check("text\nmore text\n", "expected a count");
    check("gene,A,B\nTP53,1,0.5\n", "table[B, TP53] is 0.5, not an integer");
    check("gene,A,B\nTP53,1,-2\n", "table[B, TP53] is -2, negative");
    check("gene,cell,count\nTP53,A,x\n", "line 2 holds `x` in column 3, expected a count");
    check("gene,cell,count\nTP53,A\n", "line 2 has 2 fields, expected 3 (gene, cell, count)");
}

#[test]
fn long_tables_do_not_depend_on_the_order_of_their_lines() {
    let lines = ["TP53\tB\t1\n", "EGFR\tA\t2\n", "TP53\tA\t3\n"];
    let forth = format!("gene\tcell\tcount\n{}{}{}", lines[0], lines[1], lines[2]);
    let back = format!("gene\tcell\tcount\n{}{}{}", lines[2], lines[1], lines[0]);
    let (cells, genes, rows) = read(&forth).unwrap();
    assert_eq!((cells.concat(), genes.join(" ")), ("AB".to_owned(), "EGFR TP53".to_owned()));
    assert_eq!((rows.row(0), rows.row(1)), ((&[0, 1][..], &[2.0, 3.0][..]), (&[1][..], &[1.0][..])));
    assert_eq!(read(&back).unwrap().2, rows);
    let other = read("CB,N,gene_id\nA,3,TP53\nB,1,TP53\nA,2,EGFR\n").unwrap();
    assert_eq!((other.0, other.1, other.2), (cells, genes, rows));
}
