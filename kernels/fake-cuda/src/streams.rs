//! Streams and events: what was asked for and has not happened yet.
//!
//! A GPU may do what stands in a stream whenever it likes, as long as it keeps the order within the stream and waits for
//! events. This one is as contrary as that allows. Nothing happens before somebody waits for it, and then no more of another
//! stream than an event asks for: whoever forgot to wait for a copy reads what was there before. With
//! `PANFOMA_FAKE_CUDA=eager` a stream that has nothing but copies from the host does them at once, while the others still let
//! theirs wait: whoever forgot to wait before a copy finds its bytes overwritten.

use panfoma_ptx_interpreter::Memory;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::c_int;

/// Something to do on the device.
pub type Task = Box<dyn FnOnce(&mut Memory) -> Result<(), c_int> + Send>;

enum Item {
    Do(Task),
    /// The event has happened so many times.
    Record(usize, u64),
    /// Not before the event has.
    Wait(usize, u64),
}

#[derive(Default)]
struct Event {
    asked: u64,
    happened: u64,
}

/// All streams of the device.
#[derive(Default)]
pub struct Streams {
    queues: BTreeMap<usize, VecDeque<Item>>,
    /// Streams that do more than copy from the host.
    working: BTreeSet<usize>,
    events: BTreeMap<usize, Event>,
    next: usize,
    /// What a task failed with: from then on everything does.
    failed: Option<c_int>,
}

impl Streams {
    /// A new stream.
    pub fn stream(&mut self) -> usize {
        self.next += 1;
        self.queues.insert(self.next, VecDeque::new());
        self.next
    }

    /// A new event that was never asked for.
    pub fn event(&mut self) -> usize {
        self.next += 1;
        self.events.insert(self.next, Event::default());
        self.next
    }

    /// What the device failed with, if it did.
    pub fn status(&self) -> Result<(), c_int> {
        self.failed.map_or(Ok(()), Err)
    }

    /// Puts a copy from the host at the end of a stream.
    pub fn push_copy(&mut self, memory: &mut Memory, stream: usize, task: Task) -> Result<(), c_int> {
        self.add(memory, stream, Item::Do(task))
    }

    /// Puts a task at the end of a stream.
    pub fn push(&mut self, memory: &mut Memory, stream: usize, task: Task) -> Result<(), c_int> {
        self.working.insert(stream);
        self.add(memory, stream, Item::Do(task))
    }

    /// The event happens when the stream has come this far.
    pub fn record(&mut self, memory: &mut Memory, event: usize, stream: usize) -> Result<(), c_int> {
        let of_event = self.events.get_mut(&event).expect("an event that was made");
        of_event.asked += 1;
        let count = of_event.asked;
        self.add(memory, stream, Item::Record(event, count))
    }

    /// The stream goes on only when the event has happened as often as it was asked for until now.
    pub fn wait(&mut self, memory: &mut Memory, stream: usize, event: usize) -> Result<(), c_int> {
        let count = self.events[&event].asked;
        self.add(memory, stream, Item::Wait(event, count))
    }

    fn add(&mut self, memory: &mut Memory, stream: usize, item: Item) -> Result<(), c_int> {
        self.queues.get_mut(&stream).expect("a stream that was made").push_back(item);
        if self.is_eager(stream) {
            while !self.is_held(stream) && self.step(memory, stream) {}
        }
        self.status()
    }

    fn is_eager(&self, stream: usize) -> bool {
        static EAGER: std::sync::LazyLock<bool> =
            std::sync::LazyLock::new(|| std::env::var("PANFOMA_FAKE_CUDA").is_ok_and(|mode| mode == "eager"));
        *EAGER && !self.working.contains(&stream)
    }

    /// Does the stream's next item wait for what has not happened?
    fn is_held(&self, stream: usize) -> bool {
        match self.queues[&stream].front() {
            Some(Item::Wait(event, count)) => self.events[event].happened < *count,
            _ => false,
        }
    }

    /// Has the event happened as often as it was asked for?
    pub fn has_happened(&self, event: usize) -> bool {
        self.events[&event].happened >= self.events[&event].asked
    }

    /// Does what must be done before the event has happened as often as it was asked for.
    pub fn await_event(&mut self, memory: &mut Memory, event: usize) -> Result<(), c_int> {
        let count = self.events[&event].asked;
        self.reach(memory, event, count);
        self.status()
    }

    fn reach(&mut self, memory: &mut Memory, event: usize, count: u64) {
        let asks = |item: &Item| matches!(item, Item::Record(of, n) if *of == event && *n >= count);
        while self.events[&event].happened < count {
            let holder = self.queues.iter().find(|(_, queue)| queue.iter().any(asks));
            let (&stream, _) = holder.expect("a stream in which the event is asked for");
            self.step(memory, stream);
        }
    }

    /// Does everything in a stream, and of the others what it waits for.
    pub fn finish(&mut self, memory: &mut Memory, stream: usize) -> Result<(), c_int> {
        while self.step(memory, stream) {}
        self.status()
    }

    /// Does everything.
    pub fn finish_all(&mut self, memory: &mut Memory) -> Result<(), c_int> {
        let streams: Vec<usize> = self.queues.keys().copied().collect();
        streams.into_iter().try_for_each(|stream| self.finish(memory, stream))
    }

    /// Does the next item of a stream; false if there is none.
    fn step(&mut self, memory: &mut Memory, stream: usize) -> bool {
        let Some(item) = self.queues.get_mut(&stream).and_then(VecDeque::pop_front) else { return false };
        match item {
            Item::Do(_) if self.failed.is_some() => {}
            Item::Do(task) => self.failed = task(memory).err(),
            Item::Record(event, count) => {
                self.events.get_mut(&event).expect("an event that was made").happened = count;
            }
            Item::Wait(event, count) => self.reach(memory, event, count),
        }
        true
    }
}
