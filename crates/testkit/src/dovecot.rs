//! A private Dovecot 2.3, the main peer of the tests.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use crate::real_server::{
    Account, Endpoint, Installation, ProcessGroup, RealServerError, free_address, give_to,
    wait_for_greeting,
};
use crate::server::Certificate;

/// A running Dovecot; dropping it kills its processes and removes its directory.
#[derive(Debug)]
pub struct Dovecot {
    endpoint: Endpoint,
    // Killed before its directory is removed: fields are dropped in this order.
    _processes: ProcessGroup,
    directory: TempDir,
}

/// What a Dovecot will be like.
#[derive(Clone, Debug)]
pub struct DovecotBuilder {
    format: MailFormat,
    fsync: Fsync,
    certificate: Option<Certificate>,
    separator: char,
    extra: String,
}

/// How Dovecot stores mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailFormat {
    /// One file a message, in Maildir++ layout.
    #[default]
    Maildir,
    /// One file a message, in Dovecot's own layout.
    Sdbox,
    /// Many messages a file.
    Mdbox,
}

/// When Dovecot makes sure that mail is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Never: the right thing for tests.
    #[default]
    Never,
    /// Where it protects mail: what servers do.
    Optimized,
    /// After every write.
    Always,
}

const SERVER: &str = "Dovecot";

impl Dovecot {
    /// Starts an ordinary one: Maildir, no fsync, no TLS, user `tester` with password `secret`.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not come to life.
    pub fn start() -> Result<Self, RealServerError> {
        Self::builder().start()
    }

    /// One that differs from the ordinary one.
    pub fn builder() -> DovecotBuilder {
        DovecotBuilder {
            format: MailFormat::default(),
            fsync: Fsync::default(),
            certificate: None,
            separator: '/',
            extra: String::new(),
        }
    }

    /// How to reach it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Where the test user's mail is, for looks behind its back.
    pub fn mail_directory(&self) -> PathBuf {
        self.directory.path().join("home/mail")
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl DovecotBuilder {
    /// Another mail format than Maildir.
    #[must_use]
    pub fn format(mut self, format: MailFormat) -> Self {
        self.format = format;
        self
    }

    /// Another care for the disk than none; for benchmarks.
    #[must_use]
    pub fn fsync(mut self, fsync: Fsync) -> Self {
        self.fsync = fsync;
        self
    }

    /// With a TLS port and STARTTLS.
    #[must_use]
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Another hierarchy separator than `/`.
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Lines at the end of its configuration.
    #[must_use]
    pub fn configuration(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self.extra.push('\n');
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not come to life.
    pub fn start(self) -> Result<Dovecot, RealServerError> {
        let installation = Installation::find(SERVER, "usr/sbin/dovecot", "dovecot-imapd")?;
        let directory = tempfile::Builder::new()
            .prefix("dovecot-")
            .tempdir()
            .map_err(|source| set_up(&std::env::temp_dir(), source))?;
        let path = directory.path();
        let endpoint = self.prepare(path).map_err(|source| set_up(path, source))?;
        let mut command = installation.command("usr/sbin/dovecot");
        command.arg("-F").arg("-c").arg(path.join("dovecot.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let processes = ProcessGroup::spawn(&mut command).map_err(|source| set_up(path, source))?;
        wait_for_greeting(SERVER, endpoint.address, &path.join("log"))?;
        Ok(Dovecot { endpoint, _processes: processes, directory })
    }

    fn prepare(&self, path: &Path) -> io::Result<Endpoint> {
        let address = free_address()?;
        let tls_address = match self.certificate {
            Some(_) => Some(free_address()?),
            None => None,
        };
        let (user, password) = ("tester".to_owned(), "secret".to_owned());
        fs::write(path.join("users"), format!("{user}:{{PLAIN}}{password}\n"))?;
        fs::create_dir_all(path.join("home/mail"))?;
        if let Some(certificate) = &self.certificate {
            fs::write(path.join("certificate.pem"), certificate.pem())?;
            fs::write(path.join("key.pem"), certificate.key_pem())?;
        }
        let account = Account::suitable();
        let endpoint = Endpoint { address, tls_address, user, password };
        fs::write(path.join("dovecot.conf"), self.text(path, &endpoint, account))?;
        give_to(&path.join("home"), account)?;
        make_traversable(path)?;
        Ok(endpoint)
    }

    fn text(&self, path: &Path, endpoint: &Endpoint, account: Account) -> String {
        let path = path.display();
        let (uid, gid) = (account.uid(), account.gid());
        let location = match self.format {
            MailFormat::Maildir => "maildir:~/mail",
            MailFormat::Sdbox => "sdbox:~/mail",
            MailFormat::Mdbox => "mdbox:~/mail",
        };
        let fsync = match self.fsync {
            Fsync::Never => "never",
            Fsync::Optimized => "optimized",
            Fsync::Always => "always",
        };
        let port = endpoint.address.port();
        let tls_port = endpoint.tls_address.map_or(0, |address| address.port());
        let tls = if self.certificate.is_some() {
            format!("ssl = yes\nssl_cert = <{path}/certificate.pem\nssl_key = <{path}/key.pem\n")
        } else {
            "ssl = no\n".to_owned()
        };
        // Dovecot's own unprivileged users exist only for root to change to.
        let users = match account {
            Account::Nobody { .. } => String::new(),
            Account::Own => {
                let names = account.names();
                format!(
                    "default_internal_user = {0}\ndefault_login_user = {0}\n\
                     default_internal_group = {1}\n",
                    names.user, names.group
                )
            }
        };
        let (separator, extra) = (self.separator, &self.extra);
        format!(
            "base_dir = {path}/run\nstate_dir = {path}/state\nlog_path = {path}/log\n\
             protocols = imap\nlisten = 127.0.0.1\n{users}{tls}\
             disable_plaintext_auth = no\nauth_mechanisms = plain login cram-md5\n\
             auth_failure_delay = 0\n\
             passdb {{\n driver = passwd-file\n args = scheme=PLAIN username_format=%u {path}/users\n}}\n\
             userdb {{\n driver = static\n args = uid={uid} gid={gid} home={path}/home\n}}\n\
             first_valid_uid = 1\nfirst_valid_gid = 1\n\
             mail_location = {location}\nmail_fsync = {fsync}\n\
             mail_max_userip_connections = 200\n\
             namespace inbox {{\n inbox = yes\n separator = {separator}\n}}\n\
             service imap-login {{\n chroot =\n client_limit = 500\n process_min_avail = 1\n\
             service_count = 0\n\
             inet_listener imap {{\n port = {port}\n}}\n\
             inet_listener imaps {{\n port = {tls_port}\n ssl = yes\n}}\n}}\n\
             service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n\
             service imap {{\n process_limit = 300\n}}\n\
             {extra}"
        )
    }
}

/// Lets the accounts of the server's processes into the directory.
fn make_traversable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn set_up(path: &Path, source: io::Error) -> RealServerError {
    RealServerError::SetUp { server: SERVER, path: path.to_owned(), source }
}
