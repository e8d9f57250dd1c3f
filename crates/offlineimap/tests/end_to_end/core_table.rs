//! The table of what two stores and the memory of the last sync can be like (A to S of mbsync's
//! tests), with what OfflineIMAP does about it: all rows at once, in one mailbox.

use offlineimap_testkit::courier::Courier;
use offlineimap_testkit::cyrus::Cyrus;
use offlineimap_testkit::dovecot::{Dovecot, MailFormat};
use offlineimap_testkit::message::simple;

use crate::rig::{Rig, lf, summary};

/// A message before and after: flags on each side, or `None` where there is no message.
struct Row {
    name: &'static str,
    /// The flags when both sides last agreed; `None` if the message is new.
    agreed: Option<&'static str>,
    remote: Option<&'static str>,
    local: Option<&'static str>,
    expected: Option<&'static str>,
}

const fn row(
    name: &'static str,
    agreed: Option<&'static str>,
    remote: Option<&'static str>,
    local: Option<&'static str>,
    expected: Option<&'static str>,
) -> Row {
    Row { name, agreed, remote, local, expected }
}

/// `T` is a flag like any other here, not a wish to delete.
const ROWS: [Row; 20] = [
    row("A flagged on the server", Some(""), Some("F"), Some(""), Some("F")),
    row("B flagged locally", Some(""), Some(""), Some("F"), Some("F")),
    row("C flagged on either side", Some(""), Some("FS"), Some("F"), Some("FS")),
    row("D as it was", Some("S"), Some("S"), Some("S"), Some("S")),
    row("E marked on the server", Some(""), Some("T"), Some(""), Some("T")),
    row("F marked locally", Some(""), Some(""), Some("T"), Some("T")),
    row("G deleted locally, flagged there", Some(""), Some("F"), None, None),
    row("H flagged and marked on the server", Some(""), Some("FT"), Some(""), Some("FT")),
    row("I deleted on the server", Some(""), None, Some(""), None),
    row("J new on the server, marked", None, Some("T"), None, Some("T")),
    row("K new on the server, answered", None, Some("R"), None, Some("R")),
    row("L new locally, marked", None, None, Some("T"), Some("T")),
    row("M new locally", None, None, Some(""), Some("")),
    row("N new on the server", None, Some(""), None, Some("")),
    row("O marked on both sides", Some("T"), Some("T"), Some("T"), Some("T")),
    row("P deleted on both sides", Some(""), None, None, None),
    row("Q deleted on the server, marked", Some("T"), None, Some("T"), None),
    row("T deleted on the server, flagged here", Some("S"), None, Some("FS"), None),
    row("U a flag for another", Some("S"), Some("FS"), Some(""), Some("F")),
    row("V deleted locally", Some("S"), Some("S"), None, None),
];

#[test]
fn every_row_of_the_core_table_at_once_on_dovecot() {
    for format in [MailFormat::Maildir, MailFormat::Sdbox, MailFormat::Mdbox] {
        let server = Dovecot::builder().format(format).start().unwrap();
        play(&Rig::of(server.endpoint()));
    }
}

#[test]
fn every_row_of_the_core_table_at_once_on_cyrus() {
    let server = Cyrus::start().unwrap();
    play(&Rig::of(server.endpoint()));
}

#[test]
fn every_row_of_the_core_table_at_once_on_courier() {
    let server = Courier::start().unwrap();
    play(&Rig::of(server.endpoint()));
}

/// Makes every row on a server that is otherwise empty, and syncs.
fn play(rig: &Rig) {
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    let text = |name: &str| simple(name).to_bytes();
    for Row { name, agreed, .. } in &ROWS {
        if let Some(flags) = agreed {
            imap.append("INBOX", flags, &text(name));
        }
    }
    rig.sync();
    rig.does_nothing("after the first sync");

    for Row { name, agreed, remote, local, .. } in &ROWS {
        match (agreed, remote) {
            (None, Some(flags)) => drop(imap.append("INBOX", flags, &text(name))),
            (Some(agreed), Some(flags)) if agreed != flags => {
                let uid = imap.uid("INBOX", name);
                imap.set_flags("INBOX", uid, flags);
            }
            (Some(_), None) => {
                let uid = imap.uid("INBOX", name);
                imap.remove("INBOX", &uid.to_string());
            }
            _ => {}
        }
        match (agreed, local) {
            (None, Some(flags)) => drop(maildir.deliver("INBOX", flags, &lf(&text(name)))),
            (Some(agreed), Some(flags)) if agreed != flags => {
                maildir.set_flags("INBOX", name, flags);
            }
            (Some(_), None) => maildir.remove("INBOX", name),
            _ => {}
        }
    }
    rig.sync();

    let world = rig.same_mail("after the second sync");
    let mut expected: Vec<String> = ROWS
        .iter()
        .filter_map(|row| row.expected.map(|flags| format!("INBOX: {} [{flags}]", row.name)))
        .collect();
    expected.sort();
    assert_eq!(summary(&world), expected);
    for mail in world.values().flatten() {
        assert_eq!(mail.content, lf(&text(&mail.subject())), "{mail:?}");
    }
    rig.does_nothing("after the second sync");
}

/// R and S: a message that the state does not know is new, however low its UID or old its name.
#[test]
fn a_message_that_was_passed_over_is_copied_later() {
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    let mut imap = rig.imap();
    imap.append("INBOX", "", &simple("R remains").to_bytes());
    imap.append("INBOX", "", &simple("later").to_bytes());
    rig.sync();
    // As if both had failed in the first run: neither file nor state nor a high-water mark is left.
    rig.maildir().remove("INBOX", "R remains");
    rig.maildir().deliver("INBOX", "", &lf(&simple("S stays").to_bytes()));
    std::fs::remove_file(rig.state()).unwrap();
    rig.sync();
    let world = rig.same_mail("after the state was lost");
    assert_eq!(summary(&world), ["INBOX: R remains []", "INBOX: S stays []", "INBOX: later []"]);
    rig.does_nothing("after that");
}
