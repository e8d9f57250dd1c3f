//! Development only: in-memory stores, fault decorators, embedded IMAP server, store conformance.
//!
//! For servers there are three levels of reality:
//!
//! - [`server`]: an IMAP server inside the test process, whose mail the test can look at and
//!   change, and which fails on command;
//! - [`proxy`]: a TCP proxy in front of any server, which delays, counts, cuts and substitutes;
//! - [`dovecot`], [`cyrus`], [`courier`]: private instances of real servers.
//!
//! [`message`] makes the mail for all of them.
//!
//! For stores there is [`memory_store`], which needs no machine at all and whose power can be cut
//! at every step, [`faults`], which make any store fail at a chosen call, and [`conformance`],
//! which any store has to pass.

pub mod conformance;
pub mod courier;
pub mod cyrus;
pub mod dovecot;
pub mod faults;
pub mod memory_store;
pub mod message;
pub mod proxy;
pub mod real_server;
pub mod server;
pub mod transcript;
