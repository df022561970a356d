//! Where this build comes from.

/// Short commit hash, or `unknown` outside a git checkout.
pub const COMMIT: &str = env!("PANFOMA_COMMIT");
