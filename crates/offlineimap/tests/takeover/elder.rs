//! OfflineIMAP itself, and what it is asked to leave behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use offlineimap_testkit::dovecot::Dovecot;

use crate::rig::{Ended, Imap, LocalMail, Maildir, Moved, Rig, ServerMail, World, sorted, summary};

/// The program as Debian installs it.
const ELDER: &str = "/usr/bin/offlineimap";

/// How folders are separated on the server and in the Maildir.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) server: char,
    pub(crate) maildir: char,
    pub(crate) naming: Naming,
}

/// Which names the folders of the server have in the Maildir, separators apart, and their files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The same.
    Same,
    /// Some have others, by `nametrans` on both sides.
    Translated,
    /// INBOX is the root, and all others are below it, by `nametrans` on both sides.
    PlusPlus,
    /// The same in UTF-8.
    Utf8,
    /// The same, and no file has a colon in its name.
    Windows,
}

pub(crate) const ORDINARY: Layout = Layout { server: '/', maildir: '.', naming: Naming::Same };

/// An account with mail in several folders, synced by OfflineIMAP.
pub(crate) struct Inheritance {
    pub(crate) rig: Rig,
    pub(crate) layout: Layout,
    // Ends after the rig, which talks to it.
    _server: Dovecot,
}

/// The folders of an inheritance, with `/` for a separator: nested ones, blanks, modified UTF-7.
pub(crate) const FOLDERS: [&str; 5] =
    ["INBOX", "Lists", "Lists/rust", "Sent Mail", "G&AOQ-ste/[x] \u{7e}y"];

pub(crate) fn message(subject: &str) -> Vec<u8> {
    format!(
        "From: a@example.org\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.org>\r\n\
         Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nThis is {subject}.\r\n"
    )
    .into_bytes()
}

impl Inheritance {
    /// Fills the server, and lets OfflineIMAP sync.
    pub(crate) fn new(layout: Layout) -> Self {
        let server = Dovecot::builder().separator(layout.server).start().unwrap();
        let rig = Rig::of(server.endpoint()).local(&format!("sep = {}", layout.maildir));
        let rig = match layout.naming {
            Naming::Same => rig,
            Naming::Translated => rig
                .remote("nametrans = lambda f: re.sub('^Lists', 'Mailing lists', f)")
                .local("nametrans = lambda f: re.sub('^Mailing lists', 'Lists', f)"),
            Naming::PlusPlus => rig
                .remote(r"nametrans = lambda f: re.sub(r'^INBOX\.*', '.', f)")
                .local("nametrans = lambda f: 'INBOX' + f"),
            Naming::Utf8 => rig.account("utf8foldernames = yes"),
            Naming::Windows => rig.account("maildir-windows-compatible = yes"),
        };
        let inheritance = Self { rig, layout, _server: server };
        let mut imap = inheritance.rig.imap();
        for folder in FOLDERS {
            imap.fill(&inheritance.remote(folder), 0, |number| message(&subject(folder, number)));
        }
        drop(imap);
        inheritance.sync_by_elder();
        inheritance.same_mail("after OfflineIMAP's first sync");
        drop(inheritance.rig.overheard());
        inheritance
    }

    pub(crate) fn remote(&self, folder: &str) -> String {
        let folder = match self.layout.naming {
            Naming::PlusPlus if folder != "INBOX" => format!("INBOX/{folder}"),
            Naming::Same
            | Naming::Translated
            | Naming::PlusPlus
            | Naming::Utf8
            | Naming::Windows => folder.to_owned(),
        };
        folder.replace('/', &self.layout.server.to_string())
    }

    pub(crate) fn local(&self, folder: &str) -> String {
        let folder = match self.layout.naming {
            Naming::Same | Naming::Windows => folder.to_owned(),
            Naming::Translated => folder.replace("Lists", "Mailing lists"),
            Naming::PlusPlus if folder == "INBOX" => String::new(),
            Naming::PlusPlus => format!("/{folder}"),
            Naming::Utf8 => folder.replace("&AOQ-", "ä"),
        };
        folder.replace('/', &self.layout.maildir.to_string())
    }

    pub(crate) fn imap(&self) -> Imap {
        self.rig.imap()
    }

    pub(crate) fn maildir(&self) -> Maildir {
        match self.layout.naming {
            Naming::Windows => self.rig.maildir().without_colons(),
            Naming::Same | Naming::Translated | Naming::PlusPlus | Naming::Utf8 => {
                self.rig.maildir()
            }
        }
    }

    /// The directory in which OfflineIMAP keeps its status databases.
    pub(crate) fn status(&self) -> PathBuf {
        self.rig.metadata().join("Account-Test/LocalStatus-sqlite")
    }

    /// What OfflineIMAP has saved of UIDVALIDITY on the server.
    pub(crate) fn validity(&self) -> PathBuf {
        self.rig.metadata().join("Repository-Remote/FolderValidity")
    }

    /// Runs OfflineIMAP; it must end well.
    pub(crate) fn sync_by_elder(&self) -> Ended {
        sync_by_elder(&self.rig, &[])
    }

    /// Makes a change of every kind on both sides, none of which has been synced.
    pub(crate) fn change_both_sides(&self) {
        let mut imap = self.imap();
        let maildir = self.maildir();
        for folder in FOLDERS {
            let (remote, local) = (self.remote(folder), self.local(folder));
            let uid = |imap: &mut Imap, number| imap.uid(&remote, &subject(folder, number));
            let (flagged, deleted) = (uid(&mut imap, 0), uid(&mut imap, 1));
            imap.set_flags(&remote, flagged, "RS");
            imap.remove(&remote, &deleted.to_string());
            imap.append(&remote, "F", &message(&format!("{folder} new there")));
            maildir.set_flags(&local, &subject(folder, 2), "S");
            maildir.remove(&local, &subject(folder, 3));
            let new = String::from_utf8(message(&format!("{folder} new here"))).unwrap();
            maildir.deliver(&local, "R", new.replace("\r\n", "\n").as_bytes());
        }
    }

    /// What both sides hold after [`Self::change_both_sides`] and a sync.
    pub(crate) fn assert_changes_are_everywhere(&self, when: &str) {
        let mut expected = Vec::new();
        for folder in FOLDERS {
            let name = folder.replace('/', ".");
            for (number, flags) in [(0, "RS"), (2, "S"), (4, "F"), (5, "S")] {
                expected.push(format!("{name}: {} [{flags}]", subject(folder, number)));
            }
            expected.push(format!("{name}: {folder} new there [F]"));
            expected.push(format!("{name}: {folder} new here [R]"));
        }
        expected.sort();
        assert_eq!(summary(&self.same_mail(when)), expected, "{when}");
    }

    /// What both sides hold, which must be the same.
    pub(crate) fn same_mail(&self, when: &str) -> World {
        let remote: World = FOLDERS
            .iter()
            .map(|folder| {
                let mails = self.imap().messages(&self.remote(folder));
                (folder.replace('/', "."), sorted(mails.into_iter().map(ServerMail::into_mail)))
            })
            .collect();
        let local: World = FOLDERS
            .iter()
            .map(|folder| {
                let mails = self.maildir().messages(&self.local(folder));
                (folder.replace('/', "."), sorted(mails.into_iter().map(LocalMail::into_mail)))
            })
            .collect();
        if remote != local {
            let (remote, local) = (summary(&remote), summary(&local));
            panic!("{when}: the sides differ\non the server: {remote:#?}\nlocally: {local:#?}");
        }
        local
    }

    /// Every message file of every folder, with its content.
    pub(crate) fn message_files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let folders = FOLDERS.iter().flat_map(|it| self.maildir().messages(&self.local(it)));
        folders.map(|mail| (mail.path, mail.content)).collect()
    }

    /// Runs this program, which must take over every folder and change nothing at all.
    pub(crate) fn is_taken_over_untouched(&self, when: &str) {
        let before = self.message_files();
        drop(self.rig.overheard());
        let ended = self.rig.sync();
        assert_eq!(self.rig.moved(), Moved::default(), "{when}: {}", ended.output);
        assert_eq!(before, self.message_files(), "{when}: {}", ended.output);
        for folder in FOLDERS {
            let told = format!("that OfflineIMAP had synced in folder {}", self.local(folder));
            assert!(ended.output.contains(&told), "{when}: {}", ended.output);
        }
        self.rig.does_nothing(when);
    }

    /// Runs OfflineIMAP, which must find nothing to do.
    pub(crate) fn elder_does_nothing(&self, when: &str) {
        let before = self.message_files();
        drop(self.rig.overheard());
        let ended = self.sync_by_elder();
        assert_eq!(self.rig.moved(), Moved::default(), "{when}: {}", ended.output);
        assert_eq!(before, self.message_files(), "{when}: {}", ended.output);
    }

    /// Exports the state; it must succeed.
    pub(crate) fn export(&self) -> Ended {
        let mut command = self.rig.command();
        let ended = self.rig.start(command.args(["state", "export"])).wait();
        assert_eq!(ended.status, Some(0), "{}", ended.output);
        ended
    }
}

/// Runs OfflineIMAP with the rig's configuration and these arguments too; it must end well.
pub(crate) fn sync_by_elder(rig: &Rig, arguments: &[&str]) -> Ended {
    let home = rig.home();
    let mut command = Command::new(ELDER);
    command.env_clear().current_dir(home).env("HOME", home).env("TMPDIR", rig.scratch());
    command.env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command.arg("-c").arg(home.join("offlineimaprc")).args(["-o", "-u", "basic"]);
    let ended = rig.start(command.args(arguments)).wait();
    rig.wait_for_hangup();
    assert_eq!(ended.status, Some(0), "OfflineIMAP: {}", ended.output);
    ended
}

/// The subject of a message that was there from the beginning.
pub(crate) fn subject(folder: &str, number: usize) -> String {
    format!("{folder} {number}").replace('~', "-")
}

/// Runs a script of Python's, for its `sqlite3`, with this argument.
pub(crate) fn python(script: &str, argument: &Path) -> String {
    let output = Command::new("python3").arg("-c").arg(script).arg(argument).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The files of a directory with their contents.
pub(crate) fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}
