//! PLAIN (RFC 4616).

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::sasl::{Mechanism, SaslError};

/// User and password in the open; only for connections with TLS.
#[derive(Debug)]
pub struct Plain {
    authorization_id: String,
    user: String,
    password: SecretString,
    spoken: bool,
}

impl Plain {
    /// Logs in as `user`, to act as `authorization_id` if that is not empty.
    ///
    /// # Errors
    ///
    /// Refuses NUL in any of the three, as it separates them on the wire.
    pub fn new(
        authorization_id: &str,
        user: &str,
        password: SecretString,
    ) -> Result<Self, SaslError> {
        if [authorization_id, user, password.expose_secret()].iter().any(|s| s.contains('\0')) {
            return Err(SaslError::Nul { mechanism: "PLAIN" });
        }
        Ok(Self {
            authorization_id: authorization_id.to_owned(),
            user: user.to_owned(),
            password,
            spoken: false,
        })
    }
}

impl Mechanism for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn initial_response(&mut self) -> Option<SecretSlice<u8>> {
        self.spoken = true;
        let password = self.password.expose_secret();
        let size = self.authorization_id.len() + self.user.len() + password.len() + 2;
        let mut message = Vec::with_capacity(size);
        message.extend_from_slice(self.authorization_id.as_bytes());
        message.push(0);
        message.extend_from_slice(self.user.as_bytes());
        message.push(0);
        message.extend_from_slice(password.as_bytes());
        Some(message.into())
    }

    fn respond(&mut self, _challenge: &[u8]) -> Result<SecretSlice<u8>, SaslError> {
        let first = if self.spoken { None } else { self.initial_response() };
        first.ok_or(SaslError::UnexpectedChallenge { mechanism: "PLAIN" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_its_three_parts() {
        let mut mechanism = Plain::new("Ursel", "Kurt", "xipj3plmq".into()).unwrap();
        let message = mechanism.initial_response().unwrap();
        assert_eq!(message.expose_secret(), b"Ursel\0Kurt\0xipj3plmq");
        assert!(mechanism.respond(b"").is_err());
    }

    #[test]
    fn a_nul_is_refused_and_the_password_is_not_shown() {
        assert!(Plain::new("", "a\0b", "c".into()).is_err());
        assert!(Plain::new("", "a", "b\0c".into()).is_err());
        let shown = format!("{:?}", Plain::new("", "tim", "tanstaaf".into()).unwrap());
        assert!(!shown.contains("tanstaaf"));
    }
}
