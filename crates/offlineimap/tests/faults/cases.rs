//! Many cases of one test: chosen by a seed, played several at once, all failures told together.

use std::any::Any;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// Cases mostly wait, for the program and for pauses within it.
const AT_ONCE: usize = 6;

/// A sequence of numbers that is the same for the same seed (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Seeded {
    pub(crate) seed: u64,
    state: u64,
}

impl Seeded {
    /// The seed of the environment, or one for this test.
    pub(crate) fn or(seed: u64) -> Self {
        let wanted = std::env::var("OFFLINEIMAP_FAULT_SEED").ok();
        let seed = wanted.map_or(seed, |text| text.parse().unwrap());
        Self { seed, state: seed }
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % limit.max(1)
    }

    /// Numbers below a limit, one from each of `count` equal stretches: nothing long is left out.
    pub(crate) fn spread(&mut self, count: u64, limit: u64) -> Vec<u64> {
        let stretch = (limit / count).max(1);
        (0..count).map(|at| at * stretch + self.below(stretch)).filter(|n| *n < limit).collect()
    }
}

/// Plays all cases, and fails with all that failed.
pub(crate) fn play<C: Debug + Sync>(seed: u64, cases: &[C], play: impl Fn(&C) + Sync) {
    assert!(!cases.is_empty(), "a test without cases shows nothing");
    let next = Mutex::new(cases.iter());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(case) = next.lock().unwrap().next() else { return };
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| play(case))) {
                        let text = format!("{case:?}: {}", message(&*panic));
                        failures.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "seed {seed}: {} of {} cases failed\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
        .unwrap_or_else(|| "a panic without words".to_owned())
}
