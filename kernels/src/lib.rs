//! Handwritten PTX kernels of the PanFoMa model. The CUDA backend arrives with a later release; the CPU backend in `panfoma-core` is complete without it.
