//! `newmail_hook` and `copy_ignore_eval` of the local server: they are about what comes from there.

use std::fs;

use offlineimap_testkit::server::ImapServer;

use crate::scene::{Home, Place, add, world};

#[test]
fn hooks_of_the_local_server_are_about_its_own_mail() {
    let [remote, local] = [(); 2].map(|()| ImapServer::start().unwrap());
    let home = Home::new(&Place::of(&remote), &Place::of(&local), "");
    let hook = "Repository_Local:newmail_hook=lambda: os.system('echo called >> calls')";
    let calls = home.path().join("calls");
    let hook = hook.replace("calls", &calls.display().to_string());
    let ignore = "Repository_Local:copy_ignore_eval=lambda f: [1] if f == 'INBOX' else None";
    let arguments = ["-k", hook.as_str(), "-k", ignore];

    add(remote.mail(), "INBOX", "there", &[]);
    add(local.mail(), "INBOX", "never", &[]);
    let ended = home.run(&arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let told = "IGNORED: Copy message UID 1 Local:INBOX -> Remote\n";
    assert_eq!(ended.output.matches(told).count(), 1, "{}", ended.output);
    assert!(!calls.exists(), "nothing was copied from there: {}", ended.output);
    assert_eq!(world(remote.mail(), '/')["INBOX"].len(), 1);
    assert_eq!(world(local.mail(), '/')["INBOX"].len(), 2);

    add(local.mail(), "INBOX", "here", &[]);
    let ended = home.run(&arguments);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert_eq!(fs::read_to_string(&calls).unwrap(), "called\n", "{}", ended.output);
    assert_eq!(world(remote.mail(), '/')["INBOX"].len(), 2);
    assert_eq!(world(local.mail(), '/')["INBOX"].len(), 3);

    home.sync();
    assert_eq!(world(remote.mail(), '/'), world(local.mail(), '/'));
}
