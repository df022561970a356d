//! Parameters with a forward and a backward pass.
