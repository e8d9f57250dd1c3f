//! Two servers that OfflineIMAP has kept the same, with its map of UIDs.

use std::collections::BTreeMap;

use offlineimap_testkit::dovecot::Dovecot;

use crate::elder::{message, sync_by_elder};
use crate::rig::{Ended, Imap, Moved, Rig, Wiretap, sorted};

/// The folders on the remote server.
const FOLDERS: [&str; 4] = ["INBOX", "Lists", "Lists/rust", "Sent Mail"];

/// Two accounts of mail with a home directory in which they are kept the same.
struct Couple {
    /// Its server is the remote one.
    rig: Rig,
    local: Dovecot,
    tap: Wiretap,
    naming: Naming,
    // Ends after the rig, which talks to it.
    _remote: Dovecot,
}

/// Which names folders have on the local server, separators apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    Same,
    /// By `nametrans` on both sides.
    Translated,
}

/// Subjects and flags by folder, sorted.
type Mails = BTreeMap<&'static str, Vec<String>>;

impl Couple {
    /// Fills the remote server, and lets OfflineIMAP sync.
    fn new(naming: Naming) -> Self {
        let remote = Dovecot::builder().separator('/').start().unwrap();
        let local = Dovecot::builder().separator('.').start().unwrap();
        let endpoint = local.endpoint();
        let tap = Wiretap::start(endpoint.address);
        let (there, here) = match naming {
            Naming::Same => ("", ""),
            Naming::Translated => (
                "nametrans = lambda f: re.sub('^Lists', 'Mailing lists', f)",
                "nametrans = lambda f: re.sub('^Mailing lists', 'Lists', f)",
            ),
        };
        let rig = Rig::of(remote.endpoint()).remote(there).section(&format!(
            "[Account Couple]\nlocalrepository = Here\nremoterepository = Remote\n\n\
             [Repository Here]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {port}\n\
             remoteuser = {user}\nremotepass = {password}\nssl = no\nstarttls = no\n{here}\n",
            port = tap.port(),
            user = endpoint.user,
            password = endpoint.password,
        ));
        let couple = Self { rig, local, tap, naming, _remote: remote };
        let mut imap = couple.there();
        for folder in FOLDERS {
            // The UIDs of both sides differ from here on.
            imap.fill(folder, 1, |number| message(&subject(folder, number)));
        }
        drop(imap);
        couple.sync_by_elder();
        couple.same_mail("after OfflineIMAP's first sync");
        drop(couple.moved());
        couple
    }

    fn there(&self) -> Imap {
        self.rig.imap()
    }

    fn here(&self) -> Imap {
        let endpoint = self.local.endpoint();
        Imap::connect(endpoint.address, &endpoint.user, &endpoint.password)
    }

    fn local(&self, folder: &str) -> String {
        let folder = match self.naming {
            Naming::Same => folder.to_owned(),
            Naming::Translated => folder.replace("Lists", "Mailing lists"),
        };
        folder.replace('/', ".")
    }

    fn sync_by_elder(&self) -> Ended {
        let ended = sync_by_elder(&self.rig, &["-a", "Couple"]);
        self.tap.wait_for_hangup();
        ended
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let ended = self.rig.run(&[&["-a", "Couple"], arguments].concat());
        self.tap.wait_for_hangup();
        assert_eq!(ended.status, Some(0), "{}", ended.output);
        ended
    }

    /// What was said to the remote server and to the local one since this was last asked, as far as
    /// it matters.
    fn moved(&self) -> [Moved; 2] {
        [self.rig.moved(), Moved::by(self.tap.take())]
    }

    fn mails(imap: &mut Imap, name: impl Fn(&str) -> String) -> Mails {
        let read = |folder: &'static str| {
            let mails = imap.messages(&name(folder)).into_iter();
            (folder, sorted(mails.map(|mail| format!("{} [{}]", mail.subject(), mail.flags))))
        };
        FOLDERS.into_iter().map(read).collect()
    }

    /// What both servers hold, which must be the same.
    fn same_mail(&self, when: &str) -> Mails {
        let there = Self::mails(&mut self.there(), str::to_owned);
        let here = Self::mails(&mut self.here(), |folder| self.local(folder));
        assert_eq!(there, here, "{when}");
        here
    }

    /// Runs this program, which has nothing to do, and must say so to nobody.
    fn nothing_moves(&self, when: &str) -> Ended {
        drop(self.moved());
        let ended = self.run(&[]);
        assert_eq!(self.moved(), [Moved::default(), Moved::default()], "{when}: {}", ended.output);
        ended
    }

    fn is_taken_over_untouched(&self, when: &str) {
        let ended = self.nothing_moves(when);
        for folder in FOLDERS {
            let told = format!("that OfflineIMAP had synced in folder {}", self.local(folder));
            assert!(ended.output.contains(&told), "{when}: {}", ended.output);
        }
        self.nothing_moves(when);
    }

    fn is_given_back(&self) {
        let exported = self.rig.run(&["-a", "Couple", "state", "export"]);
        assert_eq!(exported.status, Some(0), "{}", exported.output);
        drop(self.moved());
        let ended = self.sync_by_elder();
        assert_eq!(self.moved(), [Moved::default(), Moved::default()], "{}", ended.output);
    }
}

fn subject(folder: &str, number: usize) -> String {
    format!("{folder} {number}")
}

fn there_and_back(naming: Naming) {
    let couple = Couple::new(naming);
    couple.is_taken_over_untouched("taken over");
    couple.is_given_back();
    couple.is_taken_over_untouched("taken over again");
}

/// What OfflineIMAP had not got round to is done, and nothing else.
fn pending_changes_are_carried_over(naming: Naming) {
    let couple = Couple::new(naming);
    let (mut there, mut here) = (couple.there(), couple.here());
    for folder in FOLDERS {
        let local = couple.local(folder);
        let uid = |imap: &mut Imap, name: &str, number| imap.uid(name, &subject(folder, number));
        let (flagged, deleted) = (uid(&mut there, folder, 0), uid(&mut there, folder, 1));
        there.set_flags(folder, flagged, "RS");
        there.remove(folder, &deleted.to_string());
        there.append(folder, "F", &message(&format!("{folder} new there")));
        let (flagged, deleted) = (uid(&mut here, &local, 2), uid(&mut here, &local, 3));
        here.set_flags(&local, flagged, "S");
        here.remove(&local, &deleted.to_string());
        here.append(&local, "R", &message(&format!("{folder} new here")));
    }
    drop((there, here));
    drop(couple.moved());
    let ended = couple.run(&[]);
    let [remote, local] = couple.moved();
    for moved in [remote, local] {
        let counts = (moved.downloads.len(), moved.uploads);
        assert_eq!(counts, (FOLDERS.len(), FOLDERS.len()), "{moved:#?}\n{}", ended.output);
    }
    let world = couple.same_mail(&ended.output);
    for (folder, mails) in world {
        let mut expected: Vec<String> = [(0, "RS"), (2, "S"), (4, "F"), (5, "S")]
            .map(|(number, flags)| format!("{} [{flags}]", subject(folder, number)))
            .into();
        expected.push(format!("{folder} new there [F]"));
        expected.push(format!("{folder} new here [R]"));
        expected.sort();
        assert_eq!(mails, expected, "{}", ended.output);
    }
    couple.nothing_moves("after the takeover");
    couple.is_given_back();
    couple.is_taken_over_untouched("taken over again");
}

#[test]
fn two_servers_with_the_same_names() {
    there_and_back(Naming::Same);
    pending_changes_are_carried_over(Naming::Same);
}

#[test]
fn two_servers_with_translated_names() {
    there_and_back(Naming::Translated);
    pending_changes_are_carried_over(Naming::Translated);
}
