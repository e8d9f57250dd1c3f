//! Long streams, hostile streams, and waiting.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::wildcard_enum_match_arm, reason = "every other answer fails the test")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use offlineimap_imap_proto::command::{Append, Command, FetchItem, Messages};
use offlineimap_imap_proto::flags::FlagList;
use offlineimap_imap_proto::response::{Response, Untagged};
use offlineimap_imap_proto::scanner::{LIMIT_BYTES, ScanError, Scanner};
use offlineimap_imap_proto::session::{
    Awaited, Event, Greeting, Lost, Outcome, Output, Session, SessionError, Settings,
};
use offlineimap_imap_proto::uid_set::{Uid, UidSet};
use proptest::prelude::*;

#[test]
fn flags_of_200_000_messages_need_no_memory() {
    let mut stream = String::new();
    for n in 1..=200_000 {
        write!(stream, "* {n} FETCH (UID {n} FLAGS (\\Seen $Forwarded) MODSEQ (9{n}))\r\n")
            .unwrap();
    }
    let stream = Bytes::from(stream);
    let mut scanner = Scanner::new();
    let mut next = 1;
    let mut kept = 0;
    for at in (0..stream.len()).step_by(4093) {
        let piece = stream.slice(at..stream.len().min(at + 4093));
        scanner
            .scan(&piece, &mut |response| {
                let Response::Untagged(Untagged::Fetch(fetch)) = response else {
                    panic!("{response:?}")
                };
                assert_eq!(fetch.uid, Uid::new(next));
                next += 1;
            })
            .unwrap();
        kept = kept.max(scanner.kept_bytes());
    }
    assert_eq!(next, 200_001);
    assert!(kept < 8192, "{kept} bytes kept");
}

#[test]
fn a_search_of_any_length_comes_in_pieces() {
    for head in ["* SEARCH", "* ESEARCH (TAG \"a1\") UID ALL", "* VANISHED (EARLIER)"] {
        let expected: UidSet = (1..=400_000).filter_map(|n| Uid::new(n * 2)).collect();
        let separator = if head == "* SEARCH" { " " } else { "," };
        let numbers = expected.to_string().replace(',', separator);
        let stream = Bytes::from(format!("{head} {numbers}\r\n"));
        assert!(stream.len() > 2 * LIMIT_BYTES);
        for step in [stream.len(), 1500, 7] {
            let mut scanner = Scanner::new();
            let mut found = UidSet::new();
            let mut kept = 0;
            for at in (0..stream.len()).step_by(step) {
                let piece = stream.slice(at..stream.len().min(at + step));
                scanner
                    .scan(&piece, &mut |response| match response {
                        Response::Untagged(Untagged::Search(result)) => {
                            found.union_with(&result.uids);
                        }
                        Response::Untagged(Untagged::Esearch(result)) => {
                            found.union_with(&result.all);
                        }
                        Response::Untagged(Untagged::Vanished(result)) => {
                            found.union_with(&result.uids);
                        }
                        other => panic!("{other:?}"),
                    })
                    .unwrap();
                kept = kept.max(scanner.kept_bytes());
            }
            assert_eq!(found, expected);
            assert!(kept < 128 * 1024, "{kept} bytes kept");
        }
    }
}

#[test]
fn a_body_is_passed_on_without_a_copy() {
    let mut scanner = Scanner::new();
    scanner.scan(&Bytes::from_static(b"* 1 FETCH (BODY[] {50000}\r\n"), &mut |_| {}).unwrap();
    let input = Bytes::from(vec![b'x'; 40_000]);
    let mut chunks = Vec::new();
    scanner.scan(&input, &mut |response| chunks.push(response)).unwrap();
    let [Response::BodyChunk(chunk)] = chunks.as_slice() else { panic!("{chunks:?}") };
    assert_eq!(chunk.as_ptr(), input.as_ptr());
    assert_eq!(scanner.kept_bytes(), 0);
}

#[test]
fn limits_are_kept_and_named() {
    let endless = Bytes::from(vec![b'x'; 4096]);
    for head in ["* OK ", "* 1 FETCH (X ", "* LIST () NIL ", "* FOO "] {
        let mut scanner = Scanner::new();
        scanner.scan(&Bytes::copy_from_slice(head.as_bytes()), &mut |_| {}).unwrap();
        let error = (0..1000).find_map(|_| scanner.scan(&endless, &mut |_| {}).err()).unwrap();
        assert_eq!(error, ScanError::TooLong { limit_bytes: LIMIT_BYTES });
        assert!(error.to_string().contains("1048576"));
        assert!(scanner.kept_bytes() <= 4 * LIMIT_BYTES);
    }
    let long = Bytes::from_static(b"* LIST () NIL {99999999}\r\n");
    let error = Scanner::new().scan(&long, &mut |_| {}).unwrap_err();
    let limit_bytes = LIMIT_BYTES;
    assert_eq!(error, ScanError::LiteralTooLong { size_bytes: 99_999_999, limit_bytes });
    let line = Bytes::from_static(b"hello\r\n");
    assert_eq!(Scanner::new().scan(&line, &mut |_| {}), Err(ScanError::NotAResponse));
}

fn running(now: Instant) -> Session {
    let mut session = Session::new(Settings::default(), now);
    feed(&mut session, "* OK [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n", now);
    assert_eq!(session.poll_event(), Some(Event::Greeting(Greeting::LoginNeeded)));
    session
}

fn feed(session: &mut Session, bytes: &str, now: Instant) {
    session.handle_input(&Bytes::copy_from_slice(bytes.as_bytes()), now).unwrap();
}

#[test]
fn the_greeting_is_not_awaited_for_ever() {
    let start = Instant::now();
    let mut session = Session::new(Settings::default(), start);
    let deadline = session.poll_timeout().unwrap();
    assert_eq!(deadline, start + Duration::from_mins(1));
    assert_eq!(session.handle_timeout(start), Ok(()));
    let error = SessionError::TimedOut { awaited: Awaited::Greeting };
    assert_eq!(session.handle_timeout(deadline), Err(error));
    assert_eq!(session.poll_event(), Some(Event::Closed { bye: None }));
    let handle = session.submit(Command::noop());
    let outcome = Outcome::Lost(Lost::NotSent);
    assert_eq!(session.poll_event(), Some(Event::Completed { handle, outcome }));
}

#[test]
fn an_answer_is_awaited_from_the_last_progress_on() {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let mut session = running(start);
    assert_eq!(session.poll_timeout(), None);
    let sent = start + 100 * second;
    session.submit(Command::noop());
    session.poll_output(sent).unwrap();
    assert_eq!(session.poll_timeout(), Some(sent + 60 * second));
    feed(&mut session, "* OK still here", sent + 10 * second);
    assert_eq!(session.poll_timeout(), Some(sent + 60 * second), "half a line is no progress");
    feed(&mut session, "\r\n", sent + 20 * second);
    assert_eq!(session.poll_timeout(), Some(sent + 80 * second));
    feed(&mut session, "* 1 FETCH (BODY[] {9}\r\n", sent + 30 * second);
    feed(&mut session, "a", sent + 40 * second);
    let deadline = session.poll_timeout().unwrap();
    assert_eq!(deadline, sent + 100 * second);
    let error = SessionError::TimedOut { awaited: Awaited::Literal };
    assert_eq!(session.handle_timeout(deadline), Err(error));
}

#[test]
fn a_server_that_says_bye_and_stays_is_left() {
    let start = Instant::now();
    let mut session = running(start);
    session.submit(Command::noop());
    feed(&mut session, "* BYE tired\r\n", start);
    assert_eq!(session.poll_output(start), None, "nothing is sent behind a BYE");
    let deadline = session.poll_timeout().unwrap();
    assert_eq!(session.handle_timeout(deadline), Ok(()));
    assert!(matches!(session.poll_event(), Some(Event::Completed { .. })));
    assert!(matches!(session.poll_event(), Some(Event::Closed { bye: Some(_) })));
}

#[test]
fn a_literal_cut_off_is_known_to_have_had_no_effect() {
    let now = Instant::now();
    for (written, lost) in [(9, Lost::NotSent), (10, Lost::Unknown)] {
        let mut session = running(now);
        let handle = session.submit(Command::append(&Append {
            mailbox: "a".into(),
            flags: FlagList::new(),
            internal_date: None,
            size_bytes: 10,
        }));
        assert!(matches!(session.poll_output(now), Some(Output::Bytes(_))));
        let literal = Output::Literal { handle, size_bytes: 10 };
        assert_eq!(session.poll_output(now), Some(literal));
        session.literal_written(written, now);
        session.handle_eof();
        let outcome = Outcome::Lost(lost);
        assert_eq!(session.poll_event(), Some(Event::Completed { handle, outcome }));
    }
}

#[test]
fn an_answer_amid_a_literal_does_not_end_the_literal() {
    let now = Instant::now();
    let mut session = running(now);
    let append =
        Append { mailbox: "a".into(), flags: FlagList::new(), internal_date: None, size_bytes: 10 };
    session.submit(Command::append(&append));
    session.submit(Command::noop());
    while session.poll_output(now).is_some() {}
    session.literal_written(4, now);
    feed(&mut session, "a1 NO [TOOBIG]\r\n", now);
    assert_eq!(session.poll_output(now), None);
    session.literal_written(6, now);
    let rest = Output::Bytes(Bytes::from_static(b"\r\na2 NOOP\r\n"));
    assert_eq!(session.poll_output(now), Some(rest));
}

#[test]
fn the_window_is_kept() {
    let now = Instant::now();
    let mut session = running(now);
    for n in 1..=60 {
        let uid = UidSet::from(Uid::new(n).unwrap());
        session.submit(Command::fetch(Messages::Uids(uid), &[FetchItem::Body]));
    }
    let Some(Output::Bytes(sent)) = session.poll_output(now) else { panic!() };
    assert_eq!(lines(&sent), 50);
    assert!(!session.has_room());
    feed(&mut session, "a7 OK\r\na3 OK\r\n", now);
    let Some(Output::Bytes(sent)) = session.poll_output(now) else { panic!() };
    assert_eq!(lines(&sent), 2);
}

fn lines(bytes: &[u8]) -> usize {
    bytes.split_inclusive(|&byte| byte == b'\n').count()
}

/// Pieces of the protocol, so that random streams get somewhere.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let tokens: Vec<&'static [u8]> = vec![
        b"* ",
        b"+ ",
        b"a1 ",
        b"OK ",
        b"NO ",
        b"BYE ",
        b"[",
        b"] ",
        b"UIDNEXT 5",
        b"\r\n",
        b"\n",
        b"FETCH (",
        b"UID 7 ",
        b"FLAGS (\\Seen) ",
        b"BODY[",
        b"] {3}\r\nabc",
        b"{2}\r\n",
        b"~{1+}\r\n",
        b"NIL ",
        b"\"q\\\"\" ",
        b"\"",
        b"(",
        b")",
        b" ",
        b"12 ",
        b"SEARCH ",
        b"ESEARCH ",
        b"1:5,9 ",
        b"VANISHED ",
        b"LIST () ",
        b"STATUS ",
        b"X ",
        b"\0",
        b"\xff",
        b"CAPABILITY A B",
        b"EXISTS",
    ];
    prop::collection::vec(prop::sample::select(tokens), 0..40).prop_map(|parts| parts.concat())
}

fn scan_all<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Response>, bool) {
    let mut scanner = Scanner::new();
    let mut responses: Vec<Response> = Vec::new();
    for piece in pieces {
        let result = scanner.scan(&Bytes::copy_from_slice(piece), &mut |response| match (
            responses.last_mut(),
            response,
        ) {
            (Some(Response::BodyChunk(before)), Response::BodyChunk(chunk)) => {
                *before = [&before[..], &chunk[..]].concat().into();
            }
            (_, response) => responses.push(response),
        });
        if result.is_err() {
            return (responses, true);
        }
    }
    (responses, false)
}

#[test]
fn a_string_that_does_not_end_is_malformed_at_the_same_place_however_it_arrives() {
    for stream in [&b"* SEARCH \"] {3}\r\nabc"[..], b"* ESEARCH (TAG \"a  \r\n"] {
        let whole = scan_all(std::iter::once(stream));
        for step in 1..stream.len() {
            assert_eq!(whole, scan_all(stream.chunks(step)), "in pieces of {step}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes_divided_in_any_way_mean_the_same(
        stream in prop_oneof![soup(), prop::collection::vec(any::<u8>(), 0..200)],
        step in 1_usize..20,
    ) {
        let whole = scan_all(std::iter::once(&*stream));
        prop_assert_eq!(&whole, &scan_all(stream.chunks(step)));
        prop_assert_eq!(&whole, &scan_all(stream.chunks(1)));
    }

    #[test]
    fn a_session_survives_any_answer(stream in soup()) {
        let now = Instant::now();
        let mut session = running(now);
        session.submit(Command::fetch(Messages::AllBySequence, &[FetchItem::Uid]));
        session.poll_output(now);
        let _result = session.handle_input(&Bytes::from(stream), now);
        session.handle_eof();
        let mut ends = 0;
        while let Some(event) = session.poll_event() {
            ends += usize::from(matches!(event, Event::Completed { .. }));
        }
        prop_assert_eq!(ends, 1);
    }
}
