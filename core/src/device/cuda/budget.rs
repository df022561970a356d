//! How much dynamic shared memory a kernel is launched with: its header says it, and the interpreter holds it to that.

use panfoma_kernels::{Entry, entries};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static DYNAMIC: LazyLock<BTreeMap<&str, usize>> =
    LazyLock::new(|| entries::MODULES.iter().map(|module| (module.name, of_text(module.ptx))).collect());

/// Bytes of dynamic shared memory of a kernel; 0 if it has none, or if they depend on its arguments.
pub(super) fn dynamic_shared(entry: &Entry) -> usize {
    DYNAMIC[entry.module.name]
}

/// `// grid (...), block 128, dynamic shared 24832` of a header.
fn of_text(ptx: &str) -> usize {
    let header = ptx.lines().take_while(|line| line.starts_with("//"));
    let said = header.filter_map(|line| line.split_once("dynamic shared ")).next();
    said.and_then(|(_, bytes)| bytes.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::of_text;

    #[test]
    fn a_number_in_the_header_is_the_kernels_own() {
        assert_eq!(of_text("// a\n// grid 1, block 128, dynamic shared 24832\n.version 7.0\n"), 24832);
        assert_eq!(of_text("// grid n, block 1024, dynamic shared 8 n_keys\n"), 0);
        assert_eq!(of_text("// grid 1, block 128, static shared 2048\n// dynamic\n"), 0);
    }
}
