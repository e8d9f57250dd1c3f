//! The program dies before each of its steps, is run again, and must arrive where it would have
//! arrived without dying.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::rig::Rig;
use crate::scenario::{FIRST, SECOND, Stage, changes_on_both_sides, mail_on_both_sides};

/// Cases run on so many stages at once.
const STAGES: usize = 2;

#[test]
fn a_first_sync_survives_death_at_every_step() {
    sweep("first sync", mail_on_both_sides, FIRST, |_| None);
}

#[test]
fn a_sync_of_changes_survives_death_at_every_step() {
    sweep("changes", changes_on_both_sides, SECOND, |_| None);
}

#[test]
fn a_sync_of_changes_survives_death_at_every_step_and_again_in_the_run_after() {
    let again: Again = |step| Some(1 + step * 5 % 7);
    sweep("changes, dying twice", changes_on_both_sides, SECOND, again);
}

/// At which step of the next run the program dies again.
type Again = fn(usize) -> Option<usize>;

fn sweep(name: &str, prepare: fn(&Rig), expected: &[&str], again: Again) {
    let steps = uninterrupted(name, prepare, expected);
    let next = AtomicUsize::new(1);
    let died = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..STAGES {
            scope.spawn(|| {
                let stage = Stage::set(prepare);
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
                    stage.assert_holds(expected, &when);
                    stage.rig.does_nothing(&when);
                }
            });
        }
    });
    let died = died.load(Ordering::SeqCst);
    assert!(died > steps * 9 / 10, "{name}: only {died} of {steps} runs died");
}

/// Runs without interruption, and returns how many steps that took.
fn uninterrupted(name: &str, prepare: fn(&Rig), expected: &[&str]) -> usize {
    let stage = Stage::set(prepare);
    let steps = stage.rig.steps();
    stage.assert_holds(expected, name);
    stage.rig.does_nothing(name);
    assert!(steps.len() > 30, "{name} is too small to test anything: {steps:#?}");
    steps.len()
}
