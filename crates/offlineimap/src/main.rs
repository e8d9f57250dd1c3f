//! A mail synchroniser: IMAP accounts and Maildirs, kept the same.

fn main() {}
