//! How much shared memory a kernel declares outside of its own text: the header's budget says it, and `ptxas` and the
//! interpreter hold the kernel to it.

use panfoma_kernels::{Entry, entries};
use std::collections::BTreeMap;
use std::sync::LazyLock;

static DYNAMIC: LazyLock<BTreeMap<&str, usize>> =
    LazyLock::new(|| entries::MODULES.iter().map(|module| (module.name, of_text(module.ptx))).collect());

/// Bytes of dynamic shared memory of a kernel; 0 if it has none, or if they depend on its arguments.
pub(super) fn dynamic_shared(entry: &Entry) -> usize {
    DYNAMIC[entry.module.name]
}

/// `// budget sm_80 regs<=136 spills=0 smem=24832` of a text with `.extern .shared`.
fn of_text(ptx: &str) -> usize {
    let is_dynamic = ptx.lines().any(|line| line.starts_with(".extern .shared"));
    let budget = ptx.lines().find_map(|line| line.strip_prefix("// budget sm_80 ")).unwrap_or_default();
    let bytes = budget.split_whitespace().find_map(|word| word.strip_prefix("smem="));
    match (is_dynamic, bytes.map(str::parse)) {
        (true, Some(Ok(bytes))) => bytes,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::of_text;

    #[test]
    fn only_texts_with_external_shared_memory_ask_for_it() {
        let header = "// budget sm_80 regs<=136 spills=0 smem=24832\n";
        assert_eq!(of_text(&format!("{header}.extern .shared .align 16 .b8 s[];\n")), 24832);
        assert_eq!(of_text(&format!("{header}.shared .align 16 .b8 s[24832];\n")), 0);
    }
}
