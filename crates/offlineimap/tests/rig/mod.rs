//! A rig for tests of the program as a whole: it writes a configuration, runs the real binary, and
//! looks at both sides with eyes of its own.
//!
//! Nothing here uses the program's crates, so that no defect of theirs can hide itself.

mod imap;
mod mail;
mod maildir;
mod moved;
mod run;
mod snapshot;
mod wiretap;

pub(crate) use imap::{Imap, ServerMail};
pub(crate) use mail::{Mail, World, letters, lf, summary, wire};
pub(crate) use maildir::{LocalMail, Maildir};
pub(crate) use moved::Moved;
pub(crate) use run::{Ended, Running};
pub(crate) use snapshot::{Snapshot, copy_tree};
pub(crate) use wiretap::Wiretap;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use offlineimap_testkit::real_server::Endpoint;
use tempfile::TempDir;

/// An account on a server, and a home directory in which the program keeps it.
pub(crate) struct Rig {
    directory: TempDir,
    server: SocketAddr,
    user: String,
    password: String,
    tap: Wiretap,
    lines: Lines,
}

/// Lines of the configuration that a test adds.
#[derive(Default)]
struct Lines {
    general: String,
    account: String,
    local: String,
    remote: String,
    /// Whole sections.
    sections: String,
}

impl Rig {
    /// A rig for the test user of a real server.
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        Self::new(endpoint.address, &endpoint.user, &endpoint.password)
    }

    /// A rig for a user of any server in the clear. The program reaches it through a wiretap.
    pub(crate) fn new(server: SocketAddr, user: &str, password: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("rig-").tempdir().unwrap();
        let rig = Self {
            directory,
            server,
            user: user.to_owned(),
            password: password.to_owned(),
            tap: Wiretap::start(server),
            lines: Lines::default(),
        };
        fs::create_dir(rig.directory.path().join("tmp")).unwrap();
        rig.configure();
        rig
    }

    /// With this line in the section of the program.
    pub(crate) fn general(mut self, line: &str) -> Self {
        writeln!(self.lines.general, "{line}").unwrap();
        self.configure();
        self
    }

    /// With this line in the section of the account.
    pub(crate) fn account(mut self, line: &str) -> Self {
        writeln!(self.lines.account, "{line}").unwrap();
        self.configure();
        self
    }

    /// With this line in the section of the Maildir.
    pub(crate) fn local(mut self, line: &str) -> Self {
        writeln!(self.lines.local, "{line}").unwrap();
        self.configure();
        self
    }

    /// With this line in the section of the server.
    pub(crate) fn remote(mut self, line: &str) -> Self {
        writeln!(self.lines.remote, "{line}").unwrap();
        self.configure();
        self
    }

    /// With this section, or more of them.
    pub(crate) fn section(mut self, text: &str) -> Self {
        writeln!(self.lines.sections, "{text}").unwrap();
        self.configure();
        self
    }

    /// Without this option, in whichever section it was.
    pub(crate) fn without(mut self, option: &str) -> Self {
        let Lines { general, account, local, remote, .. } = &mut self.lines;
        for lines in [general, account, local, remote] {
            let others = std::mem::take(lines);
            let start = format!("{option} =");
            for line in others.lines().filter(|line| !line.starts_with(&start)) {
                writeln!(lines, "{line}").unwrap();
            }
        }
        self.configure();
        self
    }

    /// The home directory of the run: configuration, metadata and Maildir are in it.
    pub(crate) fn home(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of temporary files (`TMPDIR`).
    pub(crate) fn scratch(&self) -> PathBuf {
        self.home().join("tmp")
    }

    /// The metadata directory.
    pub(crate) fn metadata(&self) -> PathBuf {
        self.home().join("metadata")
    }

    /// The state database.
    pub(crate) fn state(&self) -> PathBuf {
        self.metadata().join("Account-Test/state.sqlite")
    }

    /// The local side.
    pub(crate) fn maildir(&self) -> Maildir {
        Maildir::new(self.home().join("Mail"))
    }

    /// A connection of another mail program to the remote side, behind the wiretap's back.
    pub(crate) fn imap(&self) -> Imap {
        Imap::connect(self.server, &self.user, &self.password)
    }

    /// Waits until the server is done with a program that ended or was killed.
    pub(crate) fn wait_for_hangup(&self) {
        self.tap.wait_for_hangup();
    }

    /// What the program said to the server since this was last asked, line by line.
    pub(crate) fn overheard(&self) -> Vec<String> {
        self.tap.take()
    }

    /// The same, as far as it moved messages or changed anything.
    pub(crate) fn moved(&self) -> Moved {
        Moved::by(self.overheard())
    }

    fn configure(&self) {
        let Lines { general, account, local, remote, sections } = &self.lines;
        let (user, password, port) = (&self.user, &self.password, self.tap.port());
        let text = format!(
            "[general]\naccounts = Test\nmetadata = {metadata}\n{general}\n\
             [Account Test]\nlocalrepository = Local\nremoterepository = Remote\n{account}\n\
             [Repository Local]\ntype = Maildir\nlocalfolders = {mail}\n{local}\n\
             [Repository Remote]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {port}\n\
             remoteuser = {user}\nremotepass = {password}\nssl = no\nstarttls = no\n{remote}\n{sections}",
            metadata = self.metadata().display(),
            mail = self.home().join("Mail").display(),
        );
        fs::write(self.home().join("offlineimaprc"), text).unwrap();
    }

    /// Everything on the server, by folder with `.` for a separator.
    pub(crate) fn remote_world(&self) -> World {
        let mut imap = self.imap();
        let mut world = World::new();
        for folder in imap.folders() {
            let mails = imap.messages(&folder).into_iter().map(ServerMail::into_mail);
            world.insert(folder.replace('/', "."), sorted(mails));
        }
        world
    }

    /// Everything in the Maildir, by folder.
    pub(crate) fn local_world(&self) -> World {
        let maildir = self.maildir();
        let read = |folder: String| {
            let mails = maildir.messages(&folder).into_iter().map(LocalMail::into_mail);
            (folder, sorted(mails))
        };
        maildir.folders().into_iter().map(read).collect()
    }

    /// What both sides hold, which must be the same.
    pub(crate) fn same_mail(&self, when: &str) -> World {
        let (remote, local) = (self.remote_world(), self.local_world());
        if remote != local {
            let (remote, local) = (summary(&remote), summary(&local));
            panic!("{when}: the sides differ\non the server: {remote:#?}\nlocally: {local:#?}");
        }
        local
    }

    /// Runs a sync that must end well.
    pub(crate) fn sync(&self) -> Ended {
        let ended = self.run(&[]);
        assert_eq!(ended.status, Some(0), "{}", ended.output);
        ended
    }

    /// Runs a sync that must have nothing to do, and makes sure that it does nothing: it sends no
    /// command that changes anything, fetches no body, and touches no file.
    pub(crate) fn does_nothing(&self, when: &str) {
        let before = Snapshot::of(&self.maildir().root());
        let state = fs::read(self.state()).unwrap();
        drop(self.overheard());
        let ended = self.run(&[]);
        let report = format!("{when}: {}", ended.output);
        assert_eq!(ended.status, Some(0), "{report}");
        let said = self.overheard();
        let changing: Vec<_> = said.iter().filter(|line| wiretap::is_changing(line)).collect();
        assert!(changing.is_empty(), "{report}: sent {changing:#?}");
        let bodies: Vec<_> = said.iter().filter(|line| line.contains("BODY")).collect();
        assert!(bodies.is_empty(), "{report}: fetched {bodies:#?}");
        assert!(said.iter().any(|line| line.contains("FETCH") || line.contains("SELECT")));
        before.assert_same(&Snapshot::of(&self.maildir().root()), &report);
        assert!(state == fs::read(self.state()).unwrap(), "{report}: the state was written");
        let left: Vec<_> = fs::read_dir(self.scratch()).unwrap().collect();
        assert!(left.is_empty(), "{report}: temporary files are left: {left:?}");
    }
}

/// All of them, in order.
pub(crate) fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items
}
