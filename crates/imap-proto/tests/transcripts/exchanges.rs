//! Ordinary exchanges.

use offlineimap_imap_proto::command::{
    Append, Command, FetchItem, ListReturn, ListSelection, Messages, OpenMode, SearchKey,
    SearchReturn, StatusItem, StoreAction,
};
use offlineimap_imap_proto::date::InternalDate;
use offlineimap_imap_proto::flags::{FlagList, SystemFlag};
use offlineimap_imap_proto::session::SessionError;
use offlineimap_imap_proto::uid_set::{Uid, UidSet};

use crate::harness::Transcript;

pub(crate) fn uids(text: &str) -> Messages {
    Messages::Uids(set(text))
}

pub(crate) fn set(text: &str) -> UidSet {
    UidSet::parse(text.as_bytes()).unwrap()
}

pub(crate) fn append(size_bytes: u64) -> Command {
    Command::append(&Append {
        mailbox: "saved".into(),
        flags: [SystemFlag::Seen, SystemFlag::Recent].into_iter().collect(),
        internal_date: InternalDate::new(-1, -210),
        size_bytes,
    })
}

fn seen(action: StoreAction) -> Command {
    let mut flags: FlagList = [SystemFlag::Seen].into_iter().collect();
    flags.insert_name("$Forwarded");
    Command::store(set("3,5:6"), action, &flags).unwrap()
}

#[test]
fn a_mailbox_is_opened_read_and_left() {
    Transcript::with("IMAP4rev1 UIDPLUS CONDSTORE UNSELECT")
        .submit(|| Command::open(&"INBOX".into(), OpenMode::Select))
        .submit(|| Command::fetch(Messages::AllBySequence, &[FetchItem::Uid, FetchItem::Flags]))
        .c("a1 SELECT INBOX\r\n")
        .s("* 3 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen \\Deleted Junk)\r\n")
        .s("* OK [PERMANENTFLAGS (\\Seen \\*)] Limited\r\n* OK [UIDVALIDITY 3857529045]\r\n")
        .s("* OK [UIDNEXT 4392] Predicted\r\na1 OK [READ-WRITE] done\r\n")
        .told("a1: Exists(3)")
        .told("a1: Recent(0)")
        .told("a1: Flags(FlagList { system: 34, others: [\"Junk\"] })")
        .told(
            "a1: Ok Some(PermanentFlags(FlagList { system: 32, others: [\"\\\\*\"] })) \"Limited\"",
        )
        .told("a1: Ok Some(UidValidity(3857529045)) \"\"")
        .told("a1: Ok Some(UidNext(4392)) \"Predicted\"")
        .told("a1 OK ReadWrite \"done\"")
        .c("a2 FETCH 1:* (UID FLAGS)\r\n")
        .s("* 1 FETCH (UID 4 FLAGS (\\Seen))\r\n* 2 FETCH (FLAGS () UID 5)\r\n")
        .s("* 3  FETCH  ( UID 4391  FLAGS (\\seen $Label1  Junk ) MODSEQ (12)) \na2 OK\n")
        .told("a2: fetch 1 uid=4 flags=(\\Seen)")
        .told("a2: fetch 2 uid=5 flags=()")
        .told("a2: fetch 3 uid=4391 flags=(\\Seen $Label1 Junk) modseq=12")
        .told("a2 OK \"\"")
        .submit(Command::unselect)
        .c("a3 UNSELECT\r\n")
        .s("a3 OK\r\n")
        .told("a3 OK \"\"")
        .submit(Command::logout)
        .c("a4 LOGOUT\r\n")
        .s("* BYE see you\r\na4 OK\r\n")
        .told("a4 OK \"\"")
        .check();
}

#[test]
fn bodies_are_streamed_while_others_are_under_way() {
    Transcript::with("IMAP4rev1")
        .submit(|| Command::fetch(uids("4:5"), &[FetchItem::InternalDate, FetchItem::Body]))
        .submit(|| Command::fetch(uids("9"), &[FetchItem::Size, FetchItem::Body]))
        .c("a1 UID FETCH 4:5 (INTERNALDATE BODY.PEEK[])\r\na2 UID FETCH 9 (RFC822.SIZE BODY.PEEK[])\r\n")
        .s("* 1 FETCH (UID 4 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" BODY[] {11}\r\nab)\r\n* 2\0(\n)\r\n")
        .s("* 9 FETCH (BODY[] {0}\r\n RFC822.SIZE 0 UID 9)\r\na2 OK\r\na1 OK\r\n")
        .told("a1: body uid=4 [] 11 bytes")
        .told("chunk ab)\\r\\n* 2\\x00(\\n")
        .told("body end")
        .told("a1: fetch 1 uid=4 date=17-Jul-1996 02:44:25 -0700")
        .told("* body uid=? [] 0 bytes")
        .told("body end")
        .told("a2: fetch 9 uid=9 size=0")
        .told("a2 OK \"\"")
        .told("a1 OK \"\"")
        .check();
}

#[test]
fn unknown_items_are_skipped_as_balanced_values() {
    Transcript::with("IMAP4rev1 X-GM-EXT-1")
        .submit(|| Command::fetch(uids("1:9"), &[FetchItem::Flags]))
        .c("a1 UID FETCH 1:9 (FLAGS)\r\n")
        .s("* 1 FETCH (X-GM-MSGID 12 X-GM-LABELS (\"\\\\Inbox\" {6}\r\na)(\"\r\n \"q\\\"(\") ")
        .s("ENVELOPE (NIL (((\"a\" NIL))) {3}\r\n)))) BODY (\"TEXT\" \"PLAIN\") UID 1 ")
        .s("BINARY.SIZE[1.2] 77 EMAILID (Mabc) SAVEDATE NIL FLAGS (\\Draft) MODSEQ 7)\r\n")
        .s("* 2 FETCH (UID 2 FLAGS (bad\"x))\r\n* 3 FETCH (UID 3 FLAGS NIL)\r\n* 4 FETCH (UID 4)\r\n")
        .s("* 5 FETCH (UID 5 FLAGS (\\Seen\r\n* 6 FETCH (UID 0 FLAGS ())\r\n* 7 FETCH UID\r\na1 OK\r\n")
        .told("a1: fetch 1 uid=1 flags=(\\Draft) modseq=7")
        .told("a1: Malformed(Malformed { name: \"FETCH\", uid: Some(2), offset: 18 })")
        .told("a1: fetch 3 uid=3 flags=?")
        .told("a1: fetch 4 uid=4")
        .told("a1: Malformed(Malformed { name: \"FETCH\", uid: Some(5), offset: 20 })")
        .told("a1: Malformed(Malformed { name: \"FETCH\", uid: None, offset: 7 })")
        .told("a1: Malformed(Malformed { name: \"FETCH\", uid: None, offset: 1 })")
        .told("a1 OK \"\"")
        .check();
}

#[test]
fn header_fields_come_with_their_section() {
    Transcript::with("IMAP4rev1")
        .submit(|| {
            let fields = vec!["Message-ID".to_owned()];
            Command::fetch(uids("7"), &[FetchItem::HeaderFields(fields)])
        })
        .c("a1 UID FETCH 7 (BODY.PEEK[HEADER.FIELDS (Message-ID)])\r\n")
        .s("* 7 FETCH (UID 7 BODY[HEADER.FIELDS (\"Message-ID\" {2}\r\n]])]<0> {4}\r\nx: y)\r\na1 OK\r\n")
        .told("a1: body uid=7 [HEADER.FIELDS (\"MESSAGE-ID\" )<0>] 4 bytes")
        .told("chunk x: y")
        .told("body end")
        .told("a1: fetch 7 uid=7")
        .told("a1 OK \"\"")
        .check();
}

#[test]
fn an_append_waits_for_the_continuation() {
    Transcript::with("IMAP4rev1 UIDPLUS")
        .submit(|| append(6))
        .submit(|| append(0))
        .submit(Command::noop)
        .c("a1 APPEND saved (\\Seen) \"31-Dec-1969 20:29:59 -0330\" {6}\r\n")
        .s("+ OK\r\n")
        .c("mmmmmm\r\na2 APPEND saved (\\Seen) \"31-Dec-1969 20:29:59 -0330\" {0}\r\n")
        .s("a1 OK [APPENDUID 38505 3955] APPEND completed\r\n+\r\n")
        .told("a1 OK AppendUid { uid_validity: 38505, uids: UidSet { ranges: [UidRange { first: 3955, last: 3955 }] } } \"APPEND completed\"")
        .c("\r\na3 NOOP\r\n")
        .s("a3 OK\r\na2 NO [TRYCREATE] no such mailbox {5}\r\n")
        .told("a3 OK \"\"")
        .told("a2 NO TryCreate \"no such mailbox {5}\"")
        .check();
}

#[test]
fn a_refused_append_sends_no_literal() {
    Transcript::with("IMAP4rev1 LITERAL-")
        .submit(|| append(5000))
        .submit(|| append(4096))
        .c("a1 APPEND saved (\\Seen) \"31-Dec-1969 20:29:59 -0330\" {5000}\r\n")
        .s("a1 NO [OVERQUOTA] full\r\n")
        .told("a1 NO OverQuota \"full\"")
        .c(&format!(
            "a2 APPEND saved (\\Seen) \"31-Dec-1969 20:29:59 -0330\" {{4096+}}\r\n{}\r\n",
            "m".repeat(4096)
        ))
        .s("a2 BAD [TOOBIG] too big\r\n")
        .told("a2 BAD TooBig \"too big\"")
        .check();
}

#[test]
fn with_literal_plus_appends_go_out_at_once() {
    Transcript::with("IMAP4rev1 LITERAL+")
        .submit(|| append(3))
        .submit(|| append(2))
        .c("a1 APPEND saved (\\Seen) \"31-Dec-1969 20:29:59 -0330\" {3+}\r\nmmm\r\na2 APPEND saved (\\Seen) \"31-Dec-1969 20:29:59 -0330\" {2+}\r\nmm\r\n")
        .s("a2 OK\r\na1 OK\r\n")
        .told("a2 OK \"\"")
        .told("a1 OK \"\"")
        .check();
}

#[test]
fn searches_wait_for_each_other_and_fetches_do_not() {
    Transcript::with("IMAP4rev1 ESEARCH")
        .submit(|| Command::search(&[], SearchReturn::Numbers))
        .submit(|| Command::fetch(uids("5"), &[FetchItem::Flags]))
        .submit(|| Command::search(&[SearchKey::Undeleted], SearchReturn::Ranges))
        .c("a1 UID SEARCH ALL\r\na2 UID FETCH 5 (FLAGS)\r\n")
        .s("* SEARCH 4 2 3 84 5 (MODSEQ 917162500)\r\n* SEARCH\r\n* SEARCH 1 x\r\na1 OK\r\n")
        .told("a1: search 2:5,84")
        .told("a1: search ")
        .told("a1: Malformed(Malformed { name: \"SEARCH\", uid: None, offset: 5 })")
        .told("a1 OK \"\"")
        .c("a3 UID SEARCH RETURN (ALL) UNDELETED\r\n")
        .s("* ESEARCH (TAG \"a3\") UID COUNT 3 MIN 1 MAX 9 ALL 1:2,9 MODSEQ 5\r\na3 OK\r\na2 OK\r\n")
        .told("a3: Esearch(Esearch { tag: Some(\"a3\"), min: Some(1), max: Some(9), count: Some(3), all: UidSet { ranges: [UidRange { first: 1, last: 2 }, UidRange { first: 9, last: 9 }] }, mod_seq: Some(5) })")
        .told("a3 OK \"\"")
        .told("a2 OK \"\"")
        .check();
}

#[test]
fn stores_and_expunges_keep_their_order() {
    Transcript::with("IMAP4rev1 UIDPLUS MOVE")
        .submit(|| seen(StoreAction::Add))
        .submit(|| seen(StoreAction::Remove))
        .submit(|| Command::uid_expunge(&set("3,5:6")))
        .c("a1 UID STORE 3,5:6 +FLAGS.SILENT (\\Seen $Forwarded)\r\na2 UID STORE 3,5:6 -FLAGS.SILENT (\\Seen $Forwarded)\r\n")
        .s("a1 OK\r\na2 NO [MODIFIED 7,9] some\r\n")
        .told("a1 OK \"\"")
        .told("a2 NO Modified(UidSet { ranges: [UidRange { first: 7, last: 7 }, UidRange { first: 9, last: 9 }] }) \"some\"")
        .c("a3 UID EXPUNGE 3,5:6\r\n")
        .s("* 3 EXPUNGE\r\n* VANISHED 5:6\r\n* VANISHED (EARLIER) 41,43:44\r\na3 OK [HIGHESTMODSEQ 20010715194045319] ok\r\n")
        .told("* Expunge(3)")
        .told("* vanished Now 5:6")
        .told("* vanished Earlier 41,43:44")
        .told("a3 OK HighestModSeq(20010715194045319) \"ok\"")
        .submit(|| Command::move_to(&set("2"), &"Bin/a b".into()))
        .c("a4 UID MOVE 2 \"Bin/a b\"\r\n")
        .s("* OK [COPYUID 7 2 99] moved\r\na4 OK\r\n")
        .told("* Ok Some(CopyUid { uid_validity: 7, source: [UidRange { first: 2, last: 2 }], destination: [UidRange { first: 99, last: 99 }] }) \"moved\"")
        .told("a4 OK \"\"")
        .check();
}

#[test]
fn an_open_waits_for_what_belongs_to_the_old_mailbox() {
    Transcript::with("IMAP4rev1")
        .submit(|| Command::fetch(Messages::UidsFrom(Uid::MIN), &[FetchItem::Flags]))
        .submit(|| Command::open(&"b".into(), OpenMode::Examine))
        .submit(Command::check)
        .c("a1 UID FETCH 1:* (FLAGS)\r\n")
        .s("a1 OK\r\n")
        .told("a1 OK \"\"")
        .c("a2 EXAMINE b\r\n")
        .s("* OK [CLOSED] left\r\n* 1 EXISTS\r\na2 NO [NONEXISTENT] gone\r\n")
        .told("a2: Ok Some(Closed) \"left\"")
        .told("a2: Exists(1)")
        .told("a2 NO NonExistent \"gone\"")
        .c("a3 CHECK\r\n")
        .s("a3 OK\r\n")
        .told("a3 OK \"\"")
        .check();
}

#[test]
fn list_with_status_is_one_exchange() {
    Transcript::with("IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE")
        .submit(|| {
            let status = vec![StatusItem::Messages, StatusItem::UidNext];
            let returns = [ListReturn::SpecialUse, ListReturn::Status(status)];
            Command::list(&"".into(), &"*".into(), ListSelection::All, &returns)
        })
        .submit(|| Command::status(&"x".into(), &[StatusItem::UidValidity]))
        .c("a1 LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT))\r\n")
        .s("* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n* STATUS Sent (MESSAGES 5 UIDNEXT 9 )\r\n")
        .s("* LIST () \"/\" \"a\\\\b\\\"c\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\na1 OK\r\n")
        .told("a1: list (\\HasNoChildren \\Sent) Some('/') MailboxName(\"Sent\")")
        .told("a1: MailboxStatus(MailboxStatus { mailbox: MailboxName(\"Sent\"), messages: Some(5), recent: None, uid_next: Some(9), uid_validity: None, unseen: None, highest_mod_seq: None, size_bytes: None })")
        .told("a1: list () Some('/') MailboxName(\"a\\\\b\\\"c\")")
        .told("a1 OK \"\"")
        .c("a2 STATUS x (UIDVALIDITY)\r\n")
        .s("a2 OK\r\n")
        .told("a2 OK \"\"")
        .check();
}

#[test]
fn names_and_passwords_cannot_break_out() {
    Transcript::with("IMAP4rev1 LITERAL+ ENABLE")
        .submit(|| Command::create(&"a\r\nb".into()))
        .submit(|| Command::delete(&"back\\slash".into()))
        .submit(|| Command::subscribe(&"st*r %]".into()))
        .submit(|| Command::create(&"".into()))
        .submit(|| Command::create(&"nil".into()))
        .submit(|| Command::create(&"caf\u{e9}".into()))
        .submit(|| Command::create(&"&AOk-/[Gmail".into()))
        .submit(|| Command::login("a\"b", &"p\\w\0".into()))
        .c("a1 CREATE {4+}\r\na\r\nb\r\na2 DELETE \"back\\\\slash\"\r\na3 SUBSCRIBE \"st*r %]\"\r\na4 CREATE \"\"\r\na5 CREATE \"nil\"\r\na6 CREATE {5+}\r\ncaf\u{e9}\r\na7 CREATE &AOk-/[Gmail\r\n")
        .s("a1 OK\r\na2 OK\r\na3 OK\r\na4 NO\r\na5 OK\r\na6 OK\r\na7 OK\r\n")
        .told("a1 OK \"\"")
        .told("a2 OK \"\"")
        .told("a3 OK \"\"")
        .told("a4 NO \"\"")
        .told("a5 OK \"\"")
        .told("a6 OK \"\"")
        .told("a7 OK \"\"")
        .c("a8 LOGIN \"a\\\"b\" {4+}\r\np\\w\0\r\n")
        .s("a8 OK\r\n")
        .told("a8 OK \"\"")
        .submit(|| Command::enable(&["QRESYNC"]))
        .c("a9 ENABLE QRESYNC\r\n")
        .s("* ENABLED QRESYNC\r\na9 OK\r\n")
        .told("a9: Enabled([\"QRESYNC\"])")
        .told("a9 OK \"\"")
        .check();
}

#[test]
fn a_bye_ends_everything_with_its_reason() {
    Transcript::with("IMAP4rev1")
        .submit(Command::noop)
        .submit(Command::capability)
        .c("a1 NOOP\r\na2 CAPABILITY\r\n")
        .s("* BYE [UNAVAILABLE] going down\r\na1 NO gone\r\na99 OK\r\n")
        .told("a1 NO \"gone\"")
        .told("a2 lost Unknown")
        .told("closed, bye \"going down\"")
        .fails(SessionError::UnknownTag { tag: "a99".to_owned() })
        .check();
}

#[test]
fn data_in_the_open_behind_starttls_refused() {
    Transcript::with("IMAP4rev1 STARTTLS")
        .submit(Command::start_tls)
        .c("a1 STARTTLS\r\n")
        .s("a1 OK begin\r\n*")
        .told("a1 OK \"begin\"")
        .told("closed")
        .fails(SessionError::DataBehindStartTls)
        .check();
}

#[test]
fn a_continuation_that_nobody_awaits_is_an_error() {
    Transcript::with("IMAP4rev1")
        .submit(Command::noop)
        .c("a1 NOOP\r\n")
        .s("+ go on\r\n")
        .told("a1 lost Unknown")
        .told("closed")
        .fails(SessionError::UnexpectedContinuation)
        .check();
}
