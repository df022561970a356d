//! What the stages' reports share: one page that loads nothing, its style, its sortable tables, figures, colours and axes.

pub mod axes;
pub mod command;
pub mod figure;
pub mod multiqc;
pub mod palette;

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A whole HTML page: it needs no network and no other file.
pub fn page(title: &str, body: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { (body) script { (PreEscaped(include_str!("sort.js"))) } }
        }
    };
    markup.into_string()
}

/// At most `most` letters.
pub fn short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        name.to_owned()
    } else {
        name.chars().take(most.saturating_sub(1)).chain(['…']).collect()
    }
}
