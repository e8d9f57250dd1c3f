use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use md5::Md5;

use super::{Completion, Next, Phase, Session};
use crate::server::Shared;
use crate::server::command::Arg;
use crate::server::features::{Capability, Quirk};
use crate::server::wire::End;

impl Session {
    /// The words of a CAPABILITY answer in the present phase.
    pub(super) fn capabilities(&self) -> String {
        let config = &self.shared.config;
        let authenticated = !matches!(self.phase, Phase::NotAuthenticated);
        let clear = !self.wire.is_tls();
        let mut words = vec!["IMAP4rev1".to_owned()];
        for &capability in &config.capabilities {
            let announced = if capability == Capability::StartTls {
                !authenticated && clear && config.certificate.is_some()
            } else if capability == Capability::LoginDisabled {
                !authenticated && clear
            } else {
                !(authenticated && capability.name().starts_with("AUTH="))
            };
            if announced {
                words.push(capability.name().to_owned());
            }
        }
        words.extend(config.append_limit_bytes.map(|limit| format!("APPENDLIMIT={limit}")));
        words.extend(config.extra_capabilities.iter().cloned());
        words.join(" ")
    }

    pub(super) async fn execute_unauthenticated(
        &mut self,
        verb: &str,
        args: &[Arg],
    ) -> Result<Completion, End> {
        match verb {
            "STARTTLS" => Ok(self.upgrade()),
            "LOGIN" => Ok(self.login(args)),
            "AUTHENTICATE" => self.authenticate(args).await,
            _ => Ok(Completion::bad("no such command, or not logged in")),
        }
    }

    fn upgrade(&mut self) -> Completion {
        let config = &self.shared.config;
        let offered = config.can(Capability::StartTls) && config.certificate.is_some();
        if !offered || self.wire.is_tls() {
            return Completion::bad("TLS is not offered now");
        }
        self.next = Next::TlsHandshake;
        Completion::ok("begin TLS negotiation now")
    }

    fn login(&mut self, args: &[Arg]) -> Completion {
        if self.shared.config.can(Capability::LoginDisabled) && !self.wire.is_tls() {
            return Completion::no("[PRIVACYREQUIRED] not in the clear");
        }
        let [user, password] = args else {
            return Completion::bad("user and password expected");
        };
        let (Some(user), Some(password)) = (user.text(), password.text()) else {
            return Completion::bad("user and password expected");
        };
        if self.shared.config.has(Quirk::DropsPipelineAfterLogin) {
            self.wire.discard_pipelined_input();
        }
        let config = &self.shared.config;
        let right = user == config.user && password == config.password;
        self.conclude(right)
    }

    fn conclude(&mut self, right: bool) -> Completion {
        if self.shared.config.has(Quirk::AlertOnLogin) {
            self.wire.put_line("* OK [ALERT] the server will be restarted tonight");
        }
        if !right {
            return Completion::no("[AUTHENTICATIONFAILED] wrong user or password");
        }
        self.phase = Phase::Authenticated;
        if self.shared.config.has(Quirk::SilentLogin) {
            return Completion::ok("logged in");
        }
        Completion::Ok(format!("[CAPABILITY {}] logged in", self.capabilities()))
    }

    async fn authenticate(&mut self, args: &[Arg]) -> Result<Completion, End> {
        let config = &self.shared.config;
        let (mechanism, initial) = match args {
            [mechanism] => (mechanism, None),
            [mechanism, initial] if config.can(Capability::SaslIr) => (mechanism, Some(initial)),
            _ => return Ok(Completion::bad("mechanism expected")),
        };
        let mechanism = mechanism.text().unwrap_or_default().to_ascii_uppercase();
        let offered = config
            .capabilities
            .iter()
            .any(|capability| capability.name().strip_prefix("AUTH=") == Some(mechanism.as_str()));
        if !offered {
            return Ok(Completion::no("[CANNOT] no such mechanism"));
        }
        let shared = std::sync::Arc::clone(&self.shared);
        let right = match mechanism.as_str() {
            "PLAIN" => self.plain(initial, &shared).await?,
            "LOGIN" => self.login_mechanism(initial, &shared).await?,
            "CRAM-MD5" if initial.is_none() => self.cram_md5(&shared).await?,
            "XOAUTH2" | "OAUTHBEARER" => self.bearer(initial, &shared).await?,
            _ => return Ok(Completion::bad("this mechanism has no initial response")),
        };
        Ok(match right {
            Some(right) => self.conclude(right),
            None => Completion::bad("authentication cancelled"),
        })
    }

    async fn plain(&mut self, initial: Option<&Arg>, shared: &Shared) -> Result<Option<bool>, End> {
        let response = self.first_response(initial, "").await?;
        let (user, password) = (&shared.config.user, &shared.config.password);
        Ok(response.map(|response| {
            let anonymous = format!("\0{user}\0{password}").into_bytes();
            let explicit = format!("{user}\0{user}\0{password}").into_bytes();
            response == anonymous || response == explicit
        }))
    }

    async fn login_mechanism(
        &mut self,
        initial: Option<&Arg>,
        shared: &Shared,
    ) -> Result<Option<bool>, End> {
        let user = self.first_response(initial, "Username:").await?;
        let Some(user) = user else { return Ok(None) };
        let Some(password) = self.challenge("Password:").await? else { return Ok(None) };
        let config = &shared.config;
        Ok(Some(user == config.user.as_bytes() && password == config.password.as_bytes()))
    }

    async fn cram_md5(&mut self, shared: &Shared) -> Result<Option<bool>, End> {
        let nonce = format!("<{}.{}@localhost>", self.connection, std::process::id());
        let Some(response) = self.challenge(&nonce).await? else { return Ok(None) };
        let Ok(mut mac) = Hmac::<Md5>::new_from_slice(shared.config.password.as_bytes()) else {
            return Ok(Some(false));
        };
        mac.update(nonce.as_bytes());
        let digest = mac.finalize().into_bytes();
        let expected = format!("{} {digest:x}", shared.config.user);
        Ok(Some(response == expected.into_bytes()))
    }

    /// XOAUTH2 and OAUTHBEARER: a failure is told as a challenge, which the client answers.
    async fn bearer(
        &mut self,
        initial: Option<&Arg>,
        shared: &Shared,
    ) -> Result<Option<bool>, End> {
        let response = self.first_response(initial, "").await?;
        let Some(response) = response else { return Ok(None) };
        let text = String::from_utf8_lossy(&response);
        let right = shared.config.bearer_token.as_ref().is_some_and(|token| {
            let user = &shared.config.user;
            let named = text.contains(&format!("user={user}\u{1}"))
                || text.starts_with(&format!("n,a={user},\u{1}"));
            named && text.contains(&format!("auth=Bearer {token}\u{1}\u{1}"))
        });
        if !right {
            drop(self.challenge("{\"status\":\"invalid_token\"}").await?);
        }
        Ok(Some(right))
    }

    /// The initial response, or the answer to the first challenge if there was none.
    async fn first_response(
        &mut self,
        initial: Option<&Arg>,
        challenge: &str,
    ) -> Result<Option<Vec<u8>>, End> {
        match initial {
            Some(initial) => Ok(initial.text().and_then(|text| decode(&text))),
            None => self.challenge(challenge).await,
        }
    }

    /// Sends a challenge and reads the response; `None` if the client cancels or sends no base64.
    async fn challenge(&mut self, text: &str) -> Result<Option<Vec<u8>>, End> {
        self.wire.put_line(format!("+ {}", STANDARD.encode(text)));
        self.wire.flush().await?;
        let line = self.wire.read_line().await?;
        Ok(STANDARD.decode(&line).ok())
    }
}

/// An initial response; `=` stands for the empty one (RFC 4959 §3).
fn decode(text: &str) -> Option<Vec<u8>> {
    if text == "=" { Some(Vec::new()) } else { STANDARD.decode(text).ok() }
}
