//! Items that another thread makes, one ahead of who uses them.

use std::sync::mpsc;
use std::thread;

/// `use_them` with the items of an iterator; while it works on one, the next is made on a thread of its own.
///
/// Where `use_them` returns early, one item more than it took may have been made.
pub fn one_ahead<T: Send, R>(
    items: impl Iterator<Item = T> + Send,
    use_them: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
) -> R {
    thread::scope(|scope| {
        // An item is handed over from hand to hand: the maker holds the next one.
        let (give, take) = mpsc::sync_channel(0);
        scope.spawn(move || {
            for item in items {
                if give.send(item).is_err() {
                    return;
                }
            }
        });
        use_them(&mut take.into_iter())
    })
}

#[cfg(test)]
mod tests {
    use super::one_ahead;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn items_come_in_order_and_only_one_is_made_ahead() {
        let made = AtomicUsize::new(0);
        let items = (0..5).inspect(|_| {
            made.fetch_add(1, Ordering::SeqCst);
        });
        let taken = one_ahead(items, |items| {
            items
                .enumerate()
                .map(|(i, item)| {
                    assert!(made.load(Ordering::SeqCst) <= i + 2);
                    item
                })
                .collect::<Vec<_>>()
        });
        assert_eq!(taken, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn who_stops_early_stops_the_maker() {
        let made = AtomicUsize::new(0);
        let items = (0..1000).inspect(|_| {
            made.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(one_ahead(items, |items| items.next()), Some(0));
        assert!(made.load(Ordering::SeqCst) <= 2);
    }
}
