//! SASL mechanisms (RFC 4422), each pure and in a file of its own.

mod cram_md5;
mod plain;

pub use cram_md5::CramMd5;
pub use plain::Plain;

use secrecy::SecretSlice;

/// The client's side of one authentication exchange.
///
/// Base64 and the framing of IMAP are the session's business; a mechanism sees and gives raw bytes.
pub trait Mechanism: Send {
    /// Returns the registered name, such as `PLAIN`.
    fn name(&self) -> &'static str;

    /// Returns the initial response if the mechanism lets the client speak first. Without SASL-IR
    /// the session sends it in answer to the first, empty challenge.
    fn initial_response(&mut self) -> Option<SecretSlice<u8>>;

    /// Answers a challenge.
    ///
    /// # Errors
    ///
    /// Fails if the challenge makes no sense or proves the server false; the session then cancels
    /// the exchange.
    fn respond(&mut self, challenge: &[u8]) -> Result<SecretSlice<u8>, SaslError>;
}

/// Why an exchange was given up by the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaslError {
    /// The server asks for more than the mechanism has steps.
    #[error("server sent an unexpected challenge in {mechanism} authentication")]
    UnexpectedChallenge {
        /// The mechanism.
        mechanism: &'static str,
    },
    /// The challenge is not base64.
    #[error("server sent a challenge that is not base64 in {mechanism} authentication")]
    NotBase64 {
        /// The mechanism.
        mechanism: &'static str,
    },
    /// A name or password contains NUL, which the mechanism cannot carry.
    #[error("user name or password contains NUL, which {mechanism} authentication cannot carry")]
    Nul {
        /// The mechanism.
        mechanism: &'static str,
    },
}
