//! A small account in which everything happens that can happen, and which can be put back to where
//! it was before a run.

use std::path::{Path, PathBuf};

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::simple;
use tempfile::TempDir;

use crate::rig::{Rig, World, copy_tree, lf, summary};

/// A server and a rig that are put back before each case.
pub(crate) struct Stage {
    pub(crate) server: Dovecot,
    pub(crate) rig: Rig,
    saved: TempDir,
}

/// What of a stage is saved: the server's mail, and the local side with its state.
const PARTS: [&str; 3] = ["server", "Mail", "metadata"];

impl Stage {
    /// A stage on which `prepare` has been played.
    pub(crate) fn set(prepare: impl Fn(&Rig)) -> Self {
        Self::configured(|rig| rig, prepare)
    }

    /// The same, with more lines in the configuration.
    pub(crate) fn configured(configure: impl Fn(Rig) -> Rig, prepare: impl Fn(&Rig)) -> Self {
        let server = Dovecot::start().unwrap();
        let rig = configure(Rig::of(server.endpoint()));
        prepare(&rig);
        let stage = Self { server, rig, saved: tempfile::tempdir().unwrap() };
        for part in PARTS.iter().filter(|part| stage.place(part).exists()) {
            copy_tree(&stage.place(part), &stage.saved.path().join(part));
        }
        stage
    }

    /// Puts everything back.
    pub(crate) fn reset(&self) {
        for part in PARTS {
            let saved = self.saved.path().join(part);
            if saved.exists() {
                copy_tree(&saved, &self.place(part));
            } else {
                remove(&self.place(part));
            }
        }
    }

    /// Both sides hold this, with the content that belongs to each subject.
    pub(crate) fn assert_holds(&self, expected: &[&str], when: &str) {
        assert_is(&self.rig.same_mail(when), expected, when);
        self.assert_tidy(when);
    }

    /// The sides hold this, with the content that belongs to each subject.
    pub(crate) fn assert_sides_hold(&self, remote: &[&str], local: &[&str], when: &str) {
        assert_is(&self.rig.remote_world(), remote, &format!("{when}, on the server"));
        assert_is(&self.rig.local_world(), local, &format!("{when}, locally"));
        self.assert_tidy(when);
    }

    fn assert_tidy(&self, when: &str) {
        let leftovers = self.rig.maildir().leftovers();
        assert!(leftovers.is_empty(), "{when}: {leftovers:?}");
    }

    fn place(&self, part: &str) -> PathBuf {
        if part == "server" { self.server.mail_directory() } else { self.rig.home().join(part) }
    }
}

fn assert_is(world: &World, expected: &[&str], when: &str) {
    assert_eq!(summary(world), expected, "{when}");
    for mail in world.values().flatten() {
        let content = lf(&text(&mail.subject()));
        assert!(mail.content == content, "{when}: another content of {mail:?}");
    }
}

fn remove(directory: &Path) {
    drop(std::fs::remove_dir_all(directory));
}

/// The message about a subject, in wire form; without a Message-ID, or larger than [`LIMIT`], if the
/// subject says so.
pub(crate) fn text(subject: &str) -> Vec<u8> {
    let mut text = simple(subject).to_bytes().to_vec();
    if subject.contains("large") {
        text.extend(std::iter::repeat_n(b"and so on\r\n", LIMIT / 10).flatten());
    }
    if subject.contains("anonymous") {
        let text = String::from_utf8(text).unwrap();
        let fields = text.split_inclusive("\r\n").filter(|line| !line.starts_with("Message-ID"));
        return fields.collect::<String>().into_bytes();
    }
    text
}

/// Mail on both sides that were never synced.
pub(crate) fn mail_on_both_sides(rig: &Rig) {
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    for n in 0..10 {
        imap.append("INBOX", if n % 2 == 0 { "S" } else { "" }, &text(&format!("old {n}")));
    }
    imap.append("INBOX", "", &text("old anonymous"));
    imap.create("Lists/rust");
    imap.append("Lists/rust", "RS", &text("list"));
    maildir.create("INBOX");
    maildir.deliver("INBOX", "FS", &lf(&text("here 1")));
    maildir.deliver("INBOX", "", &lf(&text("here anonymous")));
    maildir.create("Only.here");
    maildir.deliver("Only.here", "S", &lf(&text("here 2")));
}

/// What both sides hold after the first sync.
pub(crate) const FIRST: &[&str] = &[
    "INBOX: here 1 [FS]",
    "INBOX: here anonymous []",
    "INBOX: old 0 [S]",
    "INBOX: old 1 []",
    "INBOX: old 2 [S]",
    "INBOX: old 3 []",
    "INBOX: old 4 [S]",
    "INBOX: old 5 []",
    "INBOX: old 6 [S]",
    "INBOX: old 7 []",
    "INBOX: old 8 [S]",
    "INBOX: old 9 []",
    "INBOX: old anonymous []",
    "Lists.rust: list [RS]",
    "Only.here: here 2 [S]",
    // Parents are created on the server, and then exist on both sides.
    "Only:",
];

/// The same account, synced, and then changed on both sides in every way.
pub(crate) fn changes_on_both_sides(rig: &Rig) {
    mail_on_both_sides(rig);
    rig.sync();
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    let mut there = |change: There<'_>| change.apply(&mut imap);
    there(There::New("new there 1", "S"));
    there(There::New("new there anonymous", ""));
    maildir.deliver("INBOX", "F", &lf(&text("new here 1")));
    maildir.deliver("INBOX", "", &lf(&text("new here anonymous")));
    there(There::Flags("old 0", "FS"));
    maildir.set_flags("INBOX", "old 1", "RS");
    there(There::Flags("old 2", "FS"));
    maildir.set_flags("INBOX", "old 2", "RS");
    there(There::Gone("old 3"));
    maildir.remove("INBOX", "old 4");
    there(There::Gone("old 5"));
    maildir.remove("INBOX", "old 5");
    there(There::Flags("old 6", "FS"));
    maildir.remove("INBOX", "old 6");
    there(There::Gone("old 7"));
    maildir.set_flags("INBOX", "old 7", "FS");
    imap.create("Archive");
    let uid = imap.uid("INBOX", "old 8");
    imap.shift("INBOX", uid, "Archive");
    maildir.shift("INBOX", "old 9", "Lists.rust");
    maildir.create("New.here");
    maildir.deliver("New.here", "S", &lf(&text("in a new folder here")));
    imap.create("New/there");
    imap.append("New/there", "S", &text("in a new folder there"));
}

/// A `maxsize` that is more than every message has whose subject does not say that it is large.
const LIMIT: usize = 1_000;

/// With a restriction on what is synced.
pub(crate) fn restricted(rig: Rig) -> Rig {
    rig.account(&format!("maxsize = {LIMIT}"))
}

/// An account that was synced without the restriction, and then changed on both sides, inside and
/// outside of it.
pub(crate) fn changes_inside_and_outside(rig: &Rig) {
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    for n in 0..6 {
        imap.append("INBOX", "", &text(&format!("old {n}")));
        imap.append("INBOX", "", &text(&format!("old large {n}")));
    }
    let unrestricted = rig.run(&["-k", "Account_Test:maxsize=1000000"]);
    assert_eq!(unrestricted.status, Some(0), "{}", unrestricted.output);
    let mut there = |change: There<'_>| change.apply(&mut imap);
    for old in ["old", "old large"] {
        there(There::Gone(&format!("{old} 0")));
        maildir.remove("INBOX", &format!("{old} 1"));
        there(There::Flags(&format!("{old} 2"), "FS"));
        maildir.set_flags("INBOX", &format!("{old} 3"), "RS");
    }
    for new in ["new", "new large"] {
        for n in 1..=5 {
            there(There::New(&format!("{new} there {n}"), "S"));
            maildir.deliver("INBOX", "F", &lf(&text(&format!("{new} here {n}"))));
        }
    }
}

/// What the sides hold afterwards: the remote one, and the local one.
pub(crate) const INSIDE_AND_OUTSIDE: [&[&str]; 2] = [
    &[
        "INBOX: new here 1 [F]",
        "INBOX: new here 2 [F]",
        "INBOX: new here 3 [F]",
        "INBOX: new here 4 [F]",
        "INBOX: new here 5 [F]",
        "INBOX: new large there 1 [S]",
        "INBOX: new large there 2 [S]",
        "INBOX: new large there 3 [S]",
        "INBOX: new large there 4 [S]",
        "INBOX: new large there 5 [S]",
        "INBOX: new there 1 [S]",
        "INBOX: new there 2 [S]",
        "INBOX: new there 3 [S]",
        "INBOX: new there 4 [S]",
        "INBOX: new there 5 [S]",
        "INBOX: old 2 [FS]",
        "INBOX: old 3 [RS]",
        "INBOX: old 4 []",
        "INBOX: old 5 []",
        "INBOX: old large 1 []",
        "INBOX: old large 2 [FS]",
        "INBOX: old large 3 []",
        "INBOX: old large 4 []",
        "INBOX: old large 5 []",
    ],
    &[
        "INBOX: new here 1 [F]",
        "INBOX: new here 2 [F]",
        "INBOX: new here 3 [F]",
        "INBOX: new here 4 [F]",
        "INBOX: new here 5 [F]",
        "INBOX: new large here 1 [F]",
        "INBOX: new large here 2 [F]",
        "INBOX: new large here 3 [F]",
        "INBOX: new large here 4 [F]",
        "INBOX: new large here 5 [F]",
        "INBOX: new there 1 [S]",
        "INBOX: new there 2 [S]",
        "INBOX: new there 3 [S]",
        "INBOX: new there 4 [S]",
        "INBOX: new there 5 [S]",
        "INBOX: old 2 [FS]",
        "INBOX: old 3 [RS]",
        "INBOX: old 4 []",
        "INBOX: old 5 []",
        "INBOX: old large 0 []",
        "INBOX: old large 2 []",
        "INBOX: old large 3 [RS]",
        "INBOX: old large 4 []",
        "INBOX: old large 5 []",
    ],
];

/// A change to the server's INBOX.
enum There<'a> {
    New(&'a str, &'a str),
    Flags(&'a str, &'a str),
    Gone(&'a str),
}

impl There<'_> {
    fn apply(self, imap: &mut crate::rig::Imap) {
        match self {
            Self::New(subject, flags) => drop(imap.append("INBOX", flags, &text(subject))),
            Self::Flags(subject, flags) => {
                let uid = imap.uid("INBOX", subject);
                imap.set_flags("INBOX", uid, flags);
            }
            Self::Gone(subject) => {
                let uid = imap.uid("INBOX", subject);
                imap.remove("INBOX", &uid.to_string());
            }
        }
    }
}

/// What both sides hold after the second sync.
pub(crate) const SECOND: &[&str] = &[
    "Archive: old 8 [S]",
    "INBOX: here 1 [FS]",
    "INBOX: here anonymous []",
    "INBOX: new here 1 [F]",
    "INBOX: new here anonymous []",
    "INBOX: new there 1 [S]",
    "INBOX: new there anonymous []",
    "INBOX: old 0 [FS]",
    "INBOX: old 1 [RS]",
    "INBOX: old 2 [FRS]",
    "INBOX: old anonymous []",
    "Lists.rust: list [RS]",
    "Lists.rust: old 9 []",
    "New.here: in a new folder here [S]",
    "New.there: in a new folder there [S]",
    "Only.here: here 2 [S]",
    // Parents are created on the server, and then exist on both sides.
    "Only:",
];
