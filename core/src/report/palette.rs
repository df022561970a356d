//! Colours that people with colour-blindness can tell apart (Okabe & Ito 2008; Tol 2021), then a second marker.

/// Twelve colours on white; yellow is left out, it cannot be seen there.
const COLOURS: [&str; 12] = [
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#332288", "#999933", "#882255",
    "#44aa99", "#117733", "#ddcc77",
];

/// Levels that get a look of their own; the rest share grey.
pub const LOOKS: usize = 2 * COLOURS.len();

/// A colour and whether the marker is square.
pub fn look(at: usize) -> (&'static str, bool) {
    if at < LOOKS { (COLOURS[at % COLOURS.len()], at >= COLOURS.len()) } else { ("#b4b9bf", false) }
}
