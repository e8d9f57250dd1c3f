//! The program dies before each of its steps, is run again, and must arrive where it would have
//! arrived without dying.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::scenario::{
    FIRST, INSIDE_AND_OUTSIDE, SECOND, Stage, changes_inside_and_outside, changes_on_both_sides,
    mail_on_both_sides, restricted,
};

/// Cases run on so many stages at once.
const STAGES: usize = 2;

#[test]
fn a_first_sync_survives_death_at_every_step() {
    let set = || Stage::set(mail_on_both_sides);
    sweep("first sync", set, |stage, when| stage.assert_holds(FIRST, when), |_| None);
}

#[test]
fn a_sync_of_changes_survives_death_at_every_step() {
    let set = || Stage::set(changes_on_both_sides);
    sweep("changes", set, |stage, when| stage.assert_holds(SECOND, when), |_| None);
}

#[test]
fn a_sync_of_changes_survives_death_at_every_step_and_again_in_the_run_after() {
    let set = || Stage::set(changes_on_both_sides);
    let again: Again = |step| Some(1 + step * 5 % 7);
    sweep("changes, dying twice", set, |stage, when| stage.assert_holds(SECOND, when), again);
}

#[test]
fn a_sync_within_a_restriction_survives_death_at_every_step() {
    let set = || Stage::configured(restricted, changes_inside_and_outside);
    let [remote, local] = INSIDE_AND_OUTSIDE;
    let holds = |stage: &Stage, when: &str| stage.assert_sides_hold(remote, local, when);
    sweep("restriction", set, holds, |_| None);
}

/// At which step of the next run the program dies again.
type Again = fn(usize) -> Option<usize>;

/// Every case begins on a stage that `set` sets, and must end with what `holds` asserts.
fn sweep(name: &str, set: fn() -> Stage, holds: impl Fn(&Stage, &str) + Sync, again: Again) {
    let steps = uninterrupted(name, set, &holds);
    let next = AtomicUsize::new(1);
    let died = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                let stage = set();
                loop {
                    let step = next.fetch_add(1, Ordering::SeqCst);
                    if step > steps {
                        break;
                    }
                    stage.reset();
                    let taken = stage.rig.crash(step);
                    died.fetch_add(usize::from(taken.len() == step), Ordering::SeqCst);
                    let last = taken.last().map_or("", String::as_str);
                    let when = format!("{name}: after death at step {step} ({last})");
                    if let Some(step) = again(step) {
                        stage.rig.crash(step);
                    }
                    let ended = stage.rig.run(&[]);
                    assert_eq!(ended.status, Some(0), "{when}: {}", ended.output);
                    holds(&stage, &when);
                    stage.rig.does_nothing(&when);
                }
            });
        }
    });
    let died = died.load(Ordering::SeqCst);
    assert!(died > steps * 9 / 10, "{name}: only {died} of {steps} runs died");
}

/// Runs without interruption, and returns how many steps that took.
fn uninterrupted(name: &str, set: fn() -> Stage, holds: impl Fn(&Stage, &str)) -> usize {
    let stage = set();
    let steps = stage.rig.steps();
    holds(&stage, name);
    stage.rig.does_nothing(name);
    assert!(steps.len() > 30, "{name} is too small to test anything: {steps:#?}");
    steps.len()
}
