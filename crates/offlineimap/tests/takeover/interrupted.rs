//! A takeover and an export that are killed at every step.

use crate::elder::{FOLDERS, Inheritance, ORDINARY};

/// No takeover of the tests has as many steps.
const MANY_STEPS: usize = 400;

#[test]
fn a_takeover_that_is_killed_again_and_again_comes_to_the_same_end() {
    let account = Inheritance::new(ORDINARY);
    account.change_both_sides();
    drop(account.rig.overheard());
    let mut step = 0;
    loop {
        step += 1;
        assert!(step < MANY_STEPS, "the takeover never ends");
        if account.rig.crash(step).len() < step {
            break;
        }
    }
    account.assert_changes_are_everywhere("after so many crashes");
    // An upload whose answer was lost is found again, and not repeated.
    assert_eq!(account.rig.moved().uploads, FOLDERS.len());
    account.rig.does_nothing("after so many crashes");
}

#[test]
fn a_folder_that_has_to_be_created_deletes_nothing_whenever_the_program_is_killed() {
    let account = Inheritance::new(ORDINARY);
    std::fs::remove_dir_all(account.maildir().folder("Lists.rust")).unwrap();
    let mut step = 0;
    loop {
        step += 1;
        assert!(step < MANY_STEPS, "the takeover never ends");
        let ended = account.rig.crash(step).len() < step;
        let left = account.imap().messages("Lists/rust").len();
        assert_eq!(left, 6, "a message was taken for deleted, step {step}");
        if ended {
            break;
        }
    }
    let world = account.same_mail("downloaded again");
    assert!(world.values().all(|mails| mails.len() == 6), "{world:#?}");
}

#[test]
fn an_export_that_is_killed_leaves_the_state_in_use() {
    let account = Inheritance::new(ORDINARY);
    account.rig.sync();
    // Opening the state, a step for each folder, taking the state out of use.
    for step in 1..=FOLDERS.len() + 2 {
        let mut command = account.rig.command();
        command.args(["state", "export", "--crash-at-step", &step.to_string()]);
        let ended = account.rig.start(&mut command).wait();
        assert_eq!(ended.signal, Some(9), "step {step}: {}", ended.output);
        account.rig.does_nothing("after a crash");
    }
    account.export();
    account.elder_does_nothing("given back");
}
