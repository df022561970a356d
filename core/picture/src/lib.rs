//! Figures as PNG, drawn with fonts that the binary brings along: the same pixels on every machine.

use anyhow::{Context as _, Result};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use std::sync::Arc;

/// Pixels of the picture for one of the drawing: sharp in print.
const SCALE: f32 = 2.0;

/// Draws SVG text.
pub struct Painter {
    options: Options<'static>,
}

impl Default for Painter {
    /// Knows DejaVu Sans, regular and bold, and no font of the machine.
    fn default() -> Self {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.load_font_data(dejavu::sans::bold().to_vec());
        Self { options: Options { fontdb: Arc::new(fonts), ..Options::default() } }
    }
}

impl Painter {
    /// A PNG, twice as wide and high as the drawing. Errors: it is no SVG, or larger than memory.
    pub fn png(&self, svg: &str) -> Result<Vec<u8>> {
        let tree = Tree::from_str(svg, &self.options).context("drawing a figure")?;
        let size = tree.size().to_int_size().scale_by(SCALE).context("a figure is too large")?;
        let mut pixels = Pixmap::new(size.width(), size.height()).context("a figure is too large")?;
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
        pixels.encode_png().context("writing a figure as PNG")
    }
}
