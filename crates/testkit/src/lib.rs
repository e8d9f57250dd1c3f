//! Development only: in-memory stores, fault decorators, embedded IMAP server, store conformance.
