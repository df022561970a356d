//! How many threads to use: `--threads`, `SLURM_CPUS_PER_TASK`, `OMP_NUM_THREADS`, then what the cgroup and affinity allow.

/// The number of worker threads, at least 1.
pub fn count(flag: Option<usize>) -> usize {
    flag.or_else(|| variable("SLURM_CPUS_PER_TASK"))
        .or_else(|| variable("OMP_NUM_THREADS"))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .max(1)
}

fn variable(name: &str) -> Option<usize> {
    // OMP_NUM_THREADS may be a list for nested levels; its first entry is the outermost.
    std::env::var(name).ok()?.split(',').next()?.trim().parse().ok().filter(|&n| n > 0)
}

/// Sizes rayon's global pool; call once, before any parallel work.
pub fn install(threads: usize) {
    // A second call (a stage run as a library, in tests) keeps the first pool: results do not depend on its size.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}
