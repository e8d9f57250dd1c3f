//! A sans-I/O IMAP client: scanner, commands, session, SASL, quirks.
