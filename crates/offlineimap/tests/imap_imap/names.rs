//! Folders that have other names on the other server.

use offlineimap_testkit::server::ImapServer;

use crate::scene::{Home, Place, add, world};

#[test]
fn names_are_translated_between_two_servers() {
    let remote = ImapServer::start().unwrap();
    let local = ImapServer::builder().delimiter('.').start().unwrap();
    for folder in ["Sent", "Lists/rust", "Spam", "G&AOQ-ste"] {
        remote.mail().create(folder);
        add(remote.mail(), folder, &format!("in {folder}"), &[]);
    }
    let home = Home::new(&Place::of(&remote), &Place::of(&local), "");
    home.also("[Account Test]\n", "utf8foldernames = yes\n");
    home.also(
        "[Repository Remote]\n",
        "nametrans = lambda f: f if f == 'INBOX' else 'Work/' + f.replace('ä', 'ae')\n\
         folderfilter = lambda f: f != 'Spam'\n",
    );
    home.also(
        "[Repository Local]\n",
        "nametrans = lambda f: f if f == 'INBOX' else f[5:].replace('ae', 'ä')\n\
         folderfilter = lambda f: f != 'Private'\n",
    );
    local.mail().create("Private");
    add(local.mail(), "Private", "private", &[]);
    home.sync();
    let folders: Vec<String> = world(local.mail(), '.').into_keys().collect();
    assert_eq!(
        folders,
        ["INBOX", "Private", "Work", "Work/Gaeste", "Work/Lists", "Work/Lists/rust", "Work/Sent"]
    );

    local.mail().create("Work.Entw&APw-rfe");
    add(local.mail(), "Work.Entw&APw-rfe", "draft", &[]);
    add(local.mail(), "Work.Gaeste", "from here", &[]);
    home.sync();
    let there = world(remote.mail(), '/');
    assert_eq!(there.get("Entw&APw-rfe").map(Vec::len), Some(1), "{there:?}");
    assert_eq!(there.get("G&AOQ-ste").map(Vec::len), Some(2), "{there:?}");
    assert!(!there.contains_key("Private"), "{there:?}");
    let before = (world(remote.mail(), '/'), world(local.mail(), '.'));
    home.sync();
    assert_eq!((world(remote.mail(), '/'), world(local.mail(), '.')), before);
}
