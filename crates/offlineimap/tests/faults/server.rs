//! The server's side of the scenario, looked at and changed without the program.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use offlineimap_testkit::courier::Courier;
use offlineimap_testkit::cyrus::Cyrus;
use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::server::{ImapServer, NewMessage};

use crate::rig::{Mail, Rig, World, letters, lf};

/// A server with one user, `tester`, whose password is `secret`.
#[derive(Debug)]
pub(crate) enum Server {
    /// Looked at from within.
    Embedded(ImapServer),
    /// Looked at by IMAP.
    Dovecot(Dovecot),
    Cyrus(Cyrus),
    Courier(Courier),
}

impl Server {
    pub(crate) fn embedded() -> Self {
        Self::Embedded(ImapServer::start().unwrap())
    }

    pub(crate) fn dovecot() -> Self {
        Self::started(|| Self::Dovecot(Dovecot::start().unwrap()))
    }

    pub(crate) fn cyrus() -> Self {
        Self::started(|| Self::Cyrus(Cyrus::start().unwrap()))
    }

    pub(crate) fn courier() -> Self {
        Self::started(|| Self::Courier(Courier::start().unwrap()))
    }

    /// Starts real servers one after the other: each looks for a free port first and takes it
    /// later, and until then another one could find the same.
    fn started(start: impl FnOnce() -> Self) -> Self {
        static STARTING: Mutex<()> = Mutex::new(());
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        start()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Embedded(server) => server.address(),
            Self::Dovecot(server) => server.endpoint().address,
            Self::Cyrus(server) => server.endpoint().address,
            Self::Courier(server) => server.endpoint().address,
        }
    }

    /// The embedded server, for what only it can do.
    pub(crate) fn as_embedded(&self) -> &ImapServer {
        match self {
            Self::Embedded(server) => server,
            Self::Dovecot(_) | Self::Cyrus(_) | Self::Courier(_) => panic!("a real server"),
        }
    }

    /// What the names of all folders but INBOX begin with.
    pub(crate) fn prefix(&self) -> &'static str {
        match self {
            Self::Courier(_) => "INBOX.",
            Self::Embedded(_) | Self::Dovecot(_) | Self::Cyrus(_) => "",
        }
    }

    pub(crate) fn create(&self, rig: &Rig, folder: &str) {
        match self {
            Self::Embedded(server) => {
                server.mail().create(folder);
            }
            Self::Dovecot(_) | Self::Cyrus(_) | Self::Courier(_) => rig.imap().create(folder),
        }
    }

    pub(crate) fn add(&self, rig: &Rig, folder: &str, body: Vec<u8>) {
        match self {
            Self::Embedded(server) => {
                server.mail().add(folder, NewMessage::new(body)).unwrap();
            }
            Self::Dovecot(_) | Self::Cyrus(_) | Self::Courier(_) => {
                rig.imap().append(folder, "", &body);
            }
        }
    }

    /// Gives a message just this flag, by its letter.
    pub(crate) fn flag(&self, rig: &Rig, folder: &str, subject: &str, flag: &str) {
        let uid = self.uid(rig, folder, subject);
        match self {
            Self::Embedded(server) => {
                let name = if flag == "F" { "\\Flagged" } else { "\\Seen" };
                server.mail().set_flags(folder, uid, &[name]).unwrap();
            }
            Self::Dovecot(_) | Self::Cyrus(_) | Self::Courier(_) => {
                rig.imap().set_flags(folder, uid, flag);
            }
        }
    }

    pub(crate) fn delete(&self, rig: &Rig, folder: &str, subject: &str) {
        let uid = self.uid(rig, folder, subject);
        match self {
            Self::Embedded(server) => server.mail().expunge(folder, uid).unwrap(),
            Self::Dovecot(_) | Self::Cyrus(_) | Self::Courier(_) => {
                rig.imap().remove(folder, &uid.to_string());
            }
        }
    }

    /// The UID of the one message with this subject.
    pub(crate) fn uid(&self, rig: &Rig, folder: &str, subject: &str) -> u32 {
        match self {
            Self::Embedded(server) => {
                let messages = server.mail().messages(folder).unwrap();
                let found = messages.into_iter().find(|message| {
                    let mail = Mail { content: lf(&message.body.to_bytes()), flags: String::new() };
                    mail.subject() == subject
                });
                found.unwrap_or_else(|| panic!("no {subject} in {folder}")).uid
            }
            Self::Dovecot(_) | Self::Cyrus(_) | Self::Courier(_) => rig.imap().uid(folder, subject),
        }
    }

    /// Everything on the server, by folder with `.` for a separator.
    pub(crate) fn world(&self, rig: &Rig) -> World {
        let Self::Embedded(server) = self else { return rig.remote_world() };
        let mail = server.mail();
        let mut world = World::new();
        for folder in mail.mailboxes() {
            let mut mails: Vec<Mail> = mail
                .messages(&folder)
                .unwrap()
                .into_iter()
                .map(|message| Mail {
                    content: lf(&message.body.to_bytes()),
                    flags: letters(&Vec::from_iter(message.flags).join(" ")),
                })
                .collect();
            mails.sort();
            world.insert(folder.replace('/', "."), mails);
        }
        world
    }
}
