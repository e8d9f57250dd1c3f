//! A sans-I/O IMAP client: scanner, commands, session, SASL, quirks.
//!
//! Nothing here opens a socket, reads a clock, or knows what a synchroniser is. A driver feeds the
//! bytes it received into a [`session::Session`], sends what the session gives out, and reads the
//! events; time is an argument wherever it matters.
//!
//! ```
//! use std::time::Instant;
//! use bytes::Bytes;
//! use offlineimap_imap_proto::command::Command;
//! use offlineimap_imap_proto::session::{Event, Outcome, Output, Session, Settings};
//!
//! let now = Instant::now();
//! let mut session = Session::new(Settings::default(), now);
//! session.handle_input(&Bytes::from_static(b"* OK ready\r\n"), now)?;
//! assert!(matches!(session.poll_event(), Some(Event::Greeting(_))));
//!
//! let noop = session.submit(Command::noop());
//! assert_eq!(session.poll_output(now), Some(Output::Bytes(Bytes::from_static(b"a1 NOOP\r\n"))));
//! session.handle_input(&Bytes::from_static(b"a1 OK\r\n"), now)?;
//! let Some(Event::Completed { handle, outcome }) = session.poll_event() else { panic!() };
//! assert_eq!(handle, noop);
//! assert!(matches!(outcome, Outcome::Ok(_)));
//! # Ok::<(), offlineimap_imap_proto::session::SessionError>(())
//! ```

pub mod command;
pub mod date;
pub mod flags;
pub mod mailbox;
pub mod opening;
pub mod quirks;
pub mod response;
pub mod sasl;
pub mod scanner;
pub mod session;
pub mod uid_set;
pub mod utf7;
