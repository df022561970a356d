//! The batch of the next step, made while this one is computed.

use std::panic::resume_unwind;
use std::thread;

/// Makes what steps need on a thread of its own, one step ahead.
///
/// What is made depends on the step alone, so a run that begins at any step, or is asked for any other, has the same.
pub struct NextStep<T> {
    /// Steps of the run: nothing is made beyond it.
    steps: u64,
    made: Option<(u64, anyhow::Result<T>)>,
}

impl<T: Send> NextStep<T> {
    /// For a run of so many steps.
    pub fn new(steps: u64) -> Self {
        Self { steps, made: None }
    }

    /// Computes `step` with what `make` gives for it, while `make` works for the next.
    ///
    /// Errors: that of `make` for this step. One for the next is kept until its turn.
    pub fn compute<R>(
        &mut self,
        step: u64,
        mut make: impl FnMut(u64) -> anyhow::Result<T> + Send,
        compute: impl FnOnce(T) -> R,
    ) -> anyhow::Result<R> {
        let now = match self.made.take() {
            Some((at, made)) if at == step => made?,
            _ => make(step)?,
        };
        if step + 1 >= self.steps {
            return Ok(compute(now));
        }
        let (result, next) = thread::scope(|scope| {
            let next = scope.spawn(|| make(step + 1));
            (compute(now), next.join())
        });
        self.made = Some((step + 1, next.unwrap_or_else(|panic| resume_unwind(panic))));
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_next_step_is_made_while_this_one_is_computed_and_none_beyond_the_last() {
        let (made, seen) = mpsc::channel();
        let make = |step: u64| {
            made.send(step).unwrap();
            Ok(10 * step)
        };
        let mut next = NextStep::new(3);
        // The computation of a step ends only when the next one is there.
        let wait = |value: u64, expected: &[u64]| {
            expected.iter().for_each(|&step| assert_eq!(seen.recv().unwrap(), step));
            value
        };
        assert_eq!(next.compute(0, make, |x| wait(x, &[0, 1])).unwrap(), 0);
        assert_eq!(next.compute(1, make, |x| wait(x, &[2])).unwrap(), 10);
        assert_eq!(next.compute(2, make, |x| x).unwrap(), 20);
        assert!(seen.try_recv().is_err(), "a step beyond the last was made");
        // A run that goes on elsewhere.
        assert_eq!(next.compute(1, make, |x| wait(x, &[1, 2])).unwrap(), 10);
        assert_eq!(next.compute(0, make, |x| wait(x, &[0, 1])).unwrap(), 0);
    }

    #[test]
    fn an_error_comes_through_at_its_own_step() {
        let make = |step: u64| if step == 1 { Err(anyhow::anyhow!("the file is gone")) } else { Ok(step) };
        let mut next = NextStep::new(9);
        assert_eq!(next.compute(0, make, |x| x).unwrap(), 0);
        assert_eq!(next.compute(1, make, |x| x).unwrap_err().to_string(), "the file is gone");
    }
}
