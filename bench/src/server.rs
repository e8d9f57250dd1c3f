//! A private Dovecot on a free port of loopback, and its accounts.
//!
//! Accounts are cut from templates: the message files are hard links, the index files copies. So
//! every run begins with the same mail, the same UIDs and the same warm index, at no cost.
//!
//! It is not testkit's Dovecot because it has many accounts, on a disk of its caller's choice,
//! and ends with this program even when this program is killed.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::imap::Reader;
use crate::mail;
use crate::measure::Supervised;
use crate::supervise::Order;

/// A running Dovecot; dropping it ends it.
pub(crate) struct Server {
    directory: PathBuf,
    port: u16,
    owner: Owner,
    _process: Supervised,
}

/// An account of the server, all of whose mail is in INBOX.
#[derive(Clone, Debug)]
pub(crate) struct MailAccount {
    /// The login name.
    pub(crate) user: String,
    maildir: PathBuf,
}

/// Who owns the mail. Dovecot refuses to serve mail that belongs to root.
#[derive(Clone, Copy)]
struct Owner {
    uid: u32,
    gid: u32,
}

/// The password of every account.
pub(crate) const PASSWORD: &str = "secret";

impl Server {
    /// Starts Dovecot with everything in this directory, and waits until it answers.
    pub(crate) fn start(directory: &Path) -> anyhow::Result<Self> {
        let directory = directory.join("server");
        for part in ["run", "state", "mail"] {
            fs::create_dir_all(directory.join(part))?;
        }
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
        let owner = Owner::choose();
        let port = free_port()?;
        let config = directory.join("dovecot.conf");
        fs::write(&config, configuration(&directory, port, owner))?;
        let process = Supervised::start(&Order {
            deadline: LIFETIME,
            log: directory.join("dovecot.out"),
            home: directory.clone(),
            command: vec![
                "/usr/sbin/dovecot".into(),
                "-F".into(),
                "-c".into(),
                config.into_os_string(),
            ],
        })?;
        let server = Self { directory, port, owner, _process: process };
        server.await_greeting()?;
        Ok(server)
    }

    /// The version of Dovecot.
    pub(crate) fn version() -> String {
        match Command::new("/usr/sbin/dovecot").arg("--version").output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            Err(_) => "not available".to_owned(),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// A new account with messages of these seeds, its index and cache built.
    pub(crate) fn fill(
        &self,
        user: &str,
        seeds: Range<u64>,
        size_bytes: u64,
    ) -> anyhow::Result<MailAccount> {
        let account = self.account(user);
        mail::fill(&account.maildir, seeds, size_bytes)?;
        self.hand_over(&account)?;
        self.open(&account)?.warm_up()?;
        Ok(account)
    }

    /// A new account with the mail, the UIDs and the index of another one.
    pub(crate) fn clone_account(
        &self,
        template: &MailAccount,
        user: &str,
    ) -> anyhow::Result<MailAccount> {
        let account = self.account(user);
        mail::create_maildir(&account.maildir)?;
        for part in ["cur", "new"] {
            for entry in fs::read_dir(template.maildir.join(part))? {
                let entry = entry?;
                fs::hard_link(entry.path(), account.maildir.join(part).join(entry.file_name()))?;
            }
        }
        for entry in fs::read_dir(&template.maildir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), account.maildir.join(entry.file_name()))?;
            }
        }
        self.hand_over(&account)?;
        // The directories are newer than the index says; let the server see that now.
        self.open(&account)?.warm_up()?;
        Ok(account)
    }

    /// Looks at an account as another mail reader would.
    pub(crate) fn open(&self, account: &MailAccount) -> anyhow::Result<Reader> {
        Reader::open(self.port, &account.user, PASSWORD)
            .with_context(|| format!("account {}", account.user))
    }

    fn account(&self, user: &str) -> MailAccount {
        let maildir = self.directory.join("mail").join(user).join("Maildir");
        MailAccount { user: user.to_owned(), maildir }
    }

    /// Gives the directories and index files of an account to the owner of the mail.
    fn hand_over(&self, account: &MailAccount) -> io::Result<()> {
        let home = account.maildir.parent().unwrap_or(&account.maildir);
        self.owner.take(home)?;
        self.owner.take(&account.maildir)?;
        for entry in fs::read_dir(&account.maildir)? {
            self.owner.take(&entry?.path())?;
        }
        Ok(())
    }

    fn await_greeting(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        let probe = self.account("probe");
        mail::create_maildir(&probe.maildir)?;
        self.hand_over(&probe)?;
        loop {
            let error = match TcpStream::connect(self.address()) {
                Ok(_) => match self.open(&probe) {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error.into(),
            };
            if started.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.directory.join("dovecot.log"));
                bail!("Dovecot does not answer: {error:#}\n{}", log.unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Owner {
    fn choose() -> Self {
        let uid = rustix::process::geteuid();
        if uid.is_root() {
            Self { uid: NOBODY, gid: NOBODY }
        } else {
            Self { uid: uid.as_raw(), gid: rustix::process::getegid().as_raw() }
        }
    }

    fn take(self, path: &Path) -> io::Result<()> {
        if fs::metadata(path)?.uid() == self.uid {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid))
    }
}

/// How long Dovecot lives at most, whatever happens to the one who started it.
const LIFETIME: Duration = Duration::from_hours(24);
/// How long Dovecot may take to start.
const PATIENCE: Duration = Duration::from_secs(20);
const NOBODY: u32 = 65_534;

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// `mail_fsync = never`: what is measured is the client's care for its disk, not the server's.
fn configuration(directory: &Path, port: u16, owner: Owner) -> String {
    let login = if rustix::process::geteuid().is_root() {
        String::new()
    } else {
        // Without root all processes of Dovecot run as the user who started it.
        let user = std::env::var("USER").unwrap_or_else(|_| owner.uid.to_string());
        format!(
            "default_internal_user = {user}\ndefault_login_user = {user}\n\
             default_internal_group = {gid}\n\
             service anvil {{\n  chroot =\n}}\n",
            gid = owner.gid,
        )
    };
    format!(
        "base_dir = {directory}/run\n\
         state_dir = {directory}/state\n\
         log_path = {directory}/dovecot.log\n\
         {login}\
         protocols = imap\n\
         listen = 127.0.0.1\n\
         ssl = no\n\
         disable_plaintext_auth = no\n\
         mail_fsync = never\n\
         mail_location = maildir:~/Maildir\n\
         mail_max_userip_connections = 100\n\
         first_valid_uid = 1\n\
         passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}\n\
         userdb {{\n  driver = static\n  \
         args = uid={uid} gid={gid} home={directory}/mail/%u allow_all_users=yes\n}}\n\
         namespace inbox {{\n  inbox = yes\n  separator = /\n}}\n\
         service imap-login {{\n  chroot =\n  service_count = 0\n  process_min_avail = 1\n  \
         inet_listener imap {{\n    port = {port}\n  }}\n  \
         inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
         service stats {{\n  chroot =\n}}\n",
        directory = directory.display(),
        uid = owner.uid,
        gid = owner.gid,
    )
}
