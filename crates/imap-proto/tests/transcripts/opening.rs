//! The dialogue up to the login.

use offlineimap_imap_proto::command::Command;
use offlineimap_imap_proto::opening::{
    Compress, Credentials, LoginMethod, LoginRefusal, OpeningError, OpeningPolicy, StartTls,
};
use offlineimap_imap_proto::session::SessionError;

use crate::harness::Transcript;

pub(crate) fn policy(start_tls: StartTls, methods: &[LoginMethod]) -> OpeningPolicy {
    OpeningPolicy {
        start_tls,
        methods: methods.to_vec(),
        credentials: Some(Credentials {
            user: "tim".to_owned(),
            authorization_id: None,
            password: "tanstaaftanstaaf".into(),
        }),
        compress: Compress::No,
        id_fields: vec![("name".to_owned(), "offlineimap".to_owned())],
    }
}

/// One that wants compression.
fn compressing() -> OpeningPolicy {
    OpeningPolicy { compress: Compress::IfOffered, ..policy(StartTls::No, &[LoginMethod::Login]) }
}

const ALL: &[LoginMethod] = &[LoginMethod::CramMd5, LoginMethod::Plain, LoginMethod::Login];

#[test]
fn login_with_capabilities_in_greeting_and_answer() {
    Transcript::opening(policy(StartTls::No, ALL))
        .s("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n")
        .c("a1 AUTHENTICATE PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
        .s("a1 OK [CAPABILITY IMAP4rev1 ID UIDPLUS] in\r\n")
        .c("a2 ID (\"name\" \"offlineimap\")\r\n")
        .s("* ID (\"name\" \"Dovecot\")\r\na2 OK\r\n")
        .told("ready")
        .check();
}

#[test]
fn cram_md5_answers_the_challenge_of_the_rfc() {
    Transcript::opening(policy(StartTls::No, ALL))
        .s("* OK IMAP4 Server\r\n")
        .c("a1 CAPABILITY\r\n")
        .s("* CAPABILITY IMAP4 AUTH=CRAM-MD5 SASL-IR\r\na1 OK done\r\n")
        .c("a2 AUTHENTICATE CRAM-MD5\r\n")
        .s("+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n")
        .c("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n")
        .s("a2 OK CRAM authentication successful\r\n")
        .c("a3 CAPABILITY\r\n")
        .s("* CAPABILITY IMAP4\r\na3 OK\r\n")
        .told("ready")
        .check();
}

#[test]
fn without_sasl_ir_the_initial_response_waits_for_an_empty_challenge() {
    Transcript::opening(policy(StartTls::No, &[LoginMethod::Plain]))
        .s("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
        .c("a1 AUTHENTICATE PLAIN\r\n")
        .s("+\r\n")
        .c("AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
        .s("* CAPABILITY IMAP4rev1\r\na1 OK\r\n")
        .told("ready")
        .check();
}

#[test]
fn the_next_method_is_tried_and_the_last_refusal_reported() {
    Transcript::opening(policy(StartTls::No, ALL))
        .s("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
        .c("a1 AUTHENTICATE PLAIN\r\n")
        .s("+ \r\n")
        .c("AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
        .s("a1 NO [AUTHENTICATIONFAILED] wrong\r\n")
        .c("a2 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
        .s("a2 NO still wrong\r\n")
        .refused(OpeningError::LoginRefused {
            text: "still wrong".to_owned(),
            reason: LoginRefusal::Credentials,
        })
        .check();
}

#[test]
fn a_busy_server_is_not_asked_in_other_ways() {
    Transcript::opening(policy(StartTls::No, ALL))
        .s("* OK [CAPABILITY IMAP4rev1] ready\r\n")
        .c("a1 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
        .s("a1 NO [UNAVAILABLE] Maximum number of connections\r\n")
        .refused(OpeningError::LoginRefused {
            text: "Maximum number of connections".to_owned(),
            reason: LoginRefusal::Temporary,
        })
        .check();
}

#[test]
fn starttls_forgets_what_was_said_before() {
    Transcript::opening(policy(StartTls::Require, &[LoginMethod::Login]))
        .s("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n")
        .c("a1 STARTTLS\r\n")
        .s("a1 OK begin\r\n")
        .told("handshake")
        .c("a2 CAPABILITY\r\n")
        .s("* CAPABILITY IMAP4rev1\r\na2 OK\r\n")
        .c("a3 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
        .s("a3 OK [CAPABILITY IMAP4rev1]\r\n")
        .told("ready")
        .check();
}

#[test]
fn starttls_is_never_done_without() {
    Transcript::opening(policy(StartTls::Require, ALL))
        .s("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
        .refused(OpeningError::StartTlsNotOffered)
        .c("")
        .check();
    Transcript::opening(policy(StartTls::Require, ALL))
        .s("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
        .refused(OpeningError::StartTlsAfterPreAuth)
        .c("")
        .check();
    Transcript::opening(policy(StartTls::Require, ALL))
        .s("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
        .c("a1 STARTTLS\r\n")
        .s("a1 BAD no\r\n")
        .refused(OpeningError::StartTlsRefused { text: "no".to_owned() })
        .c("")
        .check();
}

#[test]
fn no_offered_method_names_the_offered_ones() {
    Transcript::opening(policy(StartTls::No, ALL))
        .s("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2 AUTH=OAUTHBEARER] ready\r\n")
        .refused(OpeningError::NoMethod { offered: "OAUTHBEARER XOAUTH2".to_owned() })
        .check();
}

#[test]
fn a_bye_as_greeting_is_told() {
    Transcript::opening(policy(StartTls::No, ALL))
        .s("* BYE too many connections\r\n")
        .c("")
        .check();
}

#[test]
fn something_else_than_a_greeting_is_an_error() {
    Transcript::new()
        .s("* CAPABILITY IMAP4rev1\r\n")
        .told("closed")
        .fails(SessionError::NoGreeting)
        .check();
}

#[test]
fn a_challenge_that_is_no_base64_cancels_the_login() {
    Transcript::opening(policy(StartTls::No, &[LoginMethod::CramMd5]))
        .s("* OK [CAPABILITY IMAP4rev1 AUTH=CRAM-MD5] ready\r\n")
        .c("a1 AUTHENTICATE CRAM-MD5\r\n")
        .s("+ ???\r\n")
        .c("*\r\n")
        .s("a1 BAD cancelled\r\n")
        .refused(OpeningError::Sasl(offlineimap_imap_proto::sasl::SaslError::NotBase64 {
            mechanism: "CRAM-MD5",
        }))
        .check();
}

#[test]
fn a_preauth_said_in_the_open_does_not_spare_the_login_behind_tls() {
    Transcript::opening(policy(StartTls::Require, &[LoginMethod::Login]))
        .s("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
        .c("a1 STARTTLS\r\n")
        .s("* PREAUTH come in\r\na1 OK begin\r\n")
        .told("handshake")
        .c("a2 CAPABILITY\r\n")
        .s("* CAPABILITY IMAP4rev1\r\na2 OK\r\n")
        .c("a3 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
        .s("a3 OK [CAPABILITY IMAP4rev1]\r\n")
        .told("ready")
        .check();
}

#[test]
fn whoever_acts_for_somebody_says_so_or_does_not_log_in() {
    let mut acting = policy(StartTls::No, ALL);
    let credentials = acting.credentials.as_mut().unwrap();
    credentials.authorization_id = Some("ann".to_owned());
    Transcript::opening(acting.clone())
        .s("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=CRAM-MD5 AUTH=PLAIN] ready\r\n")
        .c("a1 AUTHENTICATE PLAIN YW5uAHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
        .s("a1 NO [AUTHORIZATIONFAILED] you are not ann\r\n")
        .refused(OpeningError::LoginRefused {
            text: "you are not ann".to_owned(),
            reason: LoginRefusal::Credentials,
        })
        .c("")
        .check();
    Transcript::opening(acting)
        .s("* OK [CAPABILITY IMAP4rev1 AUTH=CRAM-MD5] ready\r\n")
        .refused(OpeningError::NoMethod { offered: "CRAM-MD5 LOGIN".to_owned() })
        .c("")
        .check();
}

#[test]
fn compression_begins_behind_the_login_and_nothing_is_sent_meanwhile() {
    Transcript::opening(compressing())
        .s("* OK [CAPABILITY IMAP4rev1] ready\r\n")
        .c("a1 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
        .s("a1 OK [CAPABILITY IMAP4rev1 ID COMPRESS=DEFLATE] in\r\n")
        .c("a2 COMPRESS DEFLATE\r\n")
        .submit(Command::noop)
        .c("")
        .s("a2 OK compressing\r\n")
        .told("deflate")
        .told("ready")
        .c("a3 NOOP\r\na4 ID (\"name\" \"offlineimap\")\r\n")
        .check();
}

#[test]
fn what_follows_the_answer_to_compress_is_the_compressed_stream() {
    Transcript::opening(compressing())
        .s("* OK [CAPABILITY IMAP4rev1] ready\r\n")
        .c("a1 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
        .s("a1 OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] in\r\n")
        .c("a2 COMPRESS DEFLATE\r\n")
        // What is inflated here is said to be the same again.
        .s("* OK still here\r\na2 OK compressing\r\n* OK [ALERT] deflated\r\n")
        .told("deflate")
        .told("ready")
        .check();
}

#[test]
fn a_server_that_does_not_compress_is_used_without() {
    Transcript::opening(compressing())
        .s("* OK [CAPABILITY IMAP4rev1] ready\r\n")
        .c("a1 LOGIN \"tim\" \"tanstaaftanstaaf\"\r\n")
        .s("a1 OK [CAPABILITY IMAP4rev1] in\r\n")
        .told("ready")
        .told("without compression: NotOffered")
        .c("")
        .check();
    Transcript::opening(compressing())
        .s("* PREAUTH [CAPABILITY IMAP4rev1 ID COMPRESS=DEFLATE] ready\r\n")
        .c("a1 COMPRESS DEFLATE\r\n")
        .s("a1 NO [COMPRESSIONACTIVE] TLS does that\r\n")
        .told("ready")
        .told("without compression: Refused { text: \"TLS does that\" }")
        .c("a2 ID (\"name\" \"offlineimap\")\r\n")
        .check();
}
