//! Fields of the tab-separated tables.

/// A name without what would end its field or its line.
pub fn plain(name: &str) -> String {
    name.replace(['\t', '\n', '\r'], " ")
}
