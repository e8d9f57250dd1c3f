//! One transcript for each entry of the table of quirks.

use offlineimap_imap_proto::command::{
    Command, FetchItem, ListSelection, OpenMode, SearchReturn, StatusItem, StoreAction,
};
use offlineimap_imap_proto::flags::SystemFlag;
use offlineimap_imap_proto::opening::{LoginMethod, StartTls};
use offlineimap_imap_proto::quirks::QUIRKS;

use crate::exchanges::{append, set, uids};
use crate::harness::Transcript;
use crate::opening::policy;

#[test]
fn every_entry_of_the_table_has_its_transcript() {
    for quirk in QUIRKS {
        transcript(quirk.name).check();
    }
}

fn body() -> Command {
    Command::fetch(uids("7"), &[FetchItem::Body])
}

fn list() -> Command {
    Command::list(&"".into(), &"%".into(), ListSelection::All, &[])
}

fn transcript(name: &str) -> Transcript {
    match name {
        "courier-discards-behind-login" => Transcript::with("IMAP4rev1")
            .submit(|| Command::login("tim", &"secret".into()))
            .submit(Command::capability)
            .c("a1 LOGIN \"tim\" \"secret\"\r\n")
            .s("a1 OK LOGIN Ok.\r\n")
            .told("a1 OK \"LOGIN Ok.\"")
            .c("a2 CAPABILITY\r\n")
            .s("a2 OK\r\n")
            .told("a2 OK \"\""),
        "courier-alert-before-preauth" => {
            Transcript::opening(policy(StartTls::No, &[LoginMethod::Login]))
                .s("* OK [ALERT] Filesystem notification\r\n* PREAUTH Ready.\r\n")
                .c("a1 CAPABILITY\r\n")
                .s("* CAPABILITY IMAP4rev1\r\na1 OK\r\n")
                .told("ready")
        }
        "courier-nul-in-body" => Transcript::with("IMAP4rev1")
            .submit(body)
            .c("a1 UID FETCH 7 (BODY.PEEK[])\r\n")
            .s("* 2 FETCH (UID 7 BODY[] {3}\r\n\0a\0)\r\n* 2 FETCH (UID 7 BODY[] ~{1}\r\n\0)\r\na1 OK FETCH completed.\r\n")
            .told("a1: body uid=7 [] 3 bytes")
            .told("chunk \\x00a\\x00")
            .told("body end")
            .told("a1: fetch 2 uid=7")
            .told("a1: body uid=7 [] 1 bytes Literal8")
            .told("chunk \\x00")
            .told("body end")
            .told("a1: fetch 2 uid=7")
            .told("a1 OK \"FETCH completed.\""),
        "dovecot-answers-out-of-order" => Transcript::with("IMAP4rev1 LITERAL+")
            .submit(|| append(2))
            .submit(|| Command::search(&[], SearchReturn::Numbers))
            .c("a1 APPEND saved (\\Seen) \"31-Dec-1969 20:29:59 -0330\" {2+}\r\nmm\r\na2 UID SEARCH ALL\r\n")
            .s("* SEARCH 1 2\r\na1 OK [APPENDUID 1 2] done\r\na2 OK done\r\n")
            .told("a2: search 1:2")
            .told("a1 OK AppendUid { uid_validity: 1, uids: UidSet { ranges: [UidRange { first: 2, last: 2 }] } } \"done\"")
            .told("a2 OK \"done\""),
        "dovecot-uidnext-zero" => Transcript::with("IMAP4rev1")
            .submit(|| Command::open(&"a".into(), OpenMode::Select))
            .c("a1 SELECT a\r\n")
            .s("* OK [UIDNEXT 0] none\r\na1 OK\r\n")
            .told("a1: Ok Some(Other { name: \"UIDNEXT\", value: \"0\" }) \"none\"")
            .told("a1 OK \"\""),
        "cyrus-mailboxid-garbage" => Transcript::with("IMAP4rev1")
            .submit(|| Command::status(&"a".into(), &[StatusItem::Messages]))
            .c("a1 STATUS a (MESSAGES)\r\n")
            .s_bytes(b"* STATUS a (MAILBOXID (\x01\xff\xfe) MESSAGES 7)\r\na1 OK\r\n")
            .told("a1: MailboxStatus(MailboxStatus { mailbox: MailboxName(\"a\"), messages: Some(7), recent: None, uid_next: None, uid_validity: None, unseen: None, highest_mod_seq: None, size_bytes: None })")
            .told("a1 OK \"\""),
        "gmail-code-without-text" => Transcript::with("IMAP4rev1")
            .submit(Command::noop)
            .c("a1 NOOP\r\n")
            .s("* OK [HIGHESTMODSEQ 7011231777]\r\na1 OK\r\n")
            .told("* Ok Some(HighestModSeq(7011231777)) \"\"")
            .told("a1 OK \"\""),
        "gmail-fetch-after-silent-store" => Transcript::with("IMAP4rev1")
            .submit(body)
            .submit(|| {
                let flags = [SystemFlag::Seen].into_iter().collect();
                Command::store(set("7"), StoreAction::Add, &flags).unwrap()
            })
            .c("a1 UID FETCH 7 (BODY.PEEK[])\r\na2 UID STORE 7 +FLAGS.SILENT (\\Seen)\r\n")
            .s("* 2 FETCH (UID 7 FLAGS (\\Seen))\r\n* 3 FETCH (UID 8 FLAGS ())\r\n* 3 FETCH (FLAGS ())\r\na2 OK\r\na1 OK\r\n")
            .told("a2: fetch 2 uid=7 flags=(\\Seen)")
            .told("* fetch 3 uid=8 flags=()")
            .told("* fetch 3 flags=()")
            .told("a2 OK \"\"")
            .told("a1 OK \"\""),
        "icloud-push-service" => Transcript::opening(policy(StartTls::No, &[LoginMethod::Login]))
            .s("* OK [CAPABILITY XAPPLEPUSHSERVICE IMAP4] ready\r\n")
            .c("a1 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
            .s("a1 OK [CAPABILITY XAPPLEPUSHSERVICE IMAP4 UIDPLUS] in\r\n")
            .c("a2 CAPABILITY\r\n")
            .s("* CAPABILITY XAPPLEPUSHSERVICE IMAP4 UIDPLUS\r\na2 OK\r\n")
            .told("ready"),
        "netease-id-needed" => Transcript::opening(policy(StartTls::No, &[LoginMethod::Login]))
            .s("* OK [CAPABILITY IMAP4rev1] ready\r\n")
            .c("a1 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
            .s("a1 OK LOGIN completed\r\n")
            .c("a2 CAPABILITY\r\n")
            .s("* CAPABILITY IMAP4rev1 ID \r\na2 OK\r\n")
            .c("a3 ID (\"name\" \"offlineimap\")\r\n")
            .s("* ID (\"name\" NIL )\r\na3 OK\r\n* STATUS \"INBOX\" ()\r\n")
            .told("ready"),
        "literal-look-alike-in-text" => Transcript::with("IMAP4rev1")
            .submit(Command::noop)
            .c("a1 NOOP\r\n")
            .s("* NO no such box {5}\r\n* OK [X {5}\r\na1 NO no such box ~{5+}\r\n")
            .told("* No None \"no such box {5}\"")
            .told("* Ok None \"[X {5}\"")
            .told("a1 NO \"no such box ~{5+}\""),
        "rev2-list-on-select" => Transcript::with("IMAP4rev2")
            .submit(|| Command::open(&"a".into(), OpenMode::Select))
            .c("a1 SELECT a\r\n")
            .s("* LIST () \"/\" a\r\na1 OK\r\n")
            .told("* list () Some('/') MailboxName(\"a\")")
            .told("a1 OK \"\""),
        "uid-behind-the-body" => Transcript::with("IMAP4rev1")
            .submit(body)
            .submit(|| Command::fetch(uids("8"), &[FetchItem::Body]))
            .c("a1 UID FETCH 7 (BODY.PEEK[])\r\na2 UID FETCH 8 (BODY.PEEK[])\r\n")
            .s("* 9 FETCH (BODY[] {1}\r\nx UID 8)\r\na2 OK\r\na1 OK\r\n")
            .told("* body uid=? [] 1 bytes")
            .told("chunk x")
            .told("body end")
            .told("a2: fetch 9 uid=8")
            .told("a2 OK \"\"")
            .told("a1 OK \"\""),
        "nil-body" => Transcript::with("IMAP4rev1")
            .submit(body)
            .c("a1 UID FETCH 7 (BODY.PEEK[])\r\n")
            .s("* 1 FETCH (UID 7 BODY[] NIL)\r\n* 1 FETCH (UID 7 BODY[] \"\")\r\n* 1 FETCH (UID 7 RFC822 \"a\\\"{3}\")\r\na1 OK\r\n")
            .told("a1: body uid=7 [] 0 bytes Nil")
            .told("body end")
            .told("a1: fetch 1 uid=7")
            .told("a1: body uid=7 [] 0 bytes Quoted")
            .told("body end")
            .told("a1: fetch 1 uid=7")
            .told("a1: body uid=7 [] 5 bytes Quoted")
            .told("chunk a\\\"{3}")
            .told("body end")
            .told("a1: fetch 1 uid=7")
            .told("a1 OK \"\""),
        "stalwart-large-numbers" => Transcript::with("IMAP4rev1")
            .submit(Command::noop)
            .c("a1 NOOP\r\n")
            .s("* OK [UIDVALIDITY 4294967295]\r\n* OK [HIGHESTMODSEQ 18446744073709551615]\r\n* OK [UIDVALIDITY 4294967296]\r\na1 OK\r\n")
            .told("* Ok Some(UidValidity(4294967295)) \"\"")
            .told("* Ok Some(HighestModSeq(18446744073709551615)) \"\"")
            .told("* Ok Some(Other { name: \"UIDVALIDITY\", value: \"4294967296\" }) \"\"")
            .told("a1 OK \"\""),
        "flat-and-nil-names" => Transcript::with("IMAP4rev1")
            .submit(list)
            .c("a1 LIST \"\" \"%\"\r\n")
            .s_bytes(b"* LIST () NIL a\r\n* LIST (\\NoSelect) \".\" NIL\r\n* LIST () \"\\\\\" {5}\r\na\r\n\"b\r\n* LIST () \"/\" caf\xe9\r\n* LIST () \"/\" \"caf\xc3\xa9\"\r\n* LIST broken\r\na1 OK\r\n")
            .told("a1: list () None MailboxName(\"a\")")
            .told("a1: list (\\NoSelect) Some('.') MailboxName(\"\")")
            .told("a1: list () Some('\\\\') MailboxName(\"a\\r\\n\\\"b\")")
            .told("a1: list () Some('/') MailboxName(\"caf\\xe9\")")
            .told("a1: list () Some('/') MailboxName(\"caf\\xc3\\xa9\")")
            .told("a1: Malformed(Malformed { name: \"LIST\", uid: None, offset: 13 })")
            .told("a1 OK \"\""),
        other => panic!("no transcript for {other}"),
    }
}
