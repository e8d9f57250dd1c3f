//! `maxage` and `startdate`: what is too old is left alone on both sides.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::simple;
use offlineimap_testkit::server::{ImapServer, InternalDate, NewMessage};

use crate::rig::{LocalMail, Rig, ServerMail, lf};

const DAY: u64 = 86_400;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn rig(server: &ImapServer) -> Rig {
    Rig::new(server.address(), server.user(), server.password())
}

/// A message that came so many days ago.
fn aged(subject: &str, days: u64) -> NewMessage {
    let date = InternalDate::from_unix_seconds(i64::try_from(now() - days * DAY).unwrap());
    NewMessage::new(simple(subject)).with_date(date)
}

/// A server with messages of 400, 300, 20, 200 and 1 days, in this order.
fn server() -> ImapServer {
    let server = ImapServer::start().unwrap();
    for (subject, days) in [("a", 400), ("b", 300), ("c", 20), ("d", 200), ("e", 1)] {
        server.mail().add("INBOX", aged(subject, days)).unwrap();
    }
    server
}

fn local(rig: &Rig) -> String {
    let mut subjects: Vec<String> =
        rig.maildir().messages("INBOX").iter().map(LocalMail::subject).collect();
    subjects.sort();
    subjects.concat()
}

fn remote(rig: &Rig) -> String {
    let mut subjects: Vec<String> =
        rig.imap().messages("INBOX").iter().map(ServerMail::subject).collect();
    subjects.sort();
    subjects.concat()
}

fn file(rig: &Rig, subject: &str) -> PathBuf {
    rig.maildir().find("INBOX", subject).path
}

/// What was asked about messages, without tags.
fn asked(rig: &Rig) -> Vec<String> {
    let about = |line: &String| line.contains("SEARCH") || line.contains("(FLAGS)");
    let without_tag = |line: String| line.split_once(' ').unwrap().1.to_owned();
    rig.overheard().into_iter().filter(about).map(without_tag).collect()
}

#[test]
fn everything_from_the_first_recent_message_on_is_synced_and_nothing_else_is_listed() {
    let server = server();
    let rig = rig(&server).account("maxage = 30");
    drop(rig.overheard());
    rig.sync();
    assert_eq!(local(&rig), "cde");
    let said = asked(&rig);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("UID SEARCH RETURN (ALL) SINCE "), "{said:?}");
    assert_eq!(said[1], "UID FETCH 3:* (FLAGS)");
    rig.does_nothing("with old messages on the server");
}

#[test]
fn old_messages_are_deleted_locally_to_make_room_and_come_back_when_they_are_wanted() {
    let server = server();
    let rig = rig(&server);
    rig.sync();
    assert_eq!(local(&rig), "abcde");

    let rig = rig.account("maxage = 30");
    fs::remove_file(file(&rig, "a")).unwrap();
    fs::remove_file(file(&rig, "e")).unwrap();
    rig.maildir().set_flags("INBOX", "b", "FS");
    rig.sync();
    assert_eq!((remote(&rig).as_str(), local(&rig).as_str()), ("abcd", "bcd"));
    rig.does_nothing("with an old message deleted locally");
    // The other way round as well: the server has made room.
    server.mail().expunge("INBOX", 2).unwrap();
    rig.sync();
    assert_eq!((remote(&rig).as_str(), local(&rig).as_str()), ("acd", "bcd"));

    let rig = rig.without("maxage");
    rig.sync();
    let mail = rig.same_mail("without a limit").remove("INBOX").unwrap();
    assert_eq!(mail.len(), 4);
    assert_eq!(mail.iter().find(|it| it.subject() == "b").unwrap().flags, "FS");
    rig.does_nothing("without a limit");
}

/// Day by day another message grew too old, and OfflineIMAP deleted some of them locally.
#[test]
fn a_message_that_grows_too_old_is_deleted_nowhere_with_dovecot() {
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    for subject in ["a", "b", "c"] {
        rig.imap().append("INBOX", "S", &simple(subject).to_bytes());
    }
    let rig = rig.account("maxage = 2020-01-01");
    rig.sync();
    assert_eq!(local(&rig), "abc");
    // All of them are too old from one run to the next: the server says that they are from today,
    // and the day after the limit has not come yet.
    let today = jiff_date(now());
    let rig = rig.without("maxage").account(&format!("maxage = {today}"));
    for when in ["at first", "again"] {
        rig.sync();
        assert_eq!((remote(&rig).as_str(), local(&rig).as_str()), ("abc", "abc"), "{when}");
    }
    rig.does_nothing("with messages of which none is recent on the server");
}

fn jiff_date(unix_seconds: u64) -> String {
    jiff::Timestamp::from_second(i64::try_from(unix_seconds).unwrap())
        .unwrap()
        .strftime("%Y-%m-%d")
        .to_string()
}

#[test]
fn without_a_recent_message_on_the_server_old_files_are_not_copied() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", aged("a", 400)).unwrap();
    let rig = rig(&server).account("maxage = 30");
    rig.sync();
    assert_eq!(local(&rig), "");
    // Its name says that it is from 2020.
    rig.maildir().deliver("INBOX", "S", &lf(&simple("old").to_bytes()));
    let recent = rig.maildir().folder("INBOX").join(format!("cur/{}.1.other:2,S", now() - DAY));
    fs::write(recent, lf(&simple("new").to_bytes())).unwrap();
    rig.sync();
    assert_eq!((remote(&rig).as_str(), local(&rig).as_str()), ("anew", "newold"));
}

#[test]
fn recently_downloaded_messages_are_synced_although_none_is_recent_on_the_server() {
    let server = ImapServer::start().unwrap();
    for subject in ["a", "b"] {
        server.mail().add("INBOX", aged(subject, 400)).unwrap();
    }
    let rig = rig(&server);
    rig.sync();
    let rig = rig.account("maxage = 30");
    server.mail().set_flags("INBOX", 2, &["\\Flagged"]).unwrap();
    rig.sync();
    assert_eq!(rig.maildir().find("INBOX", "b").flags, "F");
}

#[test]
fn a_lost_state_doubles_nothing_that_is_too_old() {
    let server = server();
    let rig = rig(&server);
    rig.sync();
    for mail in rig.maildir().messages("INBOX") {
        let bare = rig.maildir().folder("INBOX").join(format!("cur/1.{}.x:2,", mail.subject()));
        fs::rename(mail.path, bare).unwrap();
    }
    fs::remove_dir_all(rig.metadata()).unwrap();
    let rig = rig.account("maxage = 30");
    rig.sync();
    assert_eq!(rig.same_mail("without a state").remove("INBOX").unwrap().len(), 5);
    let rig = rig.without("maxage");
    rig.sync();
    assert_eq!(rig.same_mail("without a limit").remove("INBOX").unwrap().len(), 5);
    rig.does_nothing("without a limit");
}

#[test]
fn a_start_date_is_asked_for_once() {
    let server = server();
    let day = jiff_date(now() - 30 * DAY);
    let rig = rig(&server).remote(&format!("startdate = {day}"));
    drop(rig.overheard());
    rig.sync();
    assert_eq!(local(&rig), "cde");
    assert!(asked(&rig).iter().any(|line| line.contains("SEARCH RETURN (ALL) SINCE")));
    // Later messages are synced whatever their date, and what is gone does not move the start.
    server.mail().add("INBOX", aged("f", 900)).unwrap();
    server.mail().expunge("INBOX", 3).unwrap();
    rig.sync();
    assert_eq!(asked(&rig), ["UID FETCH 3:* (FLAGS)"]);
    assert_eq!((remote(&rig).as_str(), local(&rig).as_str()), ("abdef", "def"));
    rig.maildir().deliver("INBOX", "S", &lf(&simple("g").to_bytes()));
    rig.sync();
    assert_eq!(remote(&rig), "abdefg");
    // An earlier date begins earlier.
    let day = jiff_date(now() - 350 * DAY);
    let rig = rig.without("startdate").remote(&format!("startdate = {day}"));
    rig.sync();
    assert_eq!(local(&rig), "bdefg");
    let rig = rig.without("startdate");
    rig.sync();
    assert_eq!(rig.same_mail("without a start date").remove("INBOX").unwrap().len(), 6);
}

#[test]
fn a_local_start_date_keeps_old_files_from_being_copied() {
    let server = ImapServer::start().unwrap();
    let rig = rig(&server).local("startdate = 2021-01-01");
    rig.maildir().create("INBOX");
    rig.maildir().deliver("INBOX", "S", &lf(&simple("old").to_bytes()));
    let recent = rig.maildir().folder("INBOX").join(format!("cur/{}.1.other:2,S", now() - DAY));
    fs::write(recent, lf(&simple("new").to_bytes())).unwrap();
    server.mail().add("INBOX", aged("a", 900)).unwrap();
    for when in ["at first", "again"] {
        rig.sync();
        assert_eq!((remote(&rig).as_str(), local(&rig).as_str()), ("anew", "anewold"), "{when}");
    }
}

#[test]
fn the_size_counts_inside_of_the_window_as_well() {
    let server = server();
    let large = offlineimap_testkit::message::random(1, 3000);
    server.mail().add("INBOX", NewMessage::new(large)).unwrap();
    let rig = rig(&server).account("maxage = 30").account("maxsize = 2000");
    drop(rig.overheard());
    rig.sync();
    assert_eq!(local(&rig), "cde");
    let said = asked(&rig);
    assert!(said.contains(&"UID SEARCH RETURN (ALL) UID 3:* LARGER 1000".to_owned()), "{said:?}");
    rig.does_nothing("with two restrictions");
}

#[test]
fn a_mailbox_in_motion_is_listed_again() {
    let server = server();
    let rig = rig(&server).account("maxage = 30");
    rig.sync();
    let until = SystemTime::now() + Duration::from_secs(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while SystemTime::now() < until {
                let uid = server.mail().add("INBOX", aged("x", 1)).unwrap();
                server.mail().expunge("INBOX", uid).unwrap();
            }
        });
        while SystemTime::now() < until {
            let ended = rig.run(&[]);
            assert!(matches!(ended.status, Some(0 | 1)), "{}", ended.output);
        }
    });
    rig.sync();
    assert_eq!((remote(&rig).as_str(), local(&rig).as_str()), ("abcde", "cde"));
}
