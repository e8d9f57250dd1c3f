//! mbsync itself, and what it leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use offlineimap_testkit::dovecot::Dovecot;

use crate::rig::{Ended, Imap, Maildir, Moved, Rig, sorted};

/// How mbsync is configured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    /// The value of `SyncState`, in which `~` is the home directory; none at all if it is empty.
    pub(crate) sync_state: &'static str,
    /// Which end the Maildir is.
    pub(crate) maildir_end: &'static str,
    /// Lines of the Maildir store.
    pub(crate) maildir: &'static str,
    /// Lines of the channel.
    pub(crate) lines: &'static str,
    /// What separates the parts of folder names in the Maildir.
    pub(crate) separator: char,
}

pub(crate) const USUAL: Channel = Channel {
    sync_state: "*",
    maildir_end: "Near",
    maildir: "SubFolders Verbatim",
    lines: "Expunge Both",
    separator: '/',
};

/// An account with mail in several folders, synced by mbsync.
pub(crate) struct Adoptee {
    pub(crate) rig: Rig,
    channel: Channel,
    // Ends after the rig, which talks to it.
    server: Dovecot,
}

pub(crate) const FOLDERS: [&str; 4] = ["INBOX", "Lists/rust", "Sent Mail", "G&AOQ-ste"];

/// Subjects and flags by folder, sorted.
pub(crate) type Mails = BTreeMap<&'static str, Vec<String>>;

pub(crate) fn message(subject: &str) -> Vec<u8> {
    // Every third message has no Message-ID.
    let id = if subject.ends_with(['2', '5']) {
        String::new()
    } else {
        format!("Message-ID: <{}@example.org>\r\n", subject.replace(' ', "."))
    };
    format!(
        "From: a@example.org\r\nSubject: {subject}\r\n{id}\
         Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nThis is {subject}.\r\n"
    )
    .into_bytes()
}

/// The subject of a message that was there from the beginning.
pub(crate) fn subject(folder: &str, number: usize) -> String {
    format!("{folder} {number}")
}

impl Adoptee {
    /// Fills the server, and lets mbsync sync.
    pub(crate) fn new(channel: Channel) -> Self {
        let adoptee = Self::before_mbsync(channel);
        adoptee.mbsync();
        assert_eq!(adoptee.mails_there(), adoptee.mails_here(), "after mbsync's first sync");
        adoptee
    }

    /// Fills the server.
    pub(crate) fn before_mbsync(channel: Channel) -> Self {
        let server = Dovecot::start().unwrap();
        let rig = Rig::of(server.endpoint()).local(&format!("sep = {}", channel.separator));
        let adoptee = Self { rig, channel, server };
        let mut imap = adoptee.imap();
        for folder in FOLDERS {
            // The UIDs of both sides differ from here on.
            imap.fill(folder, 1, |number| message(&subject(folder, number)));
        }
        drop(imap);
        fs::create_dir(adoptee.maildir().root()).unwrap();
        adoptee
    }

    pub(crate) fn imap(&self) -> Imap {
        self.rig.imap()
    }

    pub(crate) fn maildir(&self) -> Maildir {
        self.rig.maildir()
    }

    pub(crate) fn local(&self, folder: &str) -> String {
        folder.replace('/', &self.channel.separator.to_string())
    }

    /// The file in the folder in which mbsync keeps its state, if it does.
    pub(crate) fn state_of(&self, folder: &str) -> PathBuf {
        self.maildir().folder(&self.local(folder)).join(".mbsyncstate")
    }

    /// Runs mbsync; it must end well.
    pub(crate) fn mbsync(&self) {
        self.mbsync_with(self.channel.lines);
    }

    /// Runs mbsync with other lines in its channel.
    pub(crate) fn mbsync_with(&self, lines: &str) {
        let home = self.rig.home();
        let Channel { sync_state, maildir_end, maildir, .. } = self.channel;
        let sync_state = match sync_state.replace('~', &home.display().to_string()) {
            none if none.is_empty() => none,
            value => format!("SyncState {value}\n"),
        };
        let server_end = if maildir_end == "Near" { "Far" } else { "Near" };
        let mail = self.maildir().root();
        let (mail, endpoint) = (mail.display(), self.server.endpoint());
        let text = format!(
            "IMAPStore server\nHost 127.0.0.1\nPort {port}\nUser {user}\nPass {password}\n\
             SSLType None\nAuthMechs LOGIN\n\n\
             MaildirStore local\nPath {mail}/\nInbox {mail}/INBOX\n{maildir}\n\n\
             Channel all\n{server_end} :server:\n{maildir_end} :local:\nPatterns *\nCreate Both\n\
             {sync_state}{lines}\n",
            port = endpoint.address.port(),
            user = endpoint.user,
            password = endpoint.password,
        );
        let path = home.join("mbsyncrc");
        fs::write(&path, text).unwrap();
        let mut command = Command::new("/usr/bin/mbsync");
        command.env_clear().current_dir(home).env("HOME", home).env("TZ", "UTC");
        command.arg("-c").arg(path).arg("-a");
        let ended = self.rig.start(&mut command).wait();
        assert_eq!(ended.status, Some(0), "mbsync: {}", ended.output);
        drop(self.rig.overheard());
    }

    /// Imports with these arguments too.
    pub(crate) fn import(&self, arguments: &[&str]) -> Ended {
        let mut all = vec!["state", "import", "--from", "mbsync"];
        all.extend(arguments);
        self.rig.run(&all)
    }

    /// Imports every folder, and makes sure that nothing but metadata is touched.
    pub(crate) fn import_well(&self, arguments: &[&str]) -> Ended {
        let before = self.files();
        drop(self.rig.overheard());
        let ended = self.import(arguments);
        assert_eq!(ended.status, Some(0), "{}", ended.output);
        let imported = format!("in {} folders", FOLDERS.len());
        assert!(ended.output.contains(&imported), "{}", ended.output);
        assert_eq!(self.rig.moved(), Moved::default(), "{}", ended.output);
        assert_eq!(before, self.files(), "{}", ended.output);
        ended
    }

    /// Makes a change of every kind on both sides, none of which has been synced.
    pub(crate) fn change_both_sides(&self) {
        let mut imap = self.imap();
        let maildir = self.maildir();
        for folder in FOLDERS {
            let local = self.local(folder);
            let uid = |imap: &mut Imap, number| imap.uid(folder, &subject(folder, number));
            let (flagged, deleted) = (uid(&mut imap, 0), uid(&mut imap, 1));
            imap.set_flags(folder, flagged, "RS");
            imap.remove(folder, &deleted.to_string());
            imap.append(folder, "F", &message(&format!("{folder} new there")));
            maildir.set_flags(&local, &subject(folder, 2), "S");
            maildir.remove(&local, &subject(folder, 3));
            let new = String::from_utf8(message(&format!("{folder} new here"))).unwrap();
            maildir.deliver(&local, "R", new.replace("\r\n", "\n").as_bytes());
        }
    }

    /// Syncs, and makes sure that just the changes of [`Self::change_both_sides`] happen, and
    /// nothing at all after them.
    pub(crate) fn only_the_changes_happen(&self) {
        drop(self.rig.overheard());
        let ended = self.rig.sync();
        let Moved { downloads, uploads, changes } = self.rig.moved();
        assert_eq!(downloads.len(), FOLDERS.len(), "{downloads:#?}\n{}", ended.output);
        assert_eq!(uploads, FOLDERS.len(), "{}", ended.output);
        // In each folder: a flag removed, a message marked, and expunged.
        assert_eq!(changes.len(), 3 * FOLDERS.len(), "{changes:#?}\n{}", ended.output);
        let mut expected = Mails::new();
        for folder in FOLDERS {
            let mut mails: Vec<String> = [(0, "RS"), (2, "S"), (4, "F"), (5, "S")]
                .map(|(number, flags)| format!("{} [{flags}]", subject(folder, number)))
                .into();
            mails.push(format!("{folder} new there [F]"));
            mails.push(format!("{folder} new here [R]"));
            mails.sort();
            expected.insert(folder, mails);
        }
        assert_eq!(self.mails_there(), expected, "{}", ended.output);
        assert_eq!(self.mails_here(), expected, "{}", ended.output);
        self.every_file_bears_its_remote_uid();
        self.rig.does_nothing("after the changes");
    }

    /// Every file has a name as OfflineIMAP gives it.
    pub(crate) fn every_file_bears_its_remote_uid(&self) {
        for folder in FOLDERS {
            let mut imap = self.imap();
            for mail in self.maildir().messages(&self.local(folder)) {
                let uid = imap.uid(folder, &mail.subject());
                let name = mail.path.file_name().unwrap().to_str().unwrap();
                assert!(name.contains(&format!(",U={uid},FMD5=")), "{name} is {uid}");
            }
        }
    }

    pub(crate) fn mails_there(&self) -> Mails {
        let mut imap = self.imap();
        let read = |folder| {
            let mails = imap.messages(folder).into_iter();
            (folder, sorted(mails.map(|mail| format!("{} [{}]", mail.subject(), mail.flags))))
        };
        FOLDERS.into_iter().map(read).collect()
    }

    pub(crate) fn mails_here(&self) -> Mails {
        let read = |folder| {
            let mails = self.maildir().messages(&self.local(folder)).into_iter();
            (folder, sorted(mails.map(|mail| format!("{} [{}]", mail.subject(), mail.flags))))
        };
        FOLDERS.into_iter().map(read).collect()
    }

    /// Every message file, and every file of mbsync, with its content.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in FOLDERS {
            let directory = self.maildir().folder(&self.local(folder));
            for mail in self.maildir().messages(&self.local(folder)) {
                files.insert(mail.path, mail.content);
            }
            for name in [".mbsyncstate", ".uidvalidity"] {
                if let Ok(content) = fs::read(directory.join(name)) {
                    files.insert(directory.join(name), content);
                }
            }
        }
        files
    }

    /// Syncs, and makes sure that no message is transferred or changed.
    pub(crate) fn sync_moves_nothing(&self, when: &str) {
        drop(self.rig.overheard());
        let ended = self.rig.sync();
        assert_eq!(self.rig.moved(), Moved::default(), "{when}: {}", ended.output);
        self.every_file_bears_its_remote_uid();
        self.rig.does_nothing(when);
    }
}
