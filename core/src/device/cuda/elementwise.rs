//! Casts and sums that are no operation of the model, only of its storage.
