//! A private Cyrus 3, a strict server with answers in another order than Dovecot's.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::real_server::{
    Account, Endpoint, Installation, ProcessGroup, RealServerError, free_address, give_to,
    wait_for_greeting,
};

/// A running Cyrus; dropping it kills its processes and removes its directory.
#[derive(Debug)]
pub struct Cyrus {
    endpoint: Endpoint,
    // Killed before its directory is removed: fields are dropped in this order.
    _processes: ProcessGroup,
    _directory: TempDir,
}

const SERVER: &str = "Cyrus";
const PACKAGES: &str = "cyrus-imapd, sasl2-bin and libsasl2-modules";

impl Cyrus {
    /// Starts one with user `tester`, password `secret`, an INBOX, and `/` as its delimiter.
    ///
    /// Cyrus refuses to run as root; then its processes run as nobody.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not come to life.
    pub fn start() -> Result<Self, RealServerError> {
        let installation = Installation::find(SERVER, "usr/lib/cyrus/bin/master", PACKAGES)?;
        let passwords = Installation::find(SERVER, "usr/sbin/saslpasswd2", PACKAGES)?;
        let directory = tempfile::Builder::new()
            .prefix("cyrus-")
            .tempdir()
            .map_err(|source| set_up(&std::env::temp_dir(), source))?;
        let path = directory.path();
        let (processes, endpoint) =
            start_in(path, &installation, &passwords).map_err(|source| set_up(path, source))?;
        wait_for_greeting(SERVER, endpoint.address, &path.join("log"))?;
        Ok(Self { endpoint, _processes: processes, _directory: directory })
    }

    /// How to reach it.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

fn start_in(
    path: &Path,
    installation: &Installation,
    passwords: &Installation,
) -> io::Result<(ProcessGroup, Endpoint)> {
    let account = Account::suitable();
    let address = free_address()?;
    let (user, password) = ("tester".to_owned(), "secret".to_owned());
    for part in ["conf", "spool", "run", "proc", "socket", "locks"] {
        fs::create_dir(path.join(part))?;
    }
    fs::write(path.join("imapd.conf"), server_settings(path, account))?;
    fs::write(path.join("cyrus.conf"), services(path, address, installation))?;
    set_password(path, passwords, &user, &password)?;
    give_to(path, account)?;
    let log = fs::File::create(path.join("log"))?;
    let mut command = installation.command("usr/lib/cyrus/bin/master");
    command.arg("-D").arg("-C").arg(path.join("imapd.conf"));
    command.arg("-M").arg(path.join("cyrus.conf")).arg("-p").arg(path.join("run/master.pid"));
    command.current_dir(path).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    if let Account::Nobody { uid, gid } = account {
        command.uid(uid).gid(gid);
    }
    let processes = ProcessGroup::spawn(&mut command)?;
    Ok((processes, Endpoint { address, tls_address: None, user, password }))
}

/// `imapd.conf`: where everything is and who may log in.
fn server_settings(path: &Path, account: Account) -> String {
    let names = account.names();
    let (path, user, group) = (path.display(), names.user, names.group);
    format!(
        "configdirectory: {path}/conf\npartition-default: {path}/spool\n\
         defaultpartition: default\nsasl_pwcheck_method: auxprop\n\
         sasl_auxprop_plugin: sasldb\nsasl_sasldb_path: {path}/sasldb2\n\
         sasl_mech_list: PLAIN LOGIN CRAM-MD5\nallowplaintext: yes\nadmins: admin\n\
         virtdomains: no\nunixhierarchysep: yes\naltnamespace: yes\n\
         cyrus_user: {user}\ncyrus_group: {group}\nservername: localhost\n\
         autocreate_quota: 0\nduplicatesuppression: no\n\
         lmtpsocket: {path}/socket/lmtp\nidlesocket: {path}/socket/idle\n\
         notifysocket: {path}/socket/notify\nproc_path: {path}/proc\n\
         mboxname_lockpath: {path}/locks\n"
    )
}

/// `cyrus.conf`: which processes run.
fn services(path: &Path, address: SocketAddr, installation: &Installation) -> String {
    let recover = installation.path("usr/lib/cyrus/bin/ctl_cyrusdb");
    let imapd = installation.path("usr/lib/cyrus/bin/imapd");
    let (path, recover, imapd) = (path.display(), recover.display(), imapd.display());
    format!(
        "START {{\n recover cmd=\"{recover} -C {path}/imapd.conf -r\"\n}}\n\
         SERVICES {{\n imap cmd=\"{imapd} -C {path}/imapd.conf\" listen=\"{address}\" \
         prefork=0 maxchild=100\n}}\nEVENTS {{\n}}\n"
    )
}

fn set_password(
    path: &Path,
    passwords: &Installation,
    user: &str,
    password: &str,
) -> io::Result<()> {
    let mut command: Command = passwords.command("usr/sbin/saslpasswd2");
    command.args(["-p", "-c", "-u", "localhost", "-f"]).arg(path.join("sasldb2")).arg(user);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(password.as_bytes())?;
    }
    let status = child.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("saslpasswd2 ended with {status}")))
    }
}

fn set_up(path: &Path, source: io::Error) -> RealServerError {
    RealServerError::SetUp { server: SERVER, path: path.to_owned(), source }
}
