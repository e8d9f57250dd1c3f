//! The embedded server in plain transcripts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use offlineimap_testkit::message::{self, Odd};
use offlineimap_testkit::server::{
    Breakage, Capability, Cut, Fault, ImapServer, InternalDate, Misbehaviour, NewMessage, Quirk,
};
use offlineimap_testkit::transcript::Peer;

fn logged_in(server: &ImapServer) -> Peer {
    let mut peer = Peer::connect(server.address());
    peer.play("S: * ...\nC: l LOGIN tester secret\nS: l OK...");
    peer
}

fn selected(server: &ImapServer) -> Peer {
    let mut peer = logged_in(server);
    peer.send("s SELECT INBOX");
    peer.lines_until("s OK");
    peer
}

fn three_messages() -> ImapServer {
    let server = ImapServer::start().unwrap();
    for subject in ["one", "two", "three"] {
        server.mail().add("INBOX", message::simple(subject)).unwrap();
    }
    server
}

#[test]
fn a_session_from_greeting_to_logout() {
    let server = ImapServer::start().unwrap();
    let mut peer = Peer::connect(server.address());
    peer.play(
        "S: * OK [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS ID ...
         C: a1 CAPABILITY
         S: * CAPABILITY IMAP4rev1 ...
         S: a1 OK...
         C: a2 SELECT INBOX
         S: a2 BAD...
         C: a3 ID (\"name\" \"tester\")
         S: * ID (...
         S: a3 OK...
         C: a4 LOGIN tester wrong
         S: a4 NO [AUTHENTICATIONFAILED]...
         C: a5 LOGIN \"tester\" {6+}
         C: secret
         S: a5 OK [CAPABILITY ...
         C: a6 NOOP
         S: a6 OK...
         C: a7 LOGOUT
         S: * BYE...
         S: a7 OK...",
    );
    assert_eq!(peer.rest().unwrap(), "");
    assert_eq!(server.log().count("LOGIN"), 2);
    assert_eq!(server.log().lines()[5], "NOOP");
    assert!(server.log().changing().is_empty());
}

#[test]
fn authentication_with_and_without_an_initial_response() {
    let server = ImapServer::start().unwrap();
    Peer::connect(server.address()).play(
        "S: * OK...
         C: a AUTHENTICATE PLAIN
         S: +...
         C: AHRlc3RlcgBzZWNyZXQ=
         S: a OK...",
    );
    Peer::connect(server.address()).play(
        "S: * OK...
         C: a AUTHENTICATE PLAIN AHRlc3RlcgB3cm9uZw==
         S: a NO...
         C: b AUTHENTICATE PLAIN AHRlc3RlcgBzZWNyZXQ=
         S: b OK...",
    );
    let poor = ImapServer::builder().without(Capability::SaslIr).start().unwrap();
    Peer::connect(poor.address()).play(
        "S: * OK...
         C: a AUTHENTICATE PLAIN AHRlc3RlcgBzZWNyZXQ=
         S: a BAD...
         C: b AUTHENTICATE GSSAPI
         S: b NO...
         C: c AUTHENTICATE PLAIN
         S: +...
         C: *
         S: c BAD...",
    );
}

#[test]
fn a_bearer_token_is_checked_and_a_failure_is_told_as_a_challenge() {
    let server = ImapServer::builder().bearer_token("vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGE").start();
    let server = server.unwrap();
    Peer::connect(server.address()).play(
        "S: * OK...
         C: a AUTHENTICATE XOAUTH2 dXNlcj10ZXN0ZXIBYXV0aD1CZWFyZXIgd3JvbmcBAQ==
         S: + eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
         C:
         S: a NO...",
    );
}

#[test]
fn selecting_tells_the_state_of_the_mailbox() {
    let server = three_messages();
    let validity = server.mail().uid_validity("INBOX").unwrap();
    let mut peer = logged_in(&server);
    peer.play(&format!(
        "C: a SELECT inbox
         S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
         S: * 3 EXISTS
         S: * 0 RECENT
         S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)]...
         S: * OK [UIDVALIDITY {validity}]...
         S: * OK [UIDNEXT 4]...
         S: * OK [HIGHESTMODSEQ 4]...
         S: a OK [READ-WRITE]...
         C: b SELECT missing
         S: b NO [NONEXISTENT]...
         C: c FETCH 1 FLAGS
         S: c BAD..."
    ));
}

#[test]
fn a_message_is_appended_and_fetched_as_it_was_sent() {
    let server = ImapServer::start().unwrap();
    let validity = server.mail().uid_validity("INBOX").unwrap();
    let mut peer = selected(&server);
    peer.play(&format!(
        "C: a APPEND INBOX (\\seen kw) \" 2-Nov-2020 10:00:00 +0100\" {{14}}
         S: + go ahead
         C: Subject: x
         C:
         C:
         S: * 1 EXISTS
         S: a OK [APPENDUID {validity} 1]...
         C: b UID FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])
         S: * 1 FETCH (UID 1 FLAGS (\\Seen kw) INTERNALDATE \" 2-Nov-2020 10:00:00 +0100\" RFC822.SIZE 14 BODY[] {{14}}
         S: Subject: x
         S:
         S: )
         S: b OK..."
    ));
    let stored = server.mail().message("INBOX", 1).unwrap();
    assert_eq!(stored.body.to_bytes(), "Subject: x\r\n\r\n");
    assert_eq!(stored.unix_seconds(), 1_604_307_600);
    assert_eq!(
        server.log().lines()[2],
        "APPEND INBOX (\\seen kw) \" 2-Nov-2020 10:00:00 +0100\" {14}"
    );
}

#[test]
fn an_append_that_must_fail_is_refused_before_the_literal() {
    let server = ImapServer::builder().append_limit_bytes(100).start().unwrap();
    server.mail().create("archive");
    server.mail().make_read_only("archive").unwrap();
    logged_in(&server).play(
        "C: a APPEND missing {3}
         S: a NO [TRYCREATE]...
         C: b APPEND INBOX (\\Seen) {101}
         S: b NO [TOOBIG]...
         C: c APPEND archive {3}
         S: c NO [NOPERM]...
         C: d APPEND INBOX {3+}
         C: abc
         S: d OK [APPENDUID...",
    );
}

#[test]
fn non_synchronising_literals_are_refused_where_they_are_not_offered() {
    let server = ImapServer::builder()
        .without(Capability::LiteralPlus)
        .with(Capability::LiteralMinus)
        .start()
        .unwrap();
    let large = "x".repeat(4097);
    logged_in(&server).play(&format!(
        "C: a APPEND INBOX {{3+}}
         C: abc
         S: a OK...
         C: b APPEND INBOX {{4097+}}
         C: {large}
         S: b BAD...
         C: c NOOP
         S: c OK..."
    ));
}

#[test]
fn parts_of_a_message_are_fetched() {
    let server = ImapServer::start().unwrap();
    server
        .mail()
        .add("INBOX", "From: a\r\nSubject: folded\r\n here\r\nTo: b\r\n\r\ntext\r\n")
        .unwrap();
    selected(&server).play(
        "C: a FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject X)])
         S: * 1 FETCH (BODY[HEADER.FIELDS (SUBJECT X)] {26}
         S: Subject: folded
         S:  here
         S:
         S: )
         S: a OK...
         C: b FETCH 1 (BODY.PEEK[]<5.2> BODY.PEEK[TEXT])
         S: * 1 FETCH (BODY[]<5> {2}
         S:  a BODY[TEXT] {6}
         S: text
         S: )
         S: b OK...
         C: c UID FETCH 1 BODY[HEADER]
         S: * 1 FETCH (FLAGS (\\Seen) UID 1 BODY[HEADER] {42}
         S: From: a
         S: Subject: folded
         S:  here
         S: To: b
         S:
         S: )
         S: c OK...
         C: d UID FETCH 2:* (FLAGS)
         S: * 1 FETCH (UID 1 FLAGS (\\Seen))
         S: d OK...
         C: e FETCH 2 (FLAGS)
         S: e BAD...",
    );
}

#[test]
fn odd_messages_come_back_octet_by_octet() {
    let server = ImapServer::start().unwrap();
    for odd in Odd::ALL {
        let body = odd.body();
        let uid = server.mail().add("INBOX", body.clone()).unwrap();
        let mut peer = selected(&server);
        peer.send(&format!("f UID FETCH {uid} (BODY.PEEK[])"));
        assert_eq!(peer.line(), *&format!("* {uid} FETCH (UID {uid} BODY[] {{{}}}", body.len()));
        let content = peer.octets(usize::try_from(body.len()).unwrap());
        assert!(content == body.to_bytes(), "{odd:?} was changed");
        peer.play("S: )\nS: f OK...");
    }
}

#[test]
fn a_huge_message_is_streamed() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", message::huge(5, 200_000_000)).unwrap();
    let mut peer = selected(&server);
    peer.play("C: f FETCH 1 BODY.PEEK[]\nS: * 1 FETCH (BODY[] {200000000}");
    peer.skip_octets(200_000_000);
    peer.play("S: )\nS: f OK...");
}

#[test]
fn flags_are_stored_and_mod_sequences_told_to_those_who_ask() {
    let server = three_messages();
    selected(&server).play(
        "C: a UID STORE 2 +FLAGS (\\Flagged kw)
         S: * 2 FETCH (UID 2 FLAGS (\\Flagged kw))
         S: a OK...
         C: b STORE 2 -FLAGS.SILENT (\\Flagged)
         S: b OK...
         C: c UID FETCH 1:* (FLAGS) (CHANGEDSINCE 4)
         S: * 2 FETCH (UID 2 FLAGS (kw) MODSEQ (6))
         S: c OK...
         C: d UID STORE 1:2 (UNCHANGEDSINCE 5) FLAGS.SILENT (\\Seen)
         S: * 1 FETCH (UID 1 MODSEQ (7))
         S: d OK [MODIFIED 2]...
         C: e STORE 1 +FLAGS (\\Recent)
         S: e BAD...",
    );
    assert_eq!(server.log().changing().len(), 4);
}

#[test]
fn a_read_only_mailbox_refuses_changes() {
    let server = three_messages();
    server.mail().make_read_only("INBOX").unwrap();
    let mut peer = selected(&server);
    peer.play(
        "C: a STORE 1 +FLAGS (\\Seen)
         S: a NO [NOPERM]...
         C: b EXPUNGE
         S: b NO [NOPERM]...
         C: c FETCH 1 BODY[]<0.0>
         S: * 1 FETCH (BODY[]<0> {0}
         S: )
         S: c OK...",
    );
    assert!(server.mail().message("INBOX", 1).unwrap().flags.is_empty());
}

#[test]
fn uid_expunge_spares_what_others_have_marked() {
    let server = three_messages();
    server.mail().set_flags("INBOX", 1, &["\\Deleted"]).unwrap();
    selected(&server).play(
        "C: a UID STORE 2 +FLAGS.SILENT (\\Deleted)
         S: a OK...
         C: b UID EXPUNGE 2
         S: * 2 EXPUNGE
         S: b OK...
         C: c EXPUNGE
         S: * 1 EXPUNGE
         S: c OK...",
    );
    assert_eq!(server.mail().uids("INBOX").unwrap(), [3]);
}

#[test]
fn close_expunges_and_unselect_does_not() {
    let server = three_messages();
    server.mail().set_flags("INBOX", 2, &["\\Deleted"]).unwrap();
    selected(&server).play("C: a UNSELECT\nS: a OK...");
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2, 3]);
    selected(&server).play("C: a CLOSE\nS: a OK...");
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 3]);
}

#[test]
fn searching_by_number_flag_date_size_and_header() {
    let server = ImapServer::start().unwrap();
    let mail = server.mail();
    let date = |text| InternalDate::parse(text).unwrap();
    let old = NewMessage::new(message::simple("old")).with_date(date("31-Oct-2020 23:00:00 -0100"));
    mail.add("INBOX", old).unwrap();
    mail.skip_to_uid("INBOX", 10).unwrap();
    mail.add("INBOX", NewMessage::new(message::random(1, 5_000)).with_flags(&["\\Seen", "kw"]))
        .unwrap();
    selected(&server).play(
        "C: a SEARCH ALL
         S: * SEARCH 1 2
         S: a OK...
         C: b UID SEARCH SINCE 1-Nov-2020
         S: * SEARCH 10
         S: b OK...
         C: c UID SEARCH (SMALLER 5000 UNSEEN)
         S: * SEARCH 1
         S: c OK...
         C: d UID SEARCH UID 11:*
         S: * SEARCH 10
         S: d OK...
         C: e UID SEARCH HEADER Subject \"OLD\"
         S: * SEARCH 1
         S: e OK...
         C: f UID SEARCH OR KEYWORD kw NOT SEEN
         S: * SEARCH 1 10
         S: f OK...
         C: g UID SEARCH RETURN (MIN COUNT ALL) ALL
         S: * ESEARCH UID MIN 1 COUNT 2 ALL 1,10
         S: g OK...
         C: h SEARCH UNSEEN SEEN
         S: * SEARCH
         S: h OK...
         C: i SEARCH NONSENSE
         S: i BAD...",
    );
}

#[test]
fn mailboxes_are_created_listed_renamed_and_deleted() {
    let server = ImapServer::builder().delimiter('.').start().unwrap();
    server.mail().create("Sent");
    server.mail().set_attributes("Sent", &["\\Sent"]).unwrap();
    let validity = server.mail().uid_validity("Sent").unwrap();
    logged_in(&server).play(&format!(
        "C: a LIST \"\" \"\"
         S: * LIST (\\Noselect) \".\" \"\"
         S: a OK...
         C: b CREATE a.b
         S: b OK...
         C: c LIST \"\" \"*\"
         S: * LIST (\\HasNoChildren) \".\" \"INBOX\"
         S: * LIST (\\HasNoChildren \\Sent) \".\" \"Sent\"
         S: * LIST (\\HasChildren \\Noselect) \".\" \"a\"
         S: * LIST (\\HasNoChildren) \".\" \"a.b\"
         S: c OK...
         C: d LIST \"\" S% RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))
         S: * LIST (\\HasNoChildren \\Sent) \".\" \"Sent\"
         S: * STATUS \"Sent\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY {validity})
         S: d OK...
         C: e RENAME a.b c
         S: e OK...
         C: f SUBSCRIBE c
         S: f OK...
         C: g LSUB \"\" *
         S: * LSUB (\\HasNoChildren) \".\" \"c\"
         S: g OK...
         C: h DELETE c
         S: h OK...
         C: i CREATE Sent
         S: i NO [ALREADYEXISTS]...
         C: j STATUS c (MESSAGES)
         S: j NO...
         C: k NAMESPACE
         S: * NAMESPACE ((\"\" \".\")) NIL NIL
         S: k OK..."
    ));
    assert_eq!(server.mail().mailboxes(), ["INBOX", "Sent"]);
}

#[test]
fn copying_and_moving_tell_the_new_uids() {
    let server = three_messages();
    let validity = server.mail().create("other");
    selected(&server).play(&format!(
        "C: a UID COPY 2:3 other
         S: a OK [COPYUID {validity} 2:3 1:2]...
         C: b UID MOVE 1 other
         S: * OK [COPYUID {validity} 1 3]...
         S: * 1 EXPUNGE
         S: b OK...
         C: c COPY 1 missing
         S: c NO [TRYCREATE]..."
    ));
    assert_eq!(server.mail().uids("INBOX").unwrap(), [2, 3]);
    assert_eq!(server.mail().uids("other").unwrap(), [1, 2, 3]);
}

#[test]
fn another_session_hears_of_changes_but_not_of_expunges_during_fetch() {
    let server = three_messages();
    let mut watcher = selected(&server);
    selected(&server).play(
        "C: a STORE 3 +FLAGS.SILENT (\\Seen)
         S: a OK...
         C: b STORE 1 +FLAGS.SILENT (\\Deleted)
         S: b OK...
         C: c EXPUNGE
         S: * 1 EXPUNGE
         S: c OK...",
    );
    server.mail().add("INBOX", message::simple("four")).unwrap();
    watcher.play(
        "C: a FETCH 1:2 (UID)
         S: * 2 FETCH (UID 2)
         S: * 3 FETCH (UID 3 FLAGS (\\Seen))
         S: * 4 EXISTS
         S: a OK...
         C: b NOOP
         S: * 1 EXPUNGE
         S: b OK...",
    );
}

#[test]
fn idle_tells_changes_at_once() {
    let server = three_messages();
    let mut peer = selected(&server);
    peer.play("C: a IDLE\nS: + idling");
    server.mail().add("INBOX", message::simple("four")).unwrap();
    peer.play("S: * 4 EXISTS");
    server.mail().expunge("INBOX", 1).unwrap();
    peer.play("S: * 1 EXPUNGE\nC: DONE\nS: a OK...");
}

#[test]
fn a_mailbox_deleted_under_the_session_ends_it() {
    let server = three_messages();
    let old = server.mail().uid_validity("INBOX").unwrap();
    let mut peer = selected(&server);
    assert_ne!(server.mail().recreate("INBOX").unwrap(), old);
    peer.play("C: a NOOP\nS: * BYE...");
    assert_eq!(peer.rest().unwrap(), "");
}

#[test]
fn scripted_answers_replace_the_command() {
    let server = three_messages();
    server.fail(Fault::on("APPEND").nth(2).then_no("[OVERQUOTA] full"));
    server.fail(Fault::on("UID FETCH").containing("BODY").then(Misbehaviour::Empty));
    server
        .fail(Fault::on("NOOP").then(Misbehaviour::Raw("* OK [ALERT] hm\r\n{tag} OK\r\n".into())));
    server.fail(Fault::on("CREATE").then(Misbehaviour::RefuseLiteral("no".into())));
    let mut peer = selected(&server);
    peer.play(
        "C: a APPEND INBOX {1+}
         C: x
         S: * 4 EXISTS
         S: a OK...
         C: b APPEND INBOX {1+}
         C: x
         S: b NO [OVERQUOTA] full
         C: c UID FETCH 1 (BODY.PEEK[])
         S: c OK...
         C: d NOOP
         S: * OK [ALERT] hm
         S: d OK
         C: e CREATE {3}
         S: e NO no
         C: f NOOP
         S: f OK...",
    );
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1, 2, 3, 4]);
    server.fail(Fault::on("NOOP").then_bye("maintenance"));
    peer.play("C: g NOOP\nS: * BYE maintenance");
    assert_eq!(peer.rest().unwrap(), "");
}

#[test]
fn an_append_may_be_stored_and_its_answer_lost() {
    let server = ImapServer::start().unwrap();
    server.fail(Fault::on("APPEND").then(Misbehaviour::ExecuteThenCut(Cut::Close)));
    let mut peer = selected(&server);
    peer.play("C: a APPEND INBOX {3}\nS: + go ahead\nC: abc");
    assert_eq!(peer.rest().unwrap(), "");
    assert_eq!(server.mail().uids("INBOX").unwrap(), [1]);
}

#[test]
fn an_answer_is_cut_after_so_many_octets() {
    let server = three_messages();
    server.fail(Fault::on("FETCH").then(Misbehaviour::CutAfterBytes(9, Cut::Close)));
    let mut peer = selected(&server);
    peer.send("a FETCH 1:3 (UID)");
    assert_eq!(peer.rest().unwrap(), "* 1 FETCH");
}

#[test]
fn a_reset_is_an_error_and_no_end() {
    let server = three_messages();
    server.fail(Fault::on("NOOP").then(Misbehaviour::Cut(Cut::Reset)));
    let mut peer = selected(&server);
    peer.send("a NOOP");
    let error = peer.rest().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a_literal_is_cut_while_it_arrives() {
    let server = ImapServer::start().unwrap();
    server.fail(Fault::on("APPEND").then(Misbehaviour::CutInLiteral(2, Cut::Close)));
    let mut peer = selected(&server);
    peer.play("C: a APPEND INBOX {3}\nS: + go ahead\nC: abc");
    assert_eq!(peer.rest().unwrap(), "");
    assert!(server.mail().uids("INBOX").unwrap().is_empty());
    assert_eq!(server.log().count("APPEND"), 1);
}

#[test]
fn a_server_that_hangs_can_still_be_stopped() {
    let server = ImapServer::start().unwrap();
    server.fail(Fault::on("NOOP").then(Misbehaviour::Hang));
    server.fail(Fault::on_connection().nth(2).then(Misbehaviour::Hang));
    let mut peer = logged_in(&server);
    peer.send("a NOOP");
    let mut silent = Peer::connect(server.address());
    drop(server);
    assert!(peer.rest().map_or(true, |rest| rest.is_empty()));
    assert!(silent.rest().map_or(true, |rest| rest.is_empty()));
}

#[test]
fn broken_messages_are_refused_omitted_or_empty() {
    let server = three_messages();
    let mail = server.mail();
    mail.break_message("INBOX", 1, Breakage::RefuseContent).unwrap();
    mail.break_message("INBOX", 2, Breakage::NilContent).unwrap();
    mail.break_message("INBOX", 3, Breakage::OmitContent).unwrap();
    selected(&server).play(
        "C: a UID FETCH 1:* (FLAGS)
         S: * 1 FETCH (UID 1 FLAGS ())
         S: * 2 FETCH (UID 2 FLAGS ())
         S: * 3 FETCH (UID 3 FLAGS ())
         S: a OK...
         C: b UID FETCH 1:* (BODY.PEEK[])
         S: * 2 FETCH (UID 2 BODY[] NIL)
         S: b NO...
         C: c UID FETCH 3 (BODY.PEEK[])
         S: c OK...",
    );
}

#[test]
fn a_minimal_server_knows_no_extension() {
    let server = offlineimap_testkit::server::ImapServerBuilder::minimal().start().unwrap();
    let mut peer = Peer::connect(server.address());
    peer.play(
        "S: * OK [CAPABILITY IMAP4rev1 IDLE AUTH=PLAIN] ready
         C: a LOGIN tester secret
         S: a OK...
         C: b ID NIL
         S: b BAD...
         C: c ENABLE CONDSTORE
         S: c BAD...
         C: d STATUS INBOX (MESSAGES UIDNEXT)
         S: * STATUS \"INBOX\" (MESSAGES 0)
         S: d OK...
         C: e APPEND INBOX {1}
         S: + go ahead
         C: x
         S: e OK stored
         C: f EXAMINE INBOX (CONDSTORE)",
    );
    let lines = peer.lines_until("f ");
    assert!(!lines.iter().any(|line| line.contains("UIDNEXT") || line.contains("MODSEQ")));
    peer.play("C: g UID EXPUNGE 1\nS: g BAD...\nC: h UNSELECT\nS: h BAD...");
}

#[test]
fn quirks_change_the_dialect() {
    let server = ImapServer::builder()
        .quirk(Quirk::NoTextAfterOk)
        .quirk(Quirk::Preauth)
        .quirk(Quirk::SilentGreeting)
        .quirk(Quirk::NilDelimiter)
        .quirk(Quirk::UidLast)
        .start()
        .unwrap();
    server.mail().add("INBOX", "x").unwrap();
    let mut peer = Peer::connect(server.address());
    peer.play(
        "S: * PREAUTH ready
         C: a NOOP
         S: a OK
         C: b LIST \"\" *
         S: * LIST (\\HasNoChildren) NIL \"INBOX\"
         S: b OK
         C: c SELECT INBOX",
    );
    assert_eq!(peer.lines_until("c ").last().unwrap(), "c OK [READ-WRITE]");
    peer.play(
        "C: d UID FETCH 1 (FLAGS BODY.PEEK[])
         S: * 1 FETCH (FLAGS () BODY[] {1}
         S: x UID 1)
         S: d OK",
    );
}
