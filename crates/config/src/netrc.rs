//! The netrc language: who signs in where, and with which password (`spec/config.md` §8.3).
//!
//! It is read as Python's `netrc` module reads it, save that a comment reaches to the end of its
//! line wherever it stands, and that several logins for one host are all kept.

use std::iter::Peekable;
use std::str::Chars;

use secrecy::SecretString;

/// The machine that stands for all that have no entry.
const DEFAULT: &str = "default";

/// What a netrc file says.
#[derive(Debug, Clone, Default)]
pub struct Netrc {
    entries: Vec<NetrcEntry>,
}

/// One login on one host.
#[derive(Debug, Clone)]
pub struct NetrcEntry {
    /// The host as it is written; `default` for all hosts without an entry.
    pub machine: String,
    /// Who signs in; empty if the file does not say.
    pub login: String,
    /// With which password; empty if the file does not say.
    pub password: SecretString,
}

/// Why a text is no netrc file. The text is not repeated: it may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetrcError {
    /// A word that is none of those that begin an entry.
    #[error("line {line}: expected 'machine', 'default' or 'macdef'")]
    NoEntry {
        /// The line, from 1.
        line: usize,
    },
    /// A word that is none of those of an entry.
    #[error("line {line}: expected 'login', 'account' or 'password'")]
    NoField {
        /// The line, from 1.
        line: usize,
    },
    /// An entry without the name of its host.
    #[error("line {line}: 'machine' is not followed by a name")]
    NoName {
        /// The line, from 1.
        line: usize,
    },
    /// A macro that does not end with an empty line.
    #[error("line {line}: the macro does not end with an empty line")]
    EndlessMacro {
        /// The line, from 1.
        line: usize,
    },
}

impl Netrc {
    /// Understands the text of a file.
    ///
    /// # Errors
    ///
    /// If it is not in the language.
    pub fn parse(text: &str) -> Result<Self, NetrcError> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        Parser { text: text.chars().peekable(), line: 1, entries: Vec::new() }.parse()
    }

    /// Lists all entries in the order of the file.
    pub fn entries(&self) -> &[NetrcEntry] {
        &self.entries
    }

    /// Tells who signs in on a host: of several, the last in the file.
    pub fn login(&self, host: &str) -> Option<&str> {
        self.of_host(host).map(|entry| entry.login.as_str()).rfind(|login| !login.is_empty())
    }

    /// Tells the password of a user on a host; empty ones do not count.
    pub fn password(&self, host: &str, user: &str) -> Option<&SecretString> {
        use secrecy::ExposeSecret as _;
        self.of_host(host)
            .filter(|entry| entry.login == user)
            .map(|entry| &entry.password)
            .rfind(|password| !password.expose_secret().is_empty())
    }

    /// The entries of a host; those for all hosts if it has none.
    fn of_host(&self, host: &str) -> impl DoubleEndedIterator<Item = &NetrcEntry> {
        let known = self.entries.iter().any(|entry| entry.machine == host);
        let machine = if known { host.to_owned() } else { DEFAULT.to_owned() };
        self.entries.iter().filter(move |entry| entry.machine == machine)
    }
}

struct Parser<'a> {
    text: Peekable<Chars<'a>>,
    line: usize,
    entries: Vec<NetrcEntry>,
}

impl Parser<'_> {
    fn parse(mut self) -> Result<Netrc, NetrcError> {
        let mut word = self.word();
        while !word.is_empty() {
            word = match word.as_str() {
                DEFAULT => self.entry(word)?,
                "machine" => {
                    let machine = self.word();
                    if machine.is_empty() {
                        return Err(NetrcError::NoName { line: self.line });
                    }
                    self.entry(machine)?
                }
                "macdef" => {
                    self.skip_macro()?;
                    self.word()
                }
                comment if comment.starts_with('#') => {
                    self.skip_line();
                    self.word()
                }
                _ => return Err(NetrcError::NoEntry { line: self.line }),
            };
        }
        Ok(Netrc { entries: self.entries })
    }

    /// Reads what follows the name of a host, and returns the word behind the entry.
    fn entry(&mut self, machine: String) -> Result<String, NetrcError> {
        let (mut login, mut password) = (String::new(), String::new());
        let next = loop {
            let word = self.word();
            match word.as_str() {
                "" | "machine" | DEFAULT | "macdef" => break word,
                "login" | "user" => login = self.word(),
                "password" => password = self.word(),
                "account" => drop(self.word()),
                comment if comment.starts_with('#') => self.skip_line(),
                _ => return Err(NetrcError::NoField { line: self.line }),
            }
        };
        let password = SecretString::from(password);
        self.entries.push(NetrcEntry { machine, login, password });
        Ok(next)
    }

    /// Reads a word; an empty one at the end of the text. The blank behind it stays, so that it is
    /// known whether the line has ended.
    fn word(&mut self) -> String {
        self.skip_blanks();
        let mut word = String::new();
        if self.text.next_if_eq(&'"').is_some() {
            while let Some(character) = self.next().filter(|c| *c != '"') {
                word.extend(self.unescaped(character));
            }
        } else {
            while self.text.peek().is_some_and(|c| !is_blank(*c)) {
                let Some(character) = self.next() else { break };
                word.extend(self.unescaped(character));
            }
        }
        word
    }

    fn unescaped(&mut self, character: char) -> Option<char> {
        if character == '\\' { self.next() } else { Some(character) }
    }

    fn next(&mut self) -> Option<char> {
        let character = self.text.next()?;
        self.line += usize::from(character == '\n');
        Some(character)
    }

    fn skip_blanks(&mut self) {
        while self.text.peek().is_some_and(|c| is_blank(*c)) {
            self.next();
        }
    }

    fn skip_line(&mut self) {
        while self.text.peek().is_some_and(|c| *c != '\n') {
            self.next();
        }
    }

    /// Skips the name of a macro and its lines, up to an empty one.
    fn skip_macro(&mut self) -> Result<(), NetrcError> {
        self.skip_blanks();
        let quoted = self.text.peek() == Some(&'"');
        self.word();
        // The rest of the first line is part of the macro, unless nothing follows the name. Python
        // takes the line break behind a name in quotes for an empty line.
        if !quoted {
            self.next();
        }
        loop {
            if self.text.peek().is_none() {
                return Err(NetrcError::EndlessMacro { line: self.line });
            }
            if self.text.peek() == Some(&'\n') {
                self.next();
                return Ok(());
            }
            self.skip_line();
            self.next();
        }
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, '\n' | '\t' | '\r' | ' ')
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const FILE: &str = "\
machine imap.example.org login joe password one
machine imap.example.org login ann password two
machine other.example.org login bob
default login anybody password three
";

    fn password(file: &str, host: &str, user: &str) -> Option<String> {
        let netrc = Netrc::parse(file).unwrap();
        netrc.password(host, user).map(|password| password.expose_secret().to_owned())
    }

    #[test]
    fn the_password_is_that_of_the_user() {
        for (host, user, expected) in [
            ("imap.example.org", "joe", Some("one")),
            ("imap.example.org", "ann", Some("two")),
            ("imap.example.org", "anybody", None),
            ("other.example.org", "bob", None),
            ("unknown.example.org", "anybody", Some("three")),
            ("unknown.example.org", "joe", None),
        ] {
            assert_eq!(password(FILE, host, user).as_deref(), expected, "{user}@{host}");
        }
    }

    #[test]
    fn without_a_user_the_last_login_of_the_host_counts() {
        let netrc = Netrc::parse(FILE).unwrap();
        assert_eq!(netrc.login("imap.example.org"), Some("ann"));
        assert_eq!(netrc.login("unknown.example.org"), Some("anybody"));
        assert_eq!(Netrc::parse("machine h password p").unwrap().login("h"), None);
    }

    #[test]
    fn a_comment_reaches_to_the_end_of_its_line() {
        let file = "#my logins\n\n# machine h login old password gone\n\
                    machine h #see machine x\n\n\n # and so on\n login joe password #1\n#";
        assert_eq!(password(file, "h", "joe").as_deref(), Some("#1"));
        assert_eq!(Netrc::parse(file).unwrap().entries().len(), 1);
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_without_their_text() {
        for (file, error) in [
            ("machine h login joe\npassword a b\n", NetrcError::NoField { line: 2 }),
            ("\nhunter2", NetrcError::NoEntry { line: 2 }),
            ("machine", NetrcError::NoName { line: 1 }),
            ("macdef init\ncd /\n", NetrcError::EndlessMacro { line: 3 }),
        ] {
            assert_eq!(Netrc::parse(file).unwrap_err(), error, "{file}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn debug_output_hides_the_passwords() {
        let shown = format!("{:?}", Netrc::parse("default login joe password hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
