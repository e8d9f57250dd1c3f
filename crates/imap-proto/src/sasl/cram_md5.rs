//! CRAM-MD5 (RFC 2195).

use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use md5::Md5;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::sasl::{Mechanism, SaslError};

/// Proves the password by a keyed digest of the server's challenge.
#[derive(Debug)]
pub struct CramMd5 {
    user: String,
    password: SecretString,
    answered: bool,
}

impl CramMd5 {
    /// Logs in as `user`.
    pub fn new(user: &str, password: SecretString) -> Self {
        Self { user: user.to_owned(), password, answered: false }
    }
}

impl Mechanism for CramMd5 {
    fn name(&self) -> &'static str {
        "CRAM-MD5"
    }

    fn initial_response(&mut self) -> Option<SecretSlice<u8>> {
        None
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<SecretSlice<u8>, SaslError> {
        let unexpected = SaslError::UnexpectedChallenge { mechanism: "CRAM-MD5" };
        if self.answered {
            return Err(unexpected);
        }
        self.answered = true;
        let key = self.password.expose_secret().as_bytes();
        let mut digest = Hmac::<Md5>::new_from_slice(key).map_err(|_| unexpected)?;
        digest.update(challenge);
        let mut answer = format!("{} ", self.user);
        for byte in digest.finalize().into_bytes() {
            // Writing to a String does not fail.
            let _infallible = write!(answer, "{byte:02x}");
        }
        Ok(answer.into_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        let mut mechanism = CramMd5::new("tim", "tanstaaftanstaaf".into());
        assert!(mechanism.initial_response().is_none());
        let answer = mechanism.respond(b"<1896.697170952@postoffice.reston.mci.net>").unwrap();
        assert_eq!(answer.expose_secret(), b"tim b913a602c7eda7a495b4e6e7334d3890");
        assert!(mechanism.respond(b"again").is_err());
    }
}
