//! Options of the configuration, each by what the program does when it is set.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, unused_imports, reason = "other tests use the rest of the rig")]
mod rig;

#[path = "options/connection.rs"]
mod connection;
#[path = "options/copy_ignore.rs"]
mod copy_ignore;
#[path = "options/coverage.rs"]
mod coverage;
#[path = "options/filter_headers.rs"]
mod filter_headers;
#[path = "options/folders.rs"]
mod folders;
#[path = "options/keywords.rs"]
mod keywords;
#[path = "options/mailbox_list.rs"]
mod mailbox_list;
#[path = "options/message_files.rs"]
mod message_files;
#[path = "options/new_mail_hook.rs"]
mod new_mail_hook;
#[path = "options/tls.rs"]
mod tls;
