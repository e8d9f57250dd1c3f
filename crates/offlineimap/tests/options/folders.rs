//! Which folders are synced, and under which names.

use std::fs;

use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::ImapServer;

use crate::rig::{Ended, Rig, lf};

/// A rig with these folders on the server, each with a message of the same subject.
fn rig(server: &ImapServer, folders: &[&str]) -> Rig {
    let rig = Rig::new(server.address(), server.user(), server.password());
    let mut imap = rig.imap();
    for folder in folders {
        if *folder != "INBOX" {
            imap.create(folder);
        }
        imap.append(folder, "S", &simple(&subject(folder)).to_bytes());
    }
    drop(imap);
    rig
}

fn subject(folder: &str) -> String {
    format!("in {}", folder.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

fn local_folders(rig: &Rig) -> Vec<String> {
    let mut folders = rig.maildir().folders();
    folders.sort();
    folders
}

fn remote_folders(rig: &Rig) -> Vec<String> {
    let mut folders = rig.imap().folders();
    folders.sort();
    folders
}

/// Runs a sync that has to fail, and changes nothing on either side.
fn refused(rig: &Rig, arguments: &[&str]) -> Ended {
    let (remote, local) = (remote_folders(rig), local_folders(rig));
    let ended = rig.run(arguments);
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert_eq!((remote_folders(rig), local_folders(rig)), (remote, local), "{}", ended.output);
    ended
}

#[test]
fn names_are_translated_in_both_directions() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "[Gmail]/Sent Mail", "Lists/rust"])
        .remote("nametrans = lambda f: {'[Gmail]/Sent Mail': 'sent'}.get(f, f.lower())")
        .local(
            "nametrans = lambda f: {'sent': '[Gmail]/Sent Mail', 'inbox': 'INBOX',\n  \
             'lists.rust': 'Lists/rust'}.get(f, f)",
        );
    rig.sync();
    assert_eq!(local_folders(&rig), ["inbox", "lists.rust", "sent"]);
    let sent = rig.maildir().find("sent", "in -Gmail--Sent-Mail");
    // spec/ondisk.md §8.4: the MD5 of `[Gmail]/Sent Mail`.
    let name = sent.path.file_name().unwrap().to_str().unwrap();
    assert!(name.contains("FMD5=97a3fe945b16b28b31fd08730150ddd0"), "{name}");
    rig.does_nothing("after names were translated");

    rig.maildir().create("news");
    rig.maildir().deliver("news", "", &lf(&simple("from here").to_bytes()));
    rig.maildir().deliver("sent", "S", &lf(&simple("sent from here").to_bytes()));
    rig.sync();
    assert_eq!(remote_folders(&rig), ["INBOX", "Lists/rust", "[Gmail]/Sent Mail", "news"]);
    rig.imap().uid("news", "from here");
    rig.imap().uid("[Gmail]/Sent Mail", "sent from here");
    rig.does_nothing("after a folder was created remotely");
}

#[test]
fn the_inbox_of_a_maildir_plus_plus_is_its_root() {
    let server = ImapServer::builder().delimiter('.').start().unwrap();
    let rig = rig(&server, &["INBOX", "INBOX.Lists.rust"])
        .remote(r"nametrans = lambda f: re.sub(r'^INBOX\.*', '.', f)")
        .local("nametrans = lambda f: 'INBOX' + f");
    rig.sync();
    rig.maildir().find("", "in INBOX");
    let lists = rig.maildir().find(".Lists.rust", "in INBOX-Lists-rust");
    assert!(lists.path.display().to_string().contains("FMD5=bc595836021fa3a8725e1ef51a85844c"));
    rig.does_nothing("in a Maildir++");
    rig.maildir().create(".new.folder");
    rig.maildir().deliver(".new.folder", "", &lf(&simple("news").to_bytes()));
    rig.sync();
    rig.imap().uid("INBOX.new.folder", "news");
    rig.does_nothing("after a folder was created remotely");
}

#[test]
fn a_folder_that_either_side_leaves_out_is_neither_synced_nor_created() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "Spam", "Trash", "Work"])
        .remote("folderfilter = lambda f: f not in ['Spam']")
        .local("folderfilter = lambda f: f != 'Trash'");
    rig.maildir().create("INBOX");
    rig.maildir().create("Spam");
    rig.maildir().deliver("Spam", "", &lf(&simple("local spam").to_bytes()));
    rig.sync();
    assert_eq!(local_folders(&rig), ["INBOX", "Spam", "Work"]);
    assert_eq!(rig.maildir().messages("Spam").len(), 1);
    assert_eq!(rig.imap().messages("Spam").len(), 1);
    rig.does_nothing("with filters");

    // `-f` takes the place of the remote filter, and of nothing else.
    let ended = rig.run(&["-f", "Spam,Trash"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert_eq!(rig.maildir().messages("Spam").len(), 2);
    assert!(!rig.maildir().folder("Trash").exists());
}

#[test]
fn folders_that_are_not_listed_are_synced_if_they_are_named() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "Work", "Other"])
        .remote("subscribedonly = yes")
        .remote("folderfilter = lambda f: f != 'Work'")
        .remote("folderincludes = ['Work', 'INBOX',\n  'Nowhere']");
    rig.imap().command("SUBSCRIBE INBOX");
    let ended = rig.run(&[]);
    // What is named and not there is an error, and the others are synced (B20: each once).
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(
        ended.output.contains("folder 'Nowhere' of repository 'Remote' (folderincludes)"),
        "{}",
        ended.output
    );
    assert_eq!(local_folders(&rig), ["INBOX", "Work"]);
    assert_eq!(rig.maildir().messages("INBOX").len(), 1);
    assert_eq!(rig.maildir().messages("Work").len(), 1);
    assert_eq!(ended.output.matches("Syncing INBOX:").count(), 1, "{}", ended.output);
}

#[test]
fn folders_are_synced_in_the_order_of_the_user() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "a", "b"])
        .remote("maxconnections = 1")
        .remote("foldersort = lambda x, y: -cmp(x, y)");
    let ended = rig.sync();
    let lines = ended.output.lines().filter_map(|line| line.strip_prefix("Syncing "));
    let order: Vec<&str> = lines.filter_map(|line| line.split(':').next()).collect();
    assert_eq!(order, ["b", "a", "INBOX"], "{}", ended.output);
}

#[test]
fn a_function_that_raises_ends_the_account_before_anything_is_done() {
    let server = ImapServer::start().unwrap();
    let failing = |remote: &str| {
        let rig = rig(&server, &[]).remote(remote);
        refused(&rig, &[]).output
    };
    rig(&server, &["INBOX", "Work"]);
    let told = failing("nametrans = lambda f: {'INBOX': 'inbox'}[f]");
    let complaint = "repository 'Remote': 'nametrans' failed for folder 'Work': KeyError: 'Work'";
    assert!(told.contains(complaint), "{told}");
    let told = failing("folderfilter = lambda f: {}[f]");
    assert!(
        told.contains("repository 'Remote': 'folderfilter' failed for folder 'INBOX'"),
        "{told}"
    );
    let told = failing("foldersort = lambda x: 0");
    assert!(told.contains("repository 'Remote': 'foldersort' failed for the folders"), "{told}");
    let told = failing("folderincludes = 'INBOX'");
    assert!(told.contains("the value is of type str, and not a list"), "{told}");
}

#[test]
fn a_local_function_that_raises_ends_the_account_too() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX"]).local("nametrans = lambda f: None");
    let told = refused(&rig, &[]).output;
    let complaint = "repository 'Local': 'nametrans' failed for folder 'INBOX': the value is of type \
                     NoneType, and not str or bytes";
    assert!(told.contains(complaint), "{told}");
}

#[test]
fn functions_of_the_pythonfile_are_called() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "Work", "Spam"]);
    let pythonfile = rig.home().join("functions.py");
    fs::write(
        &pythonfile,
        "import re\ncalls = []\n\
         def there(name):\n    calls.append(name)\n    open('calls', 'w').write(repr(calls))\n    \
             return 'my ' + name\n\
         def here(name):\n    return name[3:]\n\
         class Never:\n    def __bool__(self):\n        return False\n\
         def wanted(name):\n    return Never() if name == 'Spam' else re.search('.', name)\n\
         def order(x, y):\n    return (x < y) - (x > y)\n",
    )
    .unwrap();
    let rig = rig
        .general(&format!("pythonfile = {}", pythonfile.display()))
        .remote("nametrans = there\nfolderfilter = wanted\nfoldersort = order\nmaxconnections = 1")
        .local("nametrans = lambda f: here(f)");
    let ended = rig.sync();
    assert_eq!(local_folders(&rig), ["my INBOX", "my Work"], "{}", ended.output);
    let calls = fs::read_to_string(rig.home().join("calls")).unwrap();
    assert_eq!(calls.matches("'INBOX'").count(), 1, "asked twice: {calls}");
    rig.does_nothing("with functions of the pythonfile");

    let raising = "def there(name):\n    raise ValueError('not ' + name)\n\
                   def here(name):\n    return name\nwanted = order = here\n";
    fs::write(&pythonfile, raising).unwrap();
    let told = refused(&rig, &[]).output;
    let complaint =
        "repository 'Remote': 'nametrans' failed for folder 'INBOX': ValueError: not INBOX";
    assert!(told.contains(complaint), "{told}");
    fs::write(&pythonfile, "import nothing_of_this_name\n").unwrap();
    let told = refused(&rig, &[]).output;
    assert!(told.contains("cannot be loaded"), "{told}");
}

#[test]
fn a_dynamic_filter_is_asked_again() {
    let server = ImapServer::start().unwrap();
    let asked = |option: &str| {
        let rig = rig(&server, &[]);
        let pythonfile = rig.home().join("functions.py");
        let text =
            "def wanted(name):\n    open('asked', 'a').write(name + '\\n')\n    return True\n";
        fs::write(&pythonfile, text).unwrap();
        let rig = rig
            .general(&format!("pythonfile = {}", pythonfile.display()))
            .remote(&format!("folderfilter = wanted\n{option}"));
        rig.sync();
        fs::read_to_string(rig.home().join("asked")).unwrap().lines().count()
    };
    assert_eq!(asked(""), 1);
    // The folder is missing first, and then it is not.
    assert!(asked("dynamic_folderfilter = yes") > 1);
}

#[test]
fn names_in_modified_utf7_are_utf8_on_this_machine() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "G&AOQ-ste", "G&AOQ-ste/a &- b"])
        .account("utf8foldernames = yes")
        .remote("nametrans = lambda f: f.replace('ä', 'ae')")
        .local("nametrans = lambda f: f.replace('ae', 'ä')");
    rig.sync();
    assert_eq!(local_folders(&rig), ["Gaeste", "Gaeste.a & b", "INBOX"]);
    let mail = rig.maildir().find("Gaeste", "in G-AOQ-ste");
    // spec/ondisk.md §8.4: the MD5 of `Gäste` in UTF-8.
    assert!(mail.path.display().to_string().contains("FMD5=6e0a3a1e0ece32ec07dc2eeed2140578"));
    rig.does_nothing("with names in UTF-8");
    rig.maildir().create("Entwürfe.x & y");
    rig.maildir().deliver("Entwürfe.x & y", "", &lf(&simple("draft").to_bytes()));
    rig.sync();
    rig.imap().uid("Entw&APw-rfe/x &- y", "draft");
    let ended = rig.run(&["-f", "Gäste", "--dry-run"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let ended = rig.run(&["--delete-folder", "Gäste/a & b"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    assert!(!remote_folders(&rig).contains(&"G&AOQ-ste/a &- b".to_owned()));
}

#[test]
fn decoded_names_are_decoded_after_the_rules() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "G&AOQ-ste", "Spam"])
        .remote("decodefoldernames = yes")
        .remote("folderfilter = lambda f: f in ['INBOX', 'G&AOQ-ste', 'Entw&APw-rfe']");
    rig.sync();
    assert_eq!(local_folders(&rig), ["Gäste", "INBOX"]);
    rig.does_nothing("with decoded names");
    rig.maildir().create("Entwürfe");
    rig.sync();
    assert_eq!(remote_folders(&rig), ["Entw&APw-rfe", "G&AOQ-ste", "INBOX", "Spam"]);
    rig.does_nothing("after a folder was created remotely");
}

#[test]
fn a_table_renames_there_and_back_without_code() {
    let server = ImapServer::builder().delimiter('.').start().unwrap();
    let rig =
        rig(&server, &["INBOX", "INBOX.Sent Items", "INBOX.Lists.rust", "INBOX.Spam", "Work"])
            .remote("renamefolders = INBOX/* -> *\n  INBOX/Sent Items -> sent")
            .remote("excludefolders = *Spam");
    let ended = rig.sync();
    assert_eq!(local_folders(&rig), ["INBOX", "Lists.rust", "sent"]);
    // `INBOX.Work` would have its name.
    let told = "Ignoring folder 'Work' of repository 'Remote': 'INBOX.Work' has the same name";
    assert!(ended.output.contains(told), "{}", ended.output);
    rig.does_nothing("with a table");
    rig.maildir().create("News");
    rig.sync();
    assert!(remote_folders(&rig).contains(&"INBOX.News".to_owned()));
}

#[test]
fn info_shows_the_options_and_what_becomes_of_the_folders() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "INBOX/Sent", "Spam"])
        .remote("nametrans = lambda f: re.sub('^INBOX/', '', f)")
        .remote("folderfilter = lambda f: f != 'Spam'")
        .remote("folderincludes = ['INBOX']");
    let ended = rig.run(&["--info"]);
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    let shown = "folderfilter= lambda f: f != 'Spam'\n\nfolderincludes= ['INBOX']\n\n\
                 nametrans= lambda f: re.sub('^INBOX/', '', f)\n\n";
    let unprefixed: String =
        ended.output.lines().map(|line| line.trim_start_matches(' ').to_owned() + "\n").collect();
    assert!(unprefixed.contains(shown), "{}", ended.output);
    for line in ["\n INBOX\n", "\n INBOX/Sent -> Sent\n", "\n Spam (disabled)\n"] {
        assert!(ended.output.contains(line), "{line:?}: {}", ended.output);
    }
}

#[test]
fn a_changed_nametrans_copies_nothing_twice() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "INBOX/Sent"]);
    rig.sync();
    assert_eq!(local_folders(&rig), ["INBOX", "INBOX.Sent"]);
    let rig = rig
        .remote("nametrans = lambda f: re.sub('^INBOX/', '', f)")
        .local("nametrans = lambda f: f if f == 'INBOX' else 'INBOX.' + f");
    for _ in 0..2 {
        let told = refused(&rig, &[]).output;
        for complaint in [
            "would be copied once more as folder 'INBOX/INBOX/Sent' of repository 'Remote'",
            "Rename the local folder 'INBOX.Sent' to 'Sent', or put the options back",
        ] {
            assert!(told.contains(complaint), "{told}");
        }
    }
    let maildir = rig.maildir();
    fs::rename(maildir.folder("INBOX.Sent"), maildir.folder("Sent")).unwrap();
    drop(rig.overheard());
    rig.sync();
    let said = rig.overheard().join("\n");
    assert!(!said.contains("APPEND") && !said.contains("BODY.PEEK[]"), "{said}");
    assert_eq!(rig.imap().messages("INBOX/Sent").len(), 1);
    assert_eq!(maildir.messages("Sent").len(), 1);
    rig.does_nothing("after the folder was renamed by hand");
}

#[test]
fn patterns_say_which_folders_are_synced() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "Lists/rust", "Lists/c", "Trash"])
        .remote("includefolders = INBOX, Lists/*")
        .remote("excludefolders = Lists/c");
    rig.sync();
    assert_eq!(local_folders(&rig), ["INBOX", "Lists.rust"]);
    rig.does_nothing("with patterns");
}

#[test]
fn only_what_is_under_the_reference_is_synced() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server, &["INBOX", "Mail/work", "News/rust"]).remote("reference = Mail");
    rig.sync();
    assert_eq!(local_folders(&rig), ["Mail.work"]);
    let said = server.log().all();
    assert!(said.iter().any(|it| it.line.contains("LIST \"Mail\"")), "{said:#?}");
    rig.does_nothing("under a reference");
}
