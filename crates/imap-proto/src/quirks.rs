//! What servers were seen to do against the standard, and what is done about it.
//!
//! Every entry has a transcript of the same name among this crate's tests.

use crate::response::Capabilities;

/// One deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirk {
    /// A short name, which its transcript bears too.
    pub name: &'static str,
    /// Who does it.
    pub server: &'static str,
    /// The version or the time when it was seen.
    pub seen: &'static str,
    /// What it does.
    pub symptom: &'static str,
    /// What is done about it.
    pub remedy: &'static str,
}

/// Tells whether CAPABILITY must be sent after the login although the server told already.
///
/// See `icloud-push-service` in [`QUIRKS`].
pub fn must_ask_capability_again(known: &Capabilities) -> bool {
    known.has("XAPPLEPUSHSERVICE")
}

/// All known deviations.
pub const QUIRKS: &[Quirk] = &[
    Quirk {
        name: "courier-discards-behind-login",
        server: "Courier",
        seen: "5.0",
        symptom: "commands pipelined behind LOGIN are silently discarded",
        remedy: "a login stands alone: nothing is sent until it is answered",
    },
    Quirk {
        name: "courier-alert-before-preauth",
        server: "Courier",
        seen: "5.0",
        symptom: "`* OK [ALERT]` comes before `* PREAUTH`",
        remedy: "a later PREAUTH corrects the greeting",
    },
    Quirk {
        name: "courier-nul-in-body",
        server: "Courier",
        seen: "5.0",
        symptom: "NUL within BODY[]",
        remedy: "bodies are opaque",
    },
    Quirk {
        name: "dovecot-answers-out-of-order",
        server: "Dovecot",
        seen: "2.3",
        symptom: "the tagged OK of an APPEND comes after the data of a later SEARCH",
        remedy: "answers are routed by tag and kind, not by order",
    },
    Quirk {
        name: "dovecot-uidnext-zero",
        server: "Dovecot",
        seen: "historical versions",
        symptom: "UIDNEXT 0",
        remedy: "counts as not given",
    },
    Quirk {
        name: "cyrus-mailboxid-garbage",
        server: "Cyrus",
        seen: "3.6",
        symptom: "garbage in MAILBOXID when STATUS asks for other items too",
        remedy: "unknown STATUS items are skipped",
    },
    Quirk {
        name: "gmail-code-without-text",
        server: "Gmail",
        seen: "not recorded",
        symptom: "no text behind `[HIGHESTMODSEQ n]`",
        remedy: "text may be missing everywhere",
    },
    Quirk {
        name: "gmail-fetch-after-silent-store",
        server: "Gmail, Fastmail",
        seen: "not recorded",
        symptom: "FETCH responses although STORE was .SILENT",
        remedy: "they are given to the STORE, or to nobody, never to another FETCH",
    },
    Quirk {
        name: "icloud-push-service",
        server: "iCloud",
        seen: "not recorded",
        symptom: "a proxy inserts XAPPLEPUSHSERVICE behind every CAPABILITY, in literals too, until \
                  CAPABILITY is asked for after the login",
        remedy: "CAPABILITY is asked for after the login, whatever was told before",
    },
    Quirk {
        name: "netease-id-needed",
        server: "163.com, 126.com, yeah.net",
        seen: "not recorded",
        symptom: "SELECT is refused as unsafe unless ID was sent after the login; STATUS is empty",
        remedy: "ID is always sent; STATUS items may be missing",
    },
    Quirk {
        name: "literal-look-alike-in-text",
        server: "Dovecot",
        seen: "2.3",
        symptom: "the text of a NO ends like the announcement of a literal",
        remedy: "text is opaque up to the end of its line",
    },
    Quirk {
        name: "rev2-list-on-select",
        server: "IMAP4rev2 servers",
        seen: "RFC 9051 §6.3.2",
        symptom: "an additional LIST in the answer to SELECT",
        remedy: "it belongs to no LIST",
    },
    Quirk {
        name: "uid-behind-the-body",
        server: "Cyrus, DavMail",
        seen: "3.6",
        symptom: "UID follows BODY[]",
        remedy: "the FETCH that names the message comes after its bodies",
    },
    Quirk {
        name: "nil-body",
        server: "various",
        seen: "not recorded",
        symptom: "NIL or a quoted string for BODY[]",
        remedy: "all forms are taken; NIL is told apart from empty",
    },
    Quirk {
        name: "stalwart-large-numbers",
        server: "Stalwart",
        seen: "not recorded",
        symptom: "UIDVALIDITY above 2^31, HIGHESTMODSEQ about 1.9e17",
        remedy: "unsigned 32 and 64 bits",
    },
    Quirk {
        name: "flat-and-nil-names",
        server: "various",
        seen: "not recorded",
        symptom: "delimiter NIL, a name NIL, names unquoted, as literal, or 8-bit",
        remedy: "names are bytes",
    },
];
