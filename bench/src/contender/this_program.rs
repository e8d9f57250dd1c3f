use std::fs;
use std::io;
use std::path::PathBuf;

use super::{Installation, Site, write_config};

/// The configuration that OfflineIMAP gets too, and its defaults for everything else.
pub(super) fn install(site: &Site<'_>) -> io::Result<Installation> {
    let (config, inbox) = write_offlineimaprc(site)?;
    let command = vec![site.this_program.into(), "-c".into(), config.into_os_string(), "-o".into()];
    Ok(Installation { command, inbox })
}

/// Writes an offlineimaprc; returns its path and the Maildir of INBOX.
pub(super) fn write_offlineimaprc(site: &Site<'_>) -> io::Result<(PathBuf, PathBuf)> {
    let root = site.home.join("mail");
    fs::create_dir_all(&root)?;
    let connections =
        site.connections.map_or_else(String::new, |count| format!("maxconnections = {count}\n"));
    let config = site.home.join("offlineimaprc");
    write_config(
        &config,
        &format!(
            "[general]\n\
             accounts = bench\n\
             metadata = {home}/metadata\n\
             ui = quiet\n\
             fsync = true\n\
             socktimeout = 120\n\
             \n\
             [Account bench]\n\
             localrepository = local\n\
             remoterepository = remote\n\
             \n\
             [Repository local]\n\
             type = Maildir\n\
             localfolders = {root}\n\
             \n\
             [Repository remote]\n\
             type = IMAP\n\
             remotehost = 127.0.0.1\n\
             remoteport = {port}\n\
             remoteuser = {user}\n\
             remotepass = {password}\n\
             ssl = no\n\
             starttls = no\n\
             {connections}",
            home = site.home.display(),
            root = root.display(),
            port = site.port,
            user = site.user,
            password = site.password,
        ),
    )?;
    Ok((config, root.join("INBOX")))
}
