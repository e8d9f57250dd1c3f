//! Maildir on disk: names, delivery, scan; the Maildir store.
