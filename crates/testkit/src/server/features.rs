//! What the embedded server can do, and its deviations from the ideal server.

use std::collections::BTreeSet;

/// A capability the embedded server implements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Non-synchronising literals of any size (RFC 7888).
    LiteralPlus,
    /// Non-synchronising literals of at most 4096 octets (RFC 7888).
    LiteralMinus,
    /// UIDs in the answers to APPEND, COPY and MOVE, and UID EXPUNGE (RFC 4315).
    Uidplus,
    /// The ID command (RFC 2971).
    Id,
    /// The first SASL response within AUTHENTICATE (RFC 4959).
    SaslIr,
    /// Attributes for mailboxes of special use (RFC 6154).
    SpecialUse,
    /// LIST with several patterns and options (RFC 5258).
    ListExtended,
    /// STATUS within LIST (RFC 5819).
    ListStatus,
    /// Mod-sequences (RFC 7162).
    Condstore,
    /// SEARCH RETURN (RFC 4731).
    Esearch,
    /// The UNSELECT command (RFC 3691).
    Unselect,
    /// The MOVE command (RFC 6851).
    Move,
    /// The IDLE command (RFC 2177).
    Idle,
    /// The ENABLE command (RFC 5161).
    Enable,
    /// The NAMESPACE command (RFC 2342).
    Namespace,
    /// Compression (RFC 4978).
    CompressDeflate,
    /// Literals that may contain NUL (RFC 3516), in APPEND only.
    Binary,
    /// The STARTTLS command; announced only if the server has a certificate and the connection
    /// is in the clear.
    StartTls,
    /// LOGIN is refused while the connection is in the clear.
    LoginDisabled,
    /// AUTHENTICATE PLAIN (RFC 4616).
    AuthPlain,
    /// AUTHENTICATE LOGIN, never standardised.
    AuthLogin,
    /// AUTHENTICATE CRAM-MD5 (RFC 2195).
    AuthCramMd5,
    /// AUTHENTICATE XOAUTH2.
    AuthXoauth2,
    /// AUTHENTICATE OAUTHBEARER (RFC 7628).
    AuthOauthBearer,
}

impl Capability {
    /// Its name in a CAPABILITY answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::LiteralPlus => "LITERAL+",
            Self::LiteralMinus => "LITERAL-",
            Self::Uidplus => "UIDPLUS",
            Self::Id => "ID",
            Self::SaslIr => "SASL-IR",
            Self::SpecialUse => "SPECIAL-USE",
            Self::ListExtended => "LIST-EXTENDED",
            Self::ListStatus => "LIST-STATUS",
            Self::Condstore => "CONDSTORE",
            Self::Esearch => "ESEARCH",
            Self::Unselect => "UNSELECT",
            Self::Move => "MOVE",
            Self::Idle => "IDLE",
            Self::Enable => "ENABLE",
            Self::Namespace => "NAMESPACE",
            Self::CompressDeflate => "COMPRESS=DEFLATE",
            Self::Binary => "BINARY",
            Self::StartTls => "STARTTLS",
            Self::LoginDisabled => "LOGINDISABLED",
            Self::AuthPlain => "AUTH=PLAIN",
            Self::AuthLogin => "AUTH=LOGIN",
            Self::AuthCramMd5 => "AUTH=CRAM-MD5",
            Self::AuthXoauth2 => "AUTH=XOAUTH2",
            Self::AuthOauthBearer => "AUTH=OAUTHBEARER",
        }
    }

    /// What a server has unless the test says otherwise.
    pub(super) fn defaults() -> BTreeSet<Self> {
        BTreeSet::from([
            Self::LiteralPlus,
            Self::Uidplus,
            Self::Id,
            Self::SaslIr,
            Self::SpecialUse,
            Self::ListExtended,
            Self::ListStatus,
            Self::Condstore,
            Self::Esearch,
            Self::Unselect,
            Self::Move,
            Self::Idle,
            Self::Enable,
            Self::Namespace,
            Self::StartTls,
            Self::AuthPlain,
            Self::AuthCramMd5,
        ])
    }
}

/// A way in which a server differs from the ideal one; each is seen in the wild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quirk {
    /// SELECT and STATUS leave out UIDNEXT (Courier).
    NoUidNext,
    /// SELECT leaves out UIDVALIDITY.
    NoUidValidity,
    /// SELECT leaves out PERMANENTFLAGS.
    NoPermanentFlags,
    /// PERMANENTFLAGS has no `\*`, and new keywords are silently dropped.
    NoNewKeywords,
    /// Tagged answers end right behind OK.
    NoTextAfterOk,
    /// The UID stands behind the content in FETCH answers.
    UidLast,
    /// The greeting does not list the capabilities.
    SilentGreeting,
    /// The answer to LOGIN and AUTHENTICATE does not list the capabilities.
    SilentLogin,
    /// The greeting is PREAUTH: no login is needed.
    Preauth,
    /// Everything pipelined behind LOGIN is dropped (Courier).
    DropsPipelineAfterLogin,
    /// APPEND of a message with a NUL octet is answered NO, unless it is a binary literal (Cyrus).
    RefusesNul,
    /// APPEND and COPY do not tell the new UIDs although UIDPLUS is announced.
    NoAppendUid,
    /// SEARCH HEADER finds nothing, as with an index that lags behind.
    HeaderSearchFindsNothing,
    /// LIST tells NIL as the delimiter.
    NilDelimiter,
    /// SELECT sends an additional LIST line (IMAP4rev2 servers).
    ListOnSelect,
    /// Special-use attributes are in lower case (Cyrus).
    LowerCaseAttributes,
    /// An alert comes before each tagged answer to LOGIN.
    AlertOnLogin,
    /// UIDs of new messages are told, but the mailbox says that UIDs do not last
    /// (UIDNOTSTICKY, RFC 4315 §2).
    UidNotSticky,
    /// Mailbox names in LIST are sent as literals.
    LiteralNames,
}
