//! `presynchook` and `postsynchook`: when they run, with what, and what is told of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, unused_imports, reason = "other tests use the rest of the rig")]
mod rig;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{Fault, ImapServer};
use rustix::process::{Pid, Signal, kill_process};

use crate::rig::Rig;

/// Nothing waits that long unless it is broken.
const DEADLINE: Duration = Duration::from_mins(1);

fn server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", simple("first")).unwrap();
    server
}

fn rig(server: &ImapServer) -> Rig {
    Rig::new(server.address(), server.user(), server.password())
}

/// Waits for what a hook does behind the program's back.
fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < DEADLINE, "{what}");
        sleep(Duration::from_millis(10));
    }
}

fn position(output: &str, part: &str) -> usize {
    output.find(part).unwrap_or_else(|| panic!("no '{part}' in: {output}"))
}

#[test]
fn hooks_run_around_the_sync_with_the_mode_in_the_environment() {
    let server = server();
    let rig = rig(&server)
        .account("presynchook = echo $OFFLINEIMAPSYNCMODE in $PWD for $HOME; ls Mail >&2; cat")
        .account("postsynchook = ls Mail; exit 3");
    let ended = rig.sync();
    let home = rig.home().display();
    let before = format!("Hook stdout: full in {home} for {home}\n\nHook stderr:");
    let told = [
        "*** Processing account Test",
        "Calling hook: echo $OFFLINEIMAPSYNCMODE in $PWD for $HOME; ls Mail >&2; cat\n",
        &before,
        "Hook return code: 0\n",
        "Establishing connection",
        "Copy message",
        "Calling hook: ls Mail; exit 3\n",
        "Hook stdout: INBOX\n\nHook stderr:\n",
        "Hook return code: 3\n",
        "*** Finished account",
    ];
    assert!(told.map(|part| position(&ended.output, part)).is_sorted(), "{}", ended.output);
    // There was no Maildir when the first one ran.
    let complaint = ended.output.split("Hook stderr:").nth(1).unwrap();
    assert!(complaint.contains("Mail"), "{}", ended.output);
}

#[test]
fn a_hook_runs_under_the_lock_and_before_any_connection() {
    let server = server();
    let rig = rig(&server).account(
        "presynchook = if test -e again; then exit; fi; touch again; \
         $PROGRAM -c offlineimaprc -o -u basic > inner 2>&1",
    );
    let program = env!("CARGO_BIN_EXE_offlineimap");
    let ended = rig.start(rig.command().env("PROGRAM", program)).wait();
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let inner = fs::read_to_string(rig.home().join("inner")).unwrap();
    assert!(inner.contains("Is another instance using this account?"), "{inner}");
    assert!(ended.output.contains("Hook return code: 1"), "{}", ended.output);
    rig.same_mail("after the outer run");
}

#[test]
fn a_hook_may_bring_the_maildir_in() {
    let server = server();
    let rig = rig(&server);
    rig.sync();
    fs::rename(rig.home().join("Mail"), rig.home().join("Unmounted")).unwrap();
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("is the disk mounted?"), "{}", ended.output);
    assert!(!rig.home().join("Mail").exists());

    let rig =
        rig.account("presynchook = mv Unmounted Mail").account("postsynchook = mv Mail Unmounted");
    server.mail().add("INBOX", simple("second")).unwrap();
    rig.sync();
    fs::rename(rig.home().join("Unmounted"), rig.home().join("Mail")).unwrap();
    assert_eq!(rig.maildir().messages("INBOX").len(), 2);
}

#[test]
fn output_that_is_no_utf8_is_told_as_well_as_possible() {
    let server = server();
    let rig = rig(&server).account(r"presynchook = printf 'caf\351'; printf '\377!' >&2; kill $$");
    let ended = rig.sync();
    let told = "Hook stdout: caf\u{fffd}\nHook stderr:\u{fffd}!\n\nHook return code: -15\n";
    assert!(ended.output.contains(told), "{}", ended.output);
    rig.same_mail("after a hook that failed");
}

#[test]
fn a_hook_that_leaves_something_running_is_not_waited_for_longer_than_itself() {
    let server = server();
    let rig = rig(&server).account("presynchook = sleep 300 & echo $! > sleeper");
    rig.sync();
    let sleeper = fs::read_to_string(rig.home().join("sleeper")).unwrap();
    // Still there: the run did not end because it had.
    let sleeper = Pid::from_raw(sleeper.trim().parse().unwrap()).unwrap();
    kill_process(sleeper, Signal::KILL).unwrap();
}

#[test]
fn a_dry_run_names_the_hooks_and_runs_none() {
    let server = server();
    let rig =
        rig(&server).account("presynchook = touch before").account("postsynchook = touch after");
    let ended = rig.run(&["--dry-run"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    for hook in ["touch before", "touch after"] {
        let told = format!("[DRYRUN] Calling hook: {hook}\n");
        assert_eq!(ended.output.matches(&told).count(), 1, "{}", ended.output);
    }
    assert!(!ended.output.contains("Hook return code"), "{}", ended.output);
    for trace in ["before", "after"] {
        assert!(!rig.home().join(trace).exists(), "{trace}");
    }
}

#[test]
fn the_hook_after_the_sync_runs_although_a_folder_failed() {
    let server = server();
    server.mail().create("Broken");
    server.fail(Fault::on("SELECT").containing("Broken").then_no("not today"));
    let rig = rig(&server).account("postsynchook = touch after");
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("not today"), "{}", ended.output);
    assert!(rig.home().join("after").exists(), "{}", ended.output);
}

#[test]
fn the_hook_after_the_sync_does_not_run_when_the_account_failed() {
    let server = server();
    server.fail(Fault::on("LIST").every_time().then_no("not today"));
    let failing = rig(&server).account("presynchook = touch before; exit 1");
    let failing = failing.account("postsynchook = touch after");
    let ended = failing.run(&[]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(failing.home().join("before").exists(), "{}", ended.output);
    assert!(!failing.home().join("after").exists(), "{}", ended.output);

    server.clear_faults();
    let idle = rig(&server).account("postsynchook = touch after");
    let ended = idle.run(&["-f", "Nowhere"]);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("no folder to sync"), "{}", ended.output);
    assert!(!idle.home().join("after").exists(), "{}", ended.output);
}

#[test]
fn a_signal_ends_the_wait_for_a_hook_and_skips_the_next_one() {
    for (hook, mail) in [("presynchook", 0), ("postsynchook", 1)] {
        let server = server();
        let rig = rig(&server).account(&format!(
            "{hook} = trap 'touch ended; exit' TERM; touch begun; \
             while test -e begun; do sleep 0.05; done"
        ));
        let rig = if mail == 0 { rig.account("postsynchook = touch after") } else { rig };
        let running = rig.start(&mut rig.command());
        wait_for("the hook begins", || rig.home().join("begun").exists());
        let id = i32::try_from(running.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::TERM).unwrap();
        let ended = running.wait();
        assert_eq!(ended.status, Some(0), "{hook}: {}", ended.output);
        assert!(ended.output.contains("Preparing to shutdown"), "{hook}: {}", ended.output);
        assert!(!ended.output.contains("Aborting"), "{hook}: {}", ended.output);
        wait_for("the hook was asked to end", || rig.home().join("ended").exists());
        assert!(!rig.home().join("after").exists(), "{hook}: {}", ended.output);
        assert_eq!(messages(&rig.home().join("Mail/INBOX/new")), mail, "{hook}: {}", ended.output);
    }
}

fn messages(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}
