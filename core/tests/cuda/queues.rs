//! Two queues of a device: what is ordered by a mark and what is not.

use crate::compare::on_device;
use panfoma_core::device::cuda::{Address, Cuda, Driver, Queue};
use panfoma_core::device::{Ahead, Device};
use panfoma_core::ops::rows::Rows;

/// Ids that were brought ahead are used, forgotten, and others brought to where they were before the work has read them.
fn check_ids<D: Driver>(b: &Cuda<D>) {
    let table: Vec<f32> = (0..64 * 8).map(|i| (i / 8) as f32).collect();
    let x = b.activations(&[64, 8], &table).unwrap();
    let ahead = b.ahead().unwrap();
    let bring = |id: u32| Ahead::new(&ahead, ahead.index(&[id; 40]).unwrap()).unwrap();
    let mut brought = Some(bring(0));
    let rows: Vec<_> = (1..4)
        .map(|next| {
            let ids = brought.take().unwrap().arrived(b).unwrap();
            let rows = b.gather_rows(&x, &ids).unwrap();
            drop(ids);
            brought = Some(bring(next));
            rows
        })
        .collect();
    for (id, rows) in rows.iter().enumerate() {
        assert_eq!(b.download(rows).unwrap(), [id as f32; 320]);
    }
}

#[test]
fn ids_stay_until_the_work_has_read_them() {
    on_device!(check_ids);
}

/// A block of so many bytes, its address and its contents at the end.
struct Room<'a, D: Driver> {
    driver: &'a D,
    at: Address,
}

const BYTES: usize = 3000;

impl<'a, D: Driver> Room<'a, D> {
    fn new(b: &'a Cuda<D>, byte: u8) -> Self {
        let room = Self { driver: b.driver(), at: b.driver().allocate(BYTES).unwrap() };
        room.upload(Queue::Work, byte);
        room.driver.synchronize().unwrap();
        room
    }

    fn upload(&self, queue: Queue, byte: u8) {
        // SAFETY: the block has these bytes.
        unsafe { self.driver.upload(queue, self.at, &[byte; BYTES]).unwrap() }
    }

    fn copy_to(&self, other: &Self) {
        // SAFETY: both blocks have these bytes.
        unsafe { self.driver.copy(self.at, other.at, BYTES).unwrap() }
    }

    fn download(&self) -> Vec<u8> {
        let mut bytes = vec![0; BYTES];
        // SAFETY: the block has these bytes.
        unsafe { self.driver.download(self.at, &mut bytes).unwrap() };
        bytes
    }
}

impl<D: Driver> Drop for Room<'_, D> {
    fn drop(&mut self) {
        self.driver.synchronize().unwrap();
        // SAFETY: nothing uses it any more.
        unsafe { self.driver.free(self.at) }
    }
}

/// Work reads what the other queue brings: it waits, or on a device as slow as may be it finds what was there before.
fn check_read_after_copy<D: Driver>(b: &Cuda<D>, waits: bool) -> u8 {
    let (from, to) = (Room::new(b, 1), Room::new(b, 0));
    from.upload(Queue::Copies, 2);
    let brought = b.driver().mark(Queue::Copies).unwrap();
    if waits {
        b.driver().wait(Queue::Work, &brought).unwrap();
    }
    from.copy_to(&to);
    one(&to.download())
}

/// The other queue fills what work still reads: it waits, or on a device whose copies are quick the work reads too late.
fn check_copy_after_read<D: Driver>(b: &Cuda<D>, waits: bool) -> u8 {
    let (from, to) = (Room::new(b, 1), Room::new(b, 0));
    from.copy_to(&to);
    let read = b.driver().mark(Queue::Work).unwrap();
    if waits {
        b.driver().wait(Queue::Copies, &read).unwrap();
    }
    from.upload(Queue::Copies, 2);
    one(&to.download())
}

fn one(bytes: &[u8]) -> u8 {
    assert!(bytes.iter().all(|byte| *byte == bytes[0]));
    bytes[0]
}

#[test]
fn marks_order_what_two_queues_do() {
    let (read, copied) = (on_device!(check_read_after_copy, true), on_device!(check_copy_after_read, true));
    assert_eq!((read, copied), (2, 1));
}

/// The devices that the other tests run on are contrary enough to show a wait that was forgotten.
#[test]
fn a_wait_that_is_forgotten_shows() {
    let (read, copied) = (on_device!(check_read_after_copy, false), on_device!(check_copy_after_read, false));
    match (std::env::var("PANFOMA_FAKE_CUDA").as_deref(), std::env::var_os("PANFOMA_TEST_DEVICE")) {
        (Ok("eager"), _) => assert_eq!(copied, 2),
        // The interpreter, which copies late and works at once; and the library with streams.
        (_, None) | (Ok(_), _) => assert_eq!(read, 1),
        // A GPU, where it is chance.
        _ => {}
    }
}
