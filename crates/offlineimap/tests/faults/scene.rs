//! The scenario: an account in agreement, then changed on both sides in every way.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use offlineimap_testkit::message;

use crate::rig::{Ended, LocalMail, Mail, Rig, World, lf, summary};
use crate::server::Server;

/// One account, its server and its Maildir.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) rig: Rig,
}

/// What a scene begins with: on the server only.
const BEGINNING: [(&str, &str); 9] = [
    ("INBOX", "b1"),
    ("INBOX", "b2"),
    ("INBOX", "b3"),
    ("INBOX", "b4"),
    ("INBOX", "b5"),
    ("INBOX", "b6"),
    ("Archive", "a1"),
    ("Archive", "a2"),
    ("Archive", "a3"),
];

/// What both sides must have once the changes were synced: folder, message, flags.
const OUTCOME: [(&str, &str, &str); 12] = [
    ("INBOX", "b1", "F"),
    ("INBOX", "b3", "S"),
    ("INBOX", "b5", "RS"),
    ("INBOX", "b6", ""),
    ("INBOX", "r1", ""),
    ("INBOX", "r2", "S"),
    ("INBOX", "l1", ""),
    ("INBOX", "l2", "S"),
    ("Archive", "a2", "S"),
    ("Archive", "a3", ""),
    ("News", "n1", ""),
    ("Ideas", "i1", "F"),
];

/// Folders that both sides must have in the end although nothing is in them.
const EMPTY_FOLDERS: [&str; 2] = ["Empty", "Void"];

/// Deleted on the server, and deleted in the Maildir.
const DELETED_THERE: [&str; 1] = ["b2"];
const DELETED_HERE: [&str; 2] = ["b4", "a1"];

impl Scene {
    /// A server with mail, and a Maildir that does not exist yet.
    pub(crate) fn new(server: Server) -> Self {
        let rig = Rig::new(server.address(), "tester", "secret");
        let scene = Self { server, rig };
        scene.server.create(&scene.rig, &scene.name("Archive"));
        for (folder, subject) in BEGINNING {
            scene.server.add(&scene.rig, &scene.name(folder), body(subject));
        }
        scene
    }

    /// The scene at the moment that most tests are about: synced once, then changed.
    pub(crate) fn changed(server: Server) -> Self {
        let scene = Self::new(server);
        scene.rig.sync();
        scene.change();
        scene
    }

    /// Changes both sides in every way a sync knows.
    pub(crate) fn change(&self) {
        let Self { server, rig } = self;
        let [inbox, archive, news] = ["INBOX", "Archive", "News"].map(|name| self.name(name));
        server.add(rig, &inbox, body("r1"));
        server.add(rig, &inbox, body("r2"));
        server.flag(rig, &inbox, "r2", "S");
        server.flag(rig, &inbox, "b1", "F");
        server.flag(rig, &inbox, "b5", "S");
        server.delete(rig, &inbox, "b2");
        server.flag(rig, &archive, "a2", "S");
        server.create(rig, &news);
        server.create(rig, &self.name("Void"));
        server.add(rig, &news, body("n1"));

        let maildir = rig.maildir();
        maildir.deliver(&inbox, "", &lf(&body("l1")));
        maildir.deliver(&inbox, "S", &lf(&body("l2")));
        maildir.set_flags(&inbox, "b3", "S");
        maildir.set_flags(&inbox, "b5", "R");
        maildir.remove(&inbox, "b4");
        maildir.remove(&archive, "a1");
        maildir.create(&self.name("Empty"));
        maildir.create(&self.name("Ideas"));
        maildir.deliver(&self.name("Ideas"), "F", &lf(&body("i1")));
    }

    /// The name of a folder, on both sides.
    pub(crate) fn name(&self, folder: &str) -> String {
        match folder {
            "INBOX" => folder.to_owned(),
            _ => format!("{}{folder}", self.server.prefix()),
        }
    }

    /// The program, connected to this port instead of the wiretap's, with more lines in
    /// `[general]`.
    pub(crate) fn command_to(&self, port: u16, general: &str) -> Command {
        let rc = fs::read_to_string(self.rig.home().join("offlineimaprc")).unwrap();
        let lines = rc.lines().map(|line| match line.split_once(" = ") {
            Some(("remoteport", _)) => format!("remoteport = {port}\n"),
            Some(("accounts", _)) => format!("{line}\n{general}\n"),
            _ => format!("{line}\n"),
        });
        let path = self.rig.home().join("elsewhere");
        fs::write(&path, lines.collect::<String>()).unwrap();
        let mut command = self.rig.command();
        command.arg("-c").arg(path);
        command
    }

    /// Looks at both sides after a run in which something failed: everything that must be there
    /// at the end is still somewhere; nothing is there twice, damaged, made up, or back although
    /// it was deleted. A run that says that it did everything did everything, and one that did not
    /// says why.
    pub(crate) fn must_be_unharmed(&self, ended: &Ended) {
        let (there, here) = (self.server.world(&self.rig), self.local_world());
        let context = format!(
            "status {:?}, signal {:?}: {}\non the server: {:#?}\nin the Maildir: {:#?}",
            ended.status,
            ended.signal,
            ended.output,
            summary(&there),
            summary(&here)
        );
        let outcome = self.outcome();
        for (side, world, deleted) in
            [("server", &there, &DELETED_THERE[..]), ("Maildir", &here, &DELETED_HERE[..])]
        {
            for (folder, mails) in world {
                assert!(outcome.contains_key(folder), "{folder} came from nowhere: {context}");
                let mut seen = BTreeSet::new();
                for mail in mails {
                    let subject = mail.subject();
                    let whole = is_known(&subject) && mail.content == lf(&body(&subject));
                    assert!(whole, "{mail:?} in {folder} on the {side} is damaged: {context}");
                    let back = deleted.contains(&subject.as_str());
                    assert!(!back, "{subject} is back on the {side}: {context}");
                    assert!(seen.insert(subject), "{mail:?} is twice on the {side}: {context}");
                }
            }
        }
        for (folder, subject, _) in OUTCOME {
            let has = |world: &World| {
                let mails = world.get(&self.name(folder));
                mails.is_some_and(|mails| mails.iter().any(|mail| mail.subject() == subject))
            };
            assert!(has(&there) || has(&here), "{subject} is lost: {context}");
        }
        match ended.status {
            Some(0) => {
                assert!(there == outcome && here == outcome, "not all was done: {context}");
            }
            Some(1) => assert!(ended.output.contains("ERROR"), "no error is told: {context}"),
            Some(_) => panic!("not one of the program's statuses: {context}"),
            None => assert_eq!(ended.signal, Some(9), "{context}"),
        }
    }

    /// Runs the program without faults: both sides must be as they are to be; and once more, which
    /// must change nothing.
    pub(crate) fn must_recover(&self) {
        let ended = self.rig.sync();
        self.must_agree(&ended);
        self.rig.does_nothing("the run after the recovery");
        self.must_agree(&ended);
    }

    /// Insists that both sides are as they are to be.
    pub(crate) fn must_agree(&self, ended: &Ended) {
        let outcome = self.outcome();
        for (side, world) in
            [("server", self.server.world(&self.rig)), ("Maildir", self.local_world())]
        {
            let (is, wanted) = (summary(&world), summary(&outcome));
            assert_eq!(is, wanted, "the {side} is not as it should be: {}", ended.output);
            assert!(world == outcome, "a message is damaged on the {side}: {}", ended.output);
        }
        assert_eq!(self.rig.maildir().leftovers(), Vec::<&Path>::new(), "{}", ended.output);
    }

    /// Everything in the Maildir. A folder that was made in part only is empty.
    pub(crate) fn local_world(&self) -> World {
        let maildir = self.rig.maildir();
        let mut world = World::new();
        for folder in maildir.folders() {
            let whole = maildir.folder(&folder).join("new").is_dir();
            let messages = if whole { maildir.messages(&folder) } else { Vec::new() };
            let mut mails: Vec<Mail> = messages.into_iter().map(LocalMail::into_mail).collect();
            mails.sort();
            world.insert(folder, mails);
        }
        world
    }

    /// What both sides must have in the end.
    pub(crate) fn outcome(&self) -> World {
        let mut world: World =
            EMPTY_FOLDERS.into_iter().map(|folder| (self.name(folder), Vec::new())).collect();
        for (folder, subject, flags) in OUTCOME {
            let mail = Mail { content: lf(&body(subject)), flags: flags.to_owned() };
            world.entry(self.name(folder)).or_default().push(mail);
        }
        for mails in world.values_mut() {
            mails.sort();
        }
        world
    }
}

/// The octets of a message, by its subject. Two are large enough to be written and sent in pieces;
/// `l1` and `r1` have sizes of their own, by which they can be told from all others.
pub(crate) fn body(subject: &str) -> Vec<u8> {
    let mut octets = message::simple(subject).to_bytes().to_vec();
    match subject {
        "l1" => octets.extend(b"It has another line.\r\n"),
        "r1" => octets.extend(b"It has one line more than the others.\r\n"),
        _ => {}
    }
    if ["r2", "l2"].contains(&subject) {
        for number in 0..4000 {
            octets.extend(format!("line {number} of a long message about {subject}\r\n").bytes());
        }
    }
    octets
}

fn is_known(subject: &str) -> bool {
    BEGINNING.iter().any(|(_, it)| *it == subject)
        || OUTCOME.iter().any(|(_, it, _)| *it == subject)
}
