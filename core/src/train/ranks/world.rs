//! Which process of how many this is, as launchers tell.

use crate::engine::LANES;
use crate::stage::UserError;
use clap::Args;

/// Several processes for one run. None of these changes a byte of the model.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Several processes")]
pub struct RankFlags {
    /// This process's number, from 0 [default: that of torchrun, srun, mpirun or PMI, else the only one]
    #[arg(long, value_name = "N", requires = "world_size")]
    pub rank: Option<usize>,

    /// Processes of this run: 1, 2, 4, 8 or 16; the model has the same bytes for each
    #[arg(long, value_name = "N", requires = "rank")]
    pub world_size: Option<usize>,

    /// Where rank 0 listens [default: MASTER_ADDR:MASTER_PORT, else the first node of the Slurm step]
    #[arg(long, value_name = "HOST:PORT")]
    pub master: Option<String>,
}

/// This process among all of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// From 0.
    pub rank: usize,
    /// Number of processes.
    pub size: usize,
    /// `host:port` of rank 0.
    pub master: String,
}

/// Variables of a launcher: its name, rank, number of ranks. `SLURM_NTASKS` stands in batch scripts too, where one
/// process runs; the step's variables stand in what `srun` starts only.
const LAUNCHERS: [(&str, &str, &str); 4] = [
    ("torchrun", "RANK", "WORLD_SIZE"),
    ("srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ("Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI", "PMI_RANK", "PMI_SIZE"),
];
/// Slurm's ports begin here, as PyTorch Lightning has them; the job's last four digits are added.
const FIRST_PORT: u32 = 15_000;

impl World {
    /// By flags, else by the variables of a launcher; `None` for a run of one process.
    ///
    /// Errors: 64 for numbers that cannot be, or if nothing says where rank 0 is.
    pub fn discover(
        flags: &RankFlags,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, UserError> {
        let number = |name: &str| -> Result<Option<usize>, UserError> {
            let parse = |text: String| {
                let wrong = format!("{name} is `{text}`, expected a whole number");
                text.trim().parse().map_err(|_| UserError::usage(wrong))
            };
            variable(name).map(parse).transpose()
        };
        let mut found = flags.rank.zip(flags.world_size).map(|pair| ("the flags", pair));
        for (launcher, rank, size) in LAUNCHERS {
            if found.is_none() && variable(rank).is_some() && variable(size).is_some() {
                found = number(rank)?.zip(number(size)?).map(|pair| (launcher, pair));
            }
        }
        let Some((launcher, (rank, size))) = found else { return Ok(None) };
        if size <= 1 {
            return Ok(None);
        }
        if rank >= size {
            return Err(UserError::usage(format!(
                "rank {rank} of {size} by {launcher}, expected 0 to {}",
                size - 1
            )));
        }
        if !size.is_power_of_two() || size > LANES {
            return Err(UserError::usage(format!(
                "{size} processes by {launcher}, expected 1, 2, 4, 8 or {LANES}"
            ))
            .hint(
                "a step has 16 lanes, which are shared out evenly; give each process more threads instead",
            ));
        }
        let master = match &flags.master {
            Some(master) => master.clone(),
            None => master(&variable).ok_or_else(|| {
                UserError::usage(format!(
                    "{size} processes by {launcher}, and nothing says where rank 0 listens"
                ))
                .hint("pass `--master HOST:PORT`, or set MASTER_ADDR and MASTER_PORT")
            })?,
        };
        if !master
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        {
            return Err(UserError::usage(format!("`{master}` is no HOST:PORT")));
        }
        Ok(Some(Self { rank, size, master }))
    }
}

fn master(variable: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let job = || variable("SLURM_JOB_ID")?.trim().parse::<u32>().ok();
    let port =
        variable("MASTER_PORT").or_else(|| job().map(|job| (FIRST_PORT + job % 10_000).to_string()))?;
    let nodes = || variable("SLURM_STEP_NODELIST").or_else(|| variable("SLURM_JOB_NODELIST"));
    let host = variable("MASTER_ADDR").or_else(|| nodes().map(|list| first_node(&list)))?;
    Some(format!("{host}:{port}"))
}

/// The first of `gpu[003-007,9],login`.
fn first_node(list: &str) -> String {
    let Some((name, rest)) = list.split_once('[').filter(|(name, _)| !name.contains(',')) else {
        return list.split(',').next().unwrap_or(list).to_owned();
    };
    let number = rest.split(['-', ',', ']']).next().unwrap_or("");
    format!("{name}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discover(flags: RankFlags, variables: &[(&str, &str)]) -> Result<Option<World>, String> {
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        World::discover(&flags, variable).map_err(|error| error.message)
    }

    #[test]
    fn flags_come_before_torchrun_before_slurm_before_pmi() {
        let mut variables =
            vec![("PMI_RANK", "3"), ("PMI_SIZE", "4"), ("MASTER_ADDR", "a"), ("MASTER_PORT", "7")];
        let rank = |flags: RankFlags, variables: &[(&str, &str)]| {
            discover(flags, variables).unwrap().map(|world| (world.rank, world.size, world.master))
        };
        let at = |rank, size| Some((rank, size, "a:7".to_owned()));
        assert_eq!(rank(RankFlags::default(), &variables), at(3, 4));
        variables.extend([("SLURM_PROCID", "2"), ("SLURM_STEP_NUM_TASKS", "4")]);
        assert_eq!(rank(RankFlags::default(), &variables), at(2, 4));
        variables.extend([("RANK", "1"), ("WORLD_SIZE", "2")]);
        assert_eq!(rank(RankFlags::default(), &variables), at(1, 2));
        let flags = RankFlags { rank: Some(0), world_size: Some(8), master: Some("b:9".to_owned()) };
        assert_eq!(rank(flags, &variables), Some((0, 8, "b:9".to_owned())));
    }

    #[test]
    fn a_batch_script_of_many_tasks_is_one_process() {
        let script = [("SLURM_PROCID", "0"), ("SLURM_NTASKS", "4"), ("SLURM_JOB_ID", "7")];
        assert_eq!(discover(RankFlags::default(), &script), Ok(None));
        assert_eq!(discover(RankFlags::default(), &[]), Ok(None));
        assert_eq!(discover(RankFlags::default(), &[("RANK", "0"), ("WORLD_SIZE", "1")]), Ok(None));
    }

    #[test]
    fn slurm_names_the_first_node_and_the_port() {
        for (list, host) in
            [("n[1-2]", "n1"), ("gpu[003-007,9],x", "gpu003"), ("a,b[1-2]", "a"), ("alone", "alone")]
        {
            let step = [
                ("SLURM_PROCID", "1"),
                ("SLURM_STEP_NUM_TASKS", "2"),
                ("SLURM_STEP_NODELIST", list),
                ("SLURM_JOB_ID", "1234567"),
            ];
            let world = discover(RankFlags::default(), &step).unwrap().unwrap();
            assert_eq!(world, World { rank: 1, size: 2, master: format!("{host}:19567") });
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |rank, size, master: &str| {
            let flags =
                RankFlags { rank: Some(rank), world_size: Some(size), master: Some(master.to_owned()) };
            discover(flags, &[]).unwrap_err()
        };
        assert!(refused(2, 2, "a:1").contains("rank 2 of 2"));
        assert!(refused(0, 3, "a:1").contains("3 processes"));
        assert!(refused(0, 32, "a:1").contains("32 processes"));
        assert!(refused(0, 2, "a").contains("no HOST:PORT"));
        let nowhere = [("RANK", "0"), ("WORLD_SIZE", "2")];
        assert!(discover(RankFlags::default(), &nowhere).unwrap_err().contains("where rank 0 listens"));
        let wrong = [("RANK", "zero"), ("WORLD_SIZE", "2")];
        assert!(discover(RankFlags::default(), &wrong).unwrap_err().contains("`zero`"));
    }
}
