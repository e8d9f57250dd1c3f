//! SIGTERM in the middle of a sync.

use std::thread::sleep;
use std::time::{Duration, Instant};

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::random;
use rustix::process::{Pid, Signal, kill_process};

use crate::rig::{Rig, lf};

/// Two seconds are promised; a busy machine gets some more.
const LIMIT: Duration = Duration::from_secs(8);

/// How long a sync may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_sync_that_is_asked_to_stop_stops_in_order_and_is_completed_later() {
    const MESSAGES: u64 = 1_500;
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    maildir.create("INBOX");
    let mut expected = Vec::new();
    for number in 0..MESSAGES {
        let message = random(number, 4_000).to_bytes();
        if number % 2 == 0 {
            imap.append("INBOX", "", &message);
        } else {
            maildir.deliver("INBOX", "", &lf(&message));
        }
        expected.push(lf(&message));
    }
    expected.sort();
    drop(imap);

    let running = rig.start(&mut rig.command());
    let begun = Instant::now();
    let enough = usize::try_from(MESSAGES).unwrap() / 2 + 20;
    while maildir_size(&rig) < enough {
        assert!(begun.elapsed() < PATIENCE, "the sync does not begin");
        sleep(Duration::from_millis(1));
    }
    let asked = Instant::now();
    kill_process(Pid::from_raw(running.id().try_into().unwrap()).unwrap(), Signal::TERM).unwrap();
    let ended = running.wait();
    let took = asked.elapsed();
    rig.wait_for_hangup();
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(took < LIMIT, "it took {took:?}");
    assert!(ended.output.contains("Preparing to shutdown"), "{}", ended.output);
    let (remote, local) = (rig.remote_world(), rig.local_world());
    let counts = [remote, local].map(|world| world.values().map(Vec::len).sum::<usize>());
    let all = usize::try_from(MESSAGES).unwrap();
    assert_ne!(counts, [all, all], "the sync was over before it could be stopped");
    assert!(rig.maildir().leftovers().is_empty(), "{:?}", rig.maildir().leftovers());

    rig.sync();
    let world = rig.same_mail("after the next sync");
    let contents = world.get("INBOX").unwrap().iter().map(|mail| mail.content.clone());
    assert!(contents.eq(expected), "something was lost, or is twice");
    rig.does_nothing("after the next sync");
}

fn maildir_size(rig: &Rig) -> usize {
    let parts = ["cur", "new"].map(|part| rig.maildir().folder("INBOX").join(part));
    let sizes = parts.iter().map(|part| std::fs::read_dir(part).map_or(0, Iterator::count));
    sizes.sum()
}
