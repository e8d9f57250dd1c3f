//! What users can choose about the names of message files.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use offlineimap_core::{
    Access, Applied, Binding, FlagChange, Flags, MailboxName, NewMessage, Store as _,
};
use offlineimap_maildir::{
    Conventions, Dating, DirectoryTimes, InfoMark, KeywordLetters, MaildirConfig, MaildirStore,
};

use crate::fixture::{HASH, Inbox, WireBody, config, key, uid};

async fn inbox_with(info_mark: InfoMark) -> Inbox {
    Inbox::with_conventions(Conventions { info_mark, ..Conventions::default() }).await
}

async fn set(inbox: &Inbox, message: &str, add: &str) {
    let change = FlagChange { add: Flags::from_letters(add), remove: Flags::default() };
    let done = inbox.mailbox.change_flags(vec![(key(message), change)]).await.remove(0);
    assert_eq!(done.unwrap(), Applied::Done(()));
}

#[tokio::test]
async fn new_messages_get_the_configured_mark() {
    for (mark, text) in [(InfoMark::Colon, ":2,"), (InfoMark::ExclamationMark, "!2,")] {
        let inbox = inbox_with(mark).await;
        inbox.deliver(5, "FS", b"mail").await;
        let files = inbox.files();
        assert!(files[0].ends_with(&format!(",U=5,FMD5={HASH}{text}FS")), "{files:?}");
        assert_eq!(inbox.observed().await[0].1, "FS");
    }
}

#[tokio::test]
async fn flags_are_read_from_either_form_and_change_into_the_configured_one() {
    for (mark, before, after) in [
        (InfoMark::Colon, "cur/1.h!2,Sa", "cur/1.h:2,RSa"),
        (InfoMark::Colon, "cur/1.h:2,Sa", "cur/1.h:2,RSa"),
        (InfoMark::ExclamationMark, "cur/1.h!2,Sa", "cur/1.h!2,RSa"),
        (InfoMark::ExclamationMark, "cur/1.h:2,Sa", "cur/1.h!2,RSa"),
        (InfoMark::ExclamationMark, "cur/1.h:2,S,W=3", "cur/1.h!2,RS,W=3"),
    ] {
        let inbox = inbox_with(mark).await;
        inbox.put(before, "mail");
        assert_eq!(inbox.observed().await, [(key("1.h"), "S".to_owned())], "{before}");
        assert_eq!(inbox.files(), [before], "looking renames nothing");
        set(&inbox, "1.h", "S").await;
        assert_eq!(inbox.files(), [before], "a flag that is there already renames nothing");
        set(&inbox, "1.h", "R").await;
        assert_eq!(inbox.files(), [after], "{mark:?}");
    }
}

#[tokio::test]
async fn a_bound_message_gets_the_configured_mark_and_one_that_was_bound_keeps_its_name() {
    let inbox = inbox_with(InfoMark::ExclamationMark).await;
    inbox.put("cur/1.h:2,Sa", "mail");
    let bound = format!("1_0.2.vm,U=7,FMD5={HASH}");
    inbox.put(&format!("cur/{bound}:2,S"), "bound");
    let bind = |message: &str, to| Binding { key: key(message), counterpart: uid(to) };
    let bindings = vec![bind("1.h", 5), bind("1_0.2.vm,U=7/", 7)];
    for done in inbox.mailbox.bind(bindings).await {
        assert!(matches!(done.unwrap(), Applied::Done(_)));
    }
    let files = inbox.files();
    assert!(files.contains(&format!("cur/{bound}:2,S")), "{files:?}");
    assert!(files.iter().any(|it| it.ends_with(&format!(",U=5,FMD5={HASH}!2,Sa"))), "{files:?}");
}

/// A date in 1960, and what it is in seconds.
const DATE: &str = "Date: Sat, 02 Jan 1960 00:00:45 +0000\r\n";
const SECONDS: i64 = -315_532_755;

async fn dated(name_dating: Dating, file_dating: Dating) -> Inbox {
    let dating = Conventions { name_dating, file_dating, ..Conventions::default() };
    Inbox::with_conventions(dating).await
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// The number with which a name begins.
fn first_number(file: &str) -> i64 {
    let name = file.split_once('/').unwrap().1;
    name.split_once('_').unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn names_begin_with_the_date_of_the_message_if_that_is_wished() {
    let delivery_date = DATE.replace("Date:", "Delivery-date:");
    let long = format!("X: {}\r\n{DATE}", "x".repeat(300_000));
    let none = "Subject: none\r\n".to_owned();
    for (header, expected) in [
        (DATE.to_owned(), Some(SECONDS)),
        (format!("Subject: x\r\n{delivery_date}"), Some(SECONDS)),
        (format!("Date: soon\r\n{delivery_date}"), Some(SECONDS)),
        (format!("{delivery_date}Date: 1 Jan 1970 00:00 GMT\r\n"), Some(0)),
        (long, Some(SECONDS)),
        (none, None),
    ] {
        let wire = format!("{header}\r\nDate: 1 Jan 1980 00:00:00 GMT\r\n");
        let inbox = dated(Dating::Header, Dating::Arrival).await;
        let key = inbox.deliver(5, "F", wire.as_bytes()).await;
        let files = inbox.files();
        let about = header.get(..30);
        assert_eq!(inbox.observed().await, [(key, "F".to_owned())], "{about:?}");
        assert!(files[0].ends_with(&format!(",U=5,FMD5={HASH}:2,F")), "{files:?}");
        match expected {
            Some(seconds) => assert_eq!(first_number(&files[0]), seconds, "{about:?}"),
            None => assert!((now() - first_number(&files[0])).abs() < 1000, "{files:?}"),
        }
        let modified = fs::metadata(inbox.path(&files[0])).unwrap().mtime();
        assert!((now() - modified).abs() < 1000, "the file is of now");
        assert_eq!(fs::read_to_string(inbox.path(&files[0])).unwrap(), wire.replace('\r', ""));
    }
}

#[tokio::test]
async fn files_get_the_date_of_the_message_if_that_is_wished() {
    let delivery_date = DATE.replace("Date:", "Delivery-date:");
    for (header, expected) in [
        (DATE.to_owned(), Some(SECONDS)),
        ("Date: 29 Feb 2099 00:00:00 GMT\r\n".to_owned(), Some(4_076_006_400)),
        (delivery_date, None),
        ("Date: soon\r\n".to_owned(), None),
        ("Date: 1 Jan 12345 00:00:00 GMT\r\n".to_owned(), None),
    ] {
        let inbox = dated(Dating::Arrival, Dating::Header).await;
        inbox.deliver(5, "S", format!("{header}\r\nbody\r\n").as_bytes()).await;
        let files = inbox.files();
        let about = fs::metadata(inbox.path(&files[0])).unwrap();
        match expected {
            Some(seconds) => assert_eq!((about.mtime(), about.atime()), (seconds, seconds)),
            None => assert!((now() - about.mtime()).abs() < 1000, "{header}: {}", about.mtime()),
        }
        assert!((now() - first_number(&files[0])).abs() < 1000, "{files:?}");
    }
}

#[tokio::test]
async fn messages_of_one_date_have_names_of_their_own() {
    let inbox = dated(Dating::Header, Dating::Header).await;
    let wire = format!("{DATE}\r\nbody\r\n");
    // What an earlier process of the same number and host can have left.
    let theirs = inbox.deliver(1, "", wire.as_bytes()).await;
    let name = inbox.files().remove(0);
    let ours = name.replace(",U=1,", ",U=2,").replace(&format!("{SECONDS}_0."), "-315532755_1.");
    inbox.put(&ours.replace("new/", "cur/"), "not to be replaced");
    assert_eq!(inbox.observed().await.len(), 2);
    let staged = [inbox.stage(2, "", wire.as_bytes()).await, inbox.stage(2, "", b"\r\n").await];
    let planned: BTreeSet<_> = staged.iter().map(|it| it.planned().cloned().unwrap()).collect();
    assert_eq!(planned.len(), 2);
    assert!(!planned.contains(&theirs));
    assert!(inbox.mailbox.commit(staged.into()).await.iter().all(Result::is_ok));
    let seen: BTreeSet<_> = inbox.observed().await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert!(seen.is_superset(&planned));
}

#[tokio::test]
async fn a_dated_message_that_is_not_committed_leaves_nothing() {
    let inbox = dated(Dating::Header, Dating::Header).await;
    let staged = inbox.stage(1, "", format!("{DATE}\r\n").as_bytes()).await;
    let files = inbox.files();
    assert!(files.len() == 1 && files[0].starts_with("tmp/"), "{files:?}");
    let age = Duration::from_secs(u64::try_from((now() - first_number(&files[0])).abs()).unwrap());
    assert!(age < Duration::from_mins(20), "in tmp the name tells when it came: {files:?}");
    drop(staged);
    assert_eq!(inbox.files(), Vec::<String>::new());
}

/// Makes a directory look as if it had last been read in 2001.
fn read_long_ago(directory: &Path) -> SystemTime {
    let then = SystemTime::UNIX_EPOCH + Duration::from_nanos(978_307_200_123_456_789);
    let times = fs::FileTimes::new().set_accessed(then);
    fs::File::open(directory).unwrap().set_times(times).unwrap();
    then
}

#[tokio::test]
async fn access_times_of_directories_are_put_back_if_that_is_wished() {
    for directory_times in [DirectoryTimes::PutBack, DirectoryTimes::Left] {
        let root = tempfile::tempdir().unwrap();
        let conventions = Conventions { directory_times, ..Conventions::default() };
        let store = MaildirStore::new(MaildirConfig { conventions, ..config(root.path()) });
        let name = MailboxName::new("INBOX");
        store.create(&name).await.unwrap();
        let directories = ["new", "cur"].map(|it| root.path().join("INBOX").join(it));
        let accessed =
            || directories.each_ref().map(|it| fs::metadata(it).unwrap().accessed().unwrap());
        let then = directories.each_ref().map(|it| read_long_ago(it));
        assert_eq!(fs::read_dir(&directories[0]).unwrap().count(), 0);
        // Some file systems tell nobody when they were read.
        let is_told = accessed() != then;
        read_long_ago(&directories[0]);

        let inbox = Inbox { mailbox: store.open(&name, Access::ReadWrite).await.unwrap(), root };
        inbox.observed().await;
        inbox.deliver(1, "", b"x").await;
        let modified = || fs::metadata(&directories[0]).unwrap().modified().unwrap();
        let delivered = modified();
        let Inbox { root: _root, mailbox } = inbox;
        drop(mailbox);
        let put_back = accessed() == then;
        assert_eq!(put_back, directory_times == DirectoryTimes::PutBack || !is_told);
        assert_eq!(modified(), delivered, "the time of modification still tells of new mail");
    }
}

async fn with_keywords() -> Inbox {
    let keywords = [('a', "Work".to_owned()), ('z', "$Forwarded".to_owned())];
    let keywords = KeywordLetters::new(keywords);
    Inbox::with_conventions(Conventions { keywords, ..Conventions::default() }).await
}

#[tokio::test]
async fn letters_with_a_keyword_are_flags_in_every_respect() {
    let inbox = with_keywords().await;
    let wish = |flags: &str, keyword| Flags::from_letters(flags).with_keyword(keyword);
    let support = inbox.mailbox.observe().await.unwrap().support;
    for (keyword, expected) in [("work", "FS{Work}"), ("Other", "FS")] {
        assert_eq!(wish("FS", keyword).supported_by(&support).to_string(), expected);
    }

    let flags = wish("S", "WORK").with_keyword("Other");
    let new = NewMessage { counterpart: Some(uid(5)), flags, date: None };
    let staged = inbox.mailbox.stage(new, &mut WireBody::new(b"x")).await.unwrap();
    assert!(inbox.mailbox.commit(vec![staged]).await.remove(0).is_ok());
    assert!(inbox.files()[0].ends_with(&format!(",FMD5={HASH}:2,Sa")), "{:?}", inbox.files());

    for (before, add, remove, after) in [
        ("cur/1.h:2,Sbz", wish("", "Work"), Flags::default(), "cur/1.h:2,Sabz"),
        ("cur/1.h:2,Sbz", wish("F", "Work"), wish("S", "$FORWARDED"), "cur/1.h:2,Fab"),
        ("new/1.h", wish("", "Other"), Flags::default(), "new/1.h"),
        ("new/1.h", wish("", "work"), Flags::default(), "new/1.h:2,a"),
    ] {
        let inbox = with_keywords().await;
        inbox.put(before, "mail");
        let change = FlagChange { add, remove };
        let done = inbox.mailbox.change_flags(vec![(key("1.h"), change)]).await.remove(0);
        assert_eq!(done.unwrap(), Applied::Done(()));
        assert_eq!(inbox.files(), [after], "{before}");
    }
}

#[tokio::test]
async fn keywords_are_observed() {
    let inbox = with_keywords().await;
    inbox.put("cur/1.h:2,Sabz", "mail");
    let seen = inbox.mailbox.observe().await.unwrap();
    assert_eq!(seen.items()[0].flags.to_string(), "S{$Forwarded}{Work}");
}
