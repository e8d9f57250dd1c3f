//! The suite that every store has to pass.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use offlineimap_core::{MailboxName, Store};
use offlineimap_imap::{ImapConfig, ImapStore};
use offlineimap_testkit::conformance::{Dates, Fixture, check, with_all_lines_ended};
use offlineimap_testkit::courier::Courier;
use offlineimap_testkit::cyrus::Cyrus;
use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::Odd;
use offlineimap_testkit::server::{Capability, ImapServer, Quirk};

use crate::desk;

/// A server, and in what it differs from the ideal one.
struct On {
    config: ImapConfig,
    below: &'static str,
    comes_back: fn(Odd) -> Option<Bytes>,
}

impl On {
    fn embedded(server: &ImapServer) -> Self {
        Self { config: desk::config(server), below: "", comes_back: |odd| Some(intact(odd)) }
    }
}

fn intact(odd: Odd) -> Bytes {
    odd.body().to_bytes()
}

#[async_trait]
impl Fixture for On {
    async fn empty_store(&self) -> Arc<dyn Store> {
        Arc::new(ImapStore::new(self.config.clone()))
    }

    fn mailbox(&self, leaf: &str) -> MailboxName {
        MailboxName::new(format!("{}{leaf}", self.below))
    }

    fn dates(&self) -> Dates {
        Dates::Kept
    }

    fn comes_back(&self, odd: Odd) -> Option<Bytes> {
        (self.comes_back)(odd)
    }
}

#[tokio::test]
async fn an_ordinary_server() {
    let server = ImapServer::start().unwrap();
    check(&On::embedded(&server)).await;
}

#[tokio::test]
async fn one_connection_is_enough() {
    let server = ImapServer::start().unwrap();
    let mut on = On::embedded(&server);
    on.config.max_connections = std::num::NonZeroUsize::MIN;
    check(&on).await;
}

#[tokio::test]
async fn a_server_that_can_do_next_to_nothing() {
    let server = ImapServer::builder()
        .only(&[Capability::AuthPlain])
        .quirk(Quirk::NoUidNext)
        .start()
        .unwrap();
    check(&On::embedded(&server)).await;
}

#[tokio::test]
async fn a_server_with_short_literals_only() {
    let server = ImapServer::builder()
        .without(Capability::LiteralPlus)
        .with(Capability::LiteralMinus)
        .start()
        .unwrap();
    check(&On::embedded(&server)).await;
}

#[tokio::test]
async fn every_quirk_alone() {
    for quirk in [
        Quirk::NoUidNext,
        Quirk::NoPermanentFlags,
        Quirk::NoNewKeywords,
        Quirk::NoTextAfterOk,
        Quirk::UidLast,
        Quirk::SilentGreeting,
        Quirk::SilentLogin,
        Quirk::DropsPipelineAfterLogin,
        Quirk::NoAppendUid,
        Quirk::HeaderSearchFindsNothing,
        Quirk::ListOnSelect,
        Quirk::LowerCaseAttributes,
        Quirk::AlertOnLogin,
        Quirk::UidNotSticky,
        Quirk::LiteralNames,
    ] {
        eprintln!("with {quirk:?}");
        let server = ImapServer::builder().quirk(quirk).start().unwrap();
        check(&On::embedded(&server)).await;
    }
}

#[tokio::test]
async fn dovecot() {
    let server = Dovecot::start().unwrap();
    let config = desk::real(server.endpoint());
    check(&On { config, below: "", comes_back: from_dovecot }).await;
}

/// Dovecot 2.3 keeps lines with LF alone, says NUL as 0x80 and refuses nothing but nothing.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others come back as they are")]
fn from_dovecot(odd: Odd) -> Option<Bytes> {
    match odd {
        Odd::NulOctets => Some(replaced(&intact(odd), b"\0", b"\x80")),
        Odd::StrayCarriageReturn => Some(replaced(&intact(odd), b"\r\r\n", b"\r\n")),
        Odd::StrayLineFeed => Some(with_all_lines_ended(&intact(odd))),
        Odd::Empty => None,
        _ => Some(intact(odd)),
    }
}

#[tokio::test]
async fn cyrus() {
    let server = Cyrus::start().unwrap();
    let config = desk::real(server.endpoint());
    check(&On { config, below: "", comes_back: from_cyrus }).await;
}

/// Cyrus 3.6 refuses what is no message, and writes X for 8-bit octets in headers.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others come back as they are")]
fn from_cyrus(odd: Odd) -> Option<Bytes> {
    match odd {
        Odd::NulOctets | Odd::StrayLineFeed | Odd::GarbageInHeader | Odd::Empty => None,
        Odd::EightBitHeader => Some(
            intact(odd).iter().map(|octet| if octet.is_ascii() { *octet } else { b'X' }).collect(),
        ),
        _ => Some(intact(odd)),
    }
}

#[tokio::test]
async fn courier() {
    let server = Courier::start().unwrap();
    let config = desk::real(server.endpoint());
    check(&On { config, below: "INBOX.", comes_back: from_courier }).await;
}

/// Courier 5.0 keeps lines with LF alone, drops every CR, and ends the last line.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others come back as they are")]
#[expect(clippy::unnecessary_wraps, reason = "other servers refuse messages")]
fn from_courier(odd: Odd) -> Option<Bytes> {
    let lines = with_all_lines_ended(&replaced(&intact(odd), b"\r", b""));
    match odd {
        Odd::NoFinalNewline | Odd::Empty => Some([&lines[..], b"\r\n"].concat().into()),
        _ => Some(lines),
    }
}

fn replaced(octets: &[u8], from: &[u8], to: &[u8]) -> Bytes {
    let mut rest = octets;
    let mut written = Vec::new();
    while let Some((first, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(from) {
            written.extend_from_slice(to);
            rest = behind;
        } else {
            written.push(*first);
            rest = behind;
        }
    }
    written.into()
}
