//! The lock of an account, beside OfflineIMAP, which takes a lock of one kind or the other.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::ImapServer;

use crate::rig::Rig;
use crate::rig_for;

/// Takes a lock as OfflineIMAP does: without the module `portalocker`, and with it.
const KINDS: [&str; 2] = ["lockf", "flock"];

/// Takes the lock, says so, and keeps it until its input ends.
const HOLDER: &str = "\
import fcntl, sys
file = open(sys.argv[1], 'w')
getattr(fcntl, sys.argv[2])(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
print('held', flush=True)
sys.stdin.read()
";

/// Tries both kinds of lock, and says which it got.
const ATTEMPT: &str = "\
import fcntl
for kind in ('lockf', 'flock'):
    try:
        getattr(fcntl, kind)(open('metadata/Test.lock', 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)
        print(kind, 'taken')
    except OSError:
        print(kind, 'refused')
";

/// Another program that holds the lock of the account.
struct Holder(Child);

impl Holder {
    fn of(rig: &Rig, kind: &str) -> Self {
        fs::create_dir_all(rig.metadata()).unwrap();
        let mut command = Command::new("python3");
        command.args(["-c", HOLDER]).arg(rig.metadata().join("Test.lock")).arg(kind);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "held\n");
        Self(child)
    }

    fn let_go(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_lock_of_either_kind_is_respected_and_its_file_stays() {
    for kind in KINDS {
        let server = ImapServer::start().unwrap();
        server.mail().add("INBOX", simple("hello")).unwrap();
        let rig = rig_for(&server);
        let holder = Holder::of(&rig, kind);
        for _ in 0..2 {
            let ended = rig.run(&[]);
            assert_eq!(ended.status, Some(1), "{kind}: {}", ended.output);
            let told = "Could not lock account Test. Is another instance using this account?";
            assert!(ended.output.contains(told), "{kind}: {}", ended.output);
            assert!(rig.metadata().join("Test.lock").exists(), "{kind}: the lock is another's");
            assert_eq!(server.log().lines(), Vec::<String>::new(), "{kind}");
        }
        holder.let_go();
        rig.sync();
        rig.same_mail(kind);
    }
}

#[test]
fn while_an_account_is_synced_neither_kind_of_lock_can_be_had() {
    let server = ImapServer::start().unwrap();
    let rig = rig_for(&server).account("presynchook = python3 attempt.py > attempts");
    fs::write(rig.home().join("attempt.py"), ATTEMPT).unwrap();
    let ended = rig.sync();
    let attempts = fs::read_to_string(rig.home().join("attempts")).unwrap();
    assert_eq!(attempts, "lockf refused\nflock refused\n", "{}", ended.output);
    assert!(!rig.metadata().join("Test.lock").exists(), "it is removed by whoever had it");
}
