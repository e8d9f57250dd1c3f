//! Any answers to a row of commands: no panic, and each command ends exactly once.

#![no_main]

use std::time::{Duration, Instant};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use offlineimap_imap_proto::command::{
    Append, Command, FetchItem, ListSelection, Messages, OpenMode, SearchReturn, StatusItem,
};
use offlineimap_imap_proto::flags::FlagList;
use offlineimap_imap_proto::sasl::CramMd5;
use offlineimap_imap_proto::session::{Event, Output, Session, Settings};

fuzz_target!(|data: &[u8]| {
    let mut now = Instant::now();
    let mut session = Session::new(Settings::default(), now);
    let mut handles = Vec::new();
    let mut ended = Vec::new();
    // Each piece up to a 0xff byte is preceded by what to submit.
    for piece in data.split(|&byte| byte == 0xff) {
        let Some((&choice, input)) = piece.split_first() else { continue };
        handles.push(session.submit(command(choice)));
        let mut turns = 0;
        while let Some(output) = session.poll_output(now) {
            if let Output::Literal { size_bytes, .. } = output {
                session.literal_written(size_bytes, now);
            }
            turns += 1;
            assert!(turns < 1000, "output without end");
        }
        let result = session.handle_input(&Bytes::copy_from_slice(input), now);
        drain(&mut session, &mut ended);
        if result.is_err() {
            break;
        }
        if choice & 0x80 != 0 {
            now += Duration::from_secs(7);
            let _timed_out = session.handle_timeout(now);
        }
    }
    session.handle_eof();
    drain(&mut session, &mut ended);
    assert_eq!(session.open_commands(), 0);
    assert!(session.poll_timeout().is_none());
    ended.sort();
    assert_eq!(ended, handles);
});

fn drain(session: &mut Session, ended: &mut Vec<offlineimap_imap_proto::session::CommandHandle>) {
    while let Some(event) = session.poll_event() {
        if let Event::Completed { handle, .. } = event {
            ended.push(handle);
        }
    }
}

fn command(choice: u8) -> Command {
    let name = "INBOX".into();
    match choice & 0x0f {
        0 => Command::capability(),
        1 => Command::login("tim", &"p\0".into()),
        2 => Command::authenticate(Box::new(CramMd5::new("tim", "secret".into()))),
        3 => Command::start_tls(),
        4 => Command::list(&"".into(), &"*".into(), ListSelection::All, &[]),
        5 => Command::status(&name, &[StatusItem::UidNext]),
        6 => Command::open(&name, OpenMode::Select),
        7 | 8 => Command::fetch(Messages::AllBySequence, &[FetchItem::Uid, FetchItem::Flags]),
        9 | 10 => Command::fetch(
            Messages::Uids([1, 2].into_iter().filter_map(std::num::NonZeroU32::new).collect()),
            &[FetchItem::Body],
        ),
        11 => Command::search(&[], SearchReturn::Ranges),
        12 | 13 => Command::append(&Append {
            mailbox: name,
            flags: FlagList::new(),
            internal_date: None,
            size_bytes: u64::from(choice >> 4),
        }),
        14 => Command::unselect(),
        _ => Command::logout(),
    }
}
