//! Blocks among each other, outputs, and launches that do not fit.

use panfoma_ptx_interpreter::Kind;

use super::{COPY, check};

#[test]
fn an_output_nobody_wrote() {
    let finding = check(COPY, "st.global", "setp.ne.u32 %p, %i, 5;\n@%p st.global", Kind::UnwrittenOutput);
    assert!(finding.what.contains("byte 20"), "{finding}");
}
