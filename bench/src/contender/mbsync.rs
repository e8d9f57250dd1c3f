use std::fs;
use std::io;

use super::{Installation, Site, write_config};

/// Everything in both directions, with the defaults of mbsync (fsync on, unlimited pipeline).
pub(super) fn install(site: &Site<'_>) -> io::Result<Installation> {
    let root = site.home.join("mail");
    fs::create_dir_all(&root)?;
    let inbox = root.join("INBOX");
    let config = site.home.join("mbsyncrc");
    write_config(
        &config,
        &format!(
            "FSync yes\n\
             \n\
             IMAPAccount server\n\
             Host 127.0.0.1\n\
             Port {port}\n\
             User {user}\n\
             Pass {password}\n\
             SSLType None\n\
             AuthMechs LOGIN\n\
             Timeout 120\n\
             \n\
             IMAPStore far\n\
             Account server\n\
             \n\
             MaildirStore near\n\
             Path {root}/\n\
             Inbox {inbox}\n\
             SubFolders Verbatim\n\
             \n\
             Channel all\n\
             Far :far:\n\
             Near :near:\n\
             Patterns INBOX *\n\
             Create Both\n\
             Expunge Both\n\
             SyncState *\n",
            port = site.port,
            user = site.user,
            password = site.password,
            root = root.display(),
            inbox = inbox.display(),
        ),
    )?;
    let command =
        vec!["mbsync".into(), "-q".into(), "-c".into(), config.into_os_string(), "all".into()];
    Ok(Installation { command, inbox })
}
