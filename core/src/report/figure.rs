//! A figure of a report: drawn in the page, and kept beside it as SVG, as picture and as the data it shows.

use maud::{Markup, PreEscaped, html};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::Path;

/// Where the files of figures lie, beside the page.
pub const DIRECTORY: &str = "figures";
/// Height of a line of the legend in a file, pixels.
const LINE: f64 = 20.0;
/// Width of a letter of the legend in a file, pixels: generous, fonts differ.
const LETTER: f64 = 7.2;

/// A figure.
pub struct Figure {
    /// File name without extension; of a name that another figure of the report has already, a number is added.
    pub name: String,
    /// Width and height of the drawing in pixels.
    pub size: (f64, f64),
    /// What stands inside the `svg` element.
    pub drawing: Markup,
    /// What its marks mean.
    pub legend: Vec<Key>,
    /// What is to be seen, in a sentence or two.
    pub caption: String,
    /// The numbers behind it.
    pub data: Data,
}

/// A line of the legend.
pub struct Key {
    /// `#rrggbb`.
    pub colour: String,
    /// The mark it explains.
    pub mark: Mark,
    /// What it means.
    pub text: String,
}

/// A mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A round dot.
    Dot,
    /// A square.
    Square,
    /// A line.
    Line,
    /// A dashed line.
    Dashed,
}

/// A table of what a figure shows, written as tab-separated text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Data {
    /// A table without rows.
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row; it must be as long as the header.
    pub fn push(&mut self, row: Vec<String>) {
        assert_eq!(row.len(), self.columns.len(), "a row is as long as the header");
        self.rows.push(row);
    }

    /// Header and rows.
    pub fn tsv(&self) -> String {
        let plain = |text: &String| text.replace(['\t', '\n', '\r'], " ");
        let line = |row: &Vec<String>| row.iter().map(plain).collect::<Vec<_>>().join("\t") + "\n";
        std::iter::once(&self.columns).chain(&self.rows).map(line).collect()
    }
}

impl Figure {
    /// As it stands in the page, with links to its files in `directory`.
    fn markup(&self, directory: &str) -> Markup {
        let (width, height) = (self.size.0.ceil(), self.size.1.ceil());
        html! {
            figure id=(self.name) {
                div.scroll { svg viewBox={ "0 0 " (width) " " (height) } width=(width) role="img" aria-label=(self.caption) { (self.drawing) } }
                @if !self.legend.is_empty() { ul.legend { @for key in &self.legend { li {
                    svg width="26" height="11" viewBox="0 0 26 11" aria-hidden="true" { (key.symbol()) } (key.text)
                } } } }
                figcaption.caption {
                    (self.caption) " "
                    span.files { @for (extension, text) in [("svg", "SVG"), ("png", "PNG"), ("tsv", "data")] {
                        a href={ (directory) "/" (self.name) "." (extension) } { (text) } " "
                    } }
                }
            }
        }
    }

    /// A file of its own: white ground, the legend below the drawing.
    pub fn svg(&self) -> String {
        let (width, top) = (self.size.0.ceil(), self.size.1.ceil());
        let (mut x, mut y) = (8.0, top + LINE);
        let mut legend = String::new();
        for key in &self.legend {
            let room = 44.0 + LETTER * key.text.chars().count() as f64;
            if x > 8.0 && x + room > width {
                (x, y) = (8.0, y + LINE);
            }
            let item = html! {
                g transform={ "translate(" (x) " " (y - 10.0) ")" } { (key.symbol()) text x="32" y="10" font-size="12" { (key.text) } }
            };
            legend.push_str(&item.into_string());
            x += room;
        }
        let height = if self.legend.is_empty() { top } else { y + 10.0 };
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"'DejaVu Sans', Verdana, sans-serif\" fill=\"#1b1f24\">"
        );
        out.push_str(&html! { title { (self.caption) } rect width=(width) height=(height) fill="#fff" {} (self.drawing) (PreEscaped(legend)) }.into_string());
        out.push_str("</svg>\n");
        out
    }
}

impl Key {
    /// In 26 × 11 pixels.
    fn symbol(&self) -> Markup {
        html! {
            @match self.mark {
                Mark::Dot => circle cx="20" cy="5.5" r="5.5" fill=(self.colour) {},
                Mark::Square => rect x="15" width="11" height="11" fill=(self.colour) {},
                Mark::Line | Mark::Dashed => path d="M0 5.5H26" fill="none" stroke=(self.colour) stroke-width="2.5"
                    stroke-dasharray=[(self.mark == Mark::Dashed).then_some("6 4")] {},
            }
        }
    }
}

/// The figures of a page, in its order.
pub struct Figures {
    directory: String,
    shown: RefCell<Vec<Figure>>,
}

impl Default for Figures {
    /// Their files lie in [`DIRECTORY`].
    fn default() -> Self {
        Self::linked_to(DIRECTORY.to_owned())
    }
}

impl Figures {
    /// directory: where the page finds their files, seen from the page.
    pub fn linked_to(directory: String) -> Self {
        Self { directory, shown: RefCell::default() }
    }

    /// Notes a figure and returns it as it stands in the page.
    pub fn show(&self, mut figure: Figure) -> Markup {
        let mut figures = self.shown.borrow_mut();
        // `CD4+` and `CD4-` make one file name.
        let name = figure.name.clone();
        let taken = |name: &str| figures.iter().any(|other| other.name == name);
        let mut number = 2;
        while taken(&figure.name) {
            figure.name = format!("{name}_{number}");
            number += 1;
        }
        let markup = figure.markup(&self.directory);
        figures.push(figure);
        markup
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.shown.borrow().iter().map(|figure| figure.name.clone()).collect()
    }

    /// Writes SVG, picture and data of every figure into `directory`, which is made if there is any; `picture` makes a
    /// PNG of an SVG.
    ///
    /// Errors: of writing, of `picture`.
    pub fn write(
        &self,
        directory: &Path,
        picture: impl Fn(&str) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        let figures = self.shown.borrow();
        if figures.is_empty() {
            return Ok(());
        }
        std::fs::create_dir_all(directory)?;
        for figure in figures.iter() {
            let file = |extension: &str| directory.join(format!("{}.{extension}", figure.name));
            let svg = figure.svg();
            std::fs::write(file("png"), picture(&svg)?)?;
            std::fs::write(file("svg"), svg)?;
            std::fs::write(file("tsv"), figure.data.tsv())?;
        }
        Ok(())
    }
}

/// A name as part of a file's: lower-case letters and digits, anything else is one `_`.
pub fn file_name(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c.is_ascii_alphanumeric() {
            true => out.push(c.to_ascii_lowercase()),
            false if !out.ends_with('_') && !out.is_empty() => out.push('_'),
            false => {}
        }
    }
    out.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(n_keys: usize) -> Figure {
        let key = |at: usize| Key { colour: "#0072b2".into(), mark: Mark::Dashed, text: format!("B < {at}") };
        let mut data = Data::new(&["x", "name"]);
        data.push(vec!["1".to_owned(), "a\tb".to_owned()]);
        Figure {
            name: "one".to_owned(),
            size: (300.0, 100.0),
            drawing: html! { text { "T & B" } },
            legend: (0..n_keys).map(key).collect(),
            caption: "What is to be seen.".to_owned(),
            data,
        }
    }

    #[test]
    fn a_file_of_its_own_holds_the_legend_and_grows_with_it() {
        let height = |n: usize| -> f64 {
            let svg = figure(n).svg();
            let at = svg.find("height=\"").unwrap() + 8;
            svg[at..].split('"').next().unwrap().parse().unwrap()
        };
        assert_eq!(height(0), 100.0);
        assert!(height(1) > 100.0 && height(12) > height(1) + 2.0 * LINE);
        let svg = figure(2).svg();
        assert!(svg.contains("T &amp; B") && svg.contains("B &lt; 1") && svg.contains("xmlns="));
    }

    #[test]
    fn every_figure_is_written_three_times_under_its_name() {
        let figures = Figures::default();
        let page = figures.show(figure(0)).into_string();
        assert!(page.contains("href=\"figures/one.svg\""), "{page}");
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().join(DIRECTORY);
        figures.write(&at, |svg| Ok(svg.len().to_string().into_bytes())).unwrap();
        assert_eq!(std::fs::read_to_string(at.join("one.tsv")).unwrap(), "x\tname\n1\ta b\n");
        assert!(at.join("one.png").is_file() && at.join("one.svg").is_file());
    }

    #[test]
    fn figures_of_one_name_are_told_apart_by_a_number() {
        let figures = Figures::default();
        let pages: Vec<String> = (0..3).map(|_| figures.show(figure(0)).into_string()).collect();
        assert_eq!(figures.names(), ["one", "one_2", "one_3"]);
        assert!(pages[2].contains("id=\"one_3\"") && pages[2].contains("figures/one_3.png"), "{}", pages[2]);
        let directory = tempfile::tempdir().unwrap();
        figures.write(&directory.path().join(DIRECTORY), |_| Ok(Vec::new())).unwrap();
        assert!(directory.path().join("figures/one_2.tsv").is_file());
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("Cell type (Level 2) / B"), "cell_type_level_2_b");
    }
}
