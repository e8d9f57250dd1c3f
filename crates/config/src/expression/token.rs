//! The tokens of an expression: names, numbers, strings, operators.

use super::error::{ExpressionError, ExpressionPosition};
use super::literal::{self, StringLiteral};

/// A token, and the byte offset where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: TokenKind,
}

/// What a [`Token`] is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Name(String),
    Int(i64),
    Float(f64),
    String(StringLiteral),
    Operator(&'static str),
    End,
}

/// Divides a text into tokens; the last is [`TokenKind::End`].
///
/// # Errors
///
/// Refuses what is no token of Python, text after a line break outside brackets (as in Python, an
/// expression is one logical line), and tokens that are not supported.
pub(super) fn tokenize(text: &str) -> Result<Vec<Token>, ExpressionError> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), brackets: 0, ended: false };
    while lexer.next_token()? {}
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    brackets: usize,
    ended: bool,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Result<bool, ExpressionError> {
        self.skip_blanks()?;
        let start = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            self.tokens.push(Token { at: start, kind: TokenKind::End });
            return Ok(false);
        };
        if self.ended {
            return Err(self.syntax(
                start,
                "the expression ends at the line break before; put it into parentheses",
            ));
        }
        let kind = if let Some((literal, length)) = literal::string(self.text, start)? {
            self.at += length;
            TokenKind::String(literal)
        } else if first.is_ascii_digit()
            || (first == '.' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()))
        {
            let (kind, length) = literal::number(self.text, start)?;
            self.at += length;
            kind
        } else if first == '_' || first.is_alphabetic() {
            let word = |c: char| c == '_' || c.is_alphanumeric();
            let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
            let name = rest.get(..length).unwrap_or_default();
            if !name.is_ascii() {
                return Err(self.unsupported(start, "a name with letters outside ASCII"));
            }
            self.at += length;
            TokenKind::Name(name.to_owned())
        } else {
            self.operator(rest)?
        };
        self.tokens.push(Token { at: start, kind });
        Ok(true)
    }

    fn skip_blanks(&mut self) -> Result<(), ExpressionError> {
        loop {
            let rest = self.rest();
            let Some(first) = rest.chars().next() else { return Ok(()) };
            match first {
                ' ' | '\t' | '\x0c' => self.at += 1,
                '\n' | '\r' => {
                    self.at += 1;
                    self.ended |= self.brackets == 0 && !self.tokens.is_empty();
                }
                '#' => self.at += rest.find(['\n', '\r']).unwrap_or(rest.len()),
                '\\' => {
                    let length = ["\\\r\n", "\\\n", "\\\r"]
                        .iter()
                        .find_map(|end| rest.starts_with(end).then_some(end.len()));
                    let Some(length) = length else {
                        return Err(self.syntax(
                            self.at,
                            "unexpected character after line continuation character",
                        ));
                    };
                    self.at += length;
                }
                _ => return Ok(()),
            }
        }
    }

    fn operator(&mut self, rest: &str) -> Result<TokenKind, ExpressionError> {
        for (text, construct) in UNSUPPORTED_OPERATORS {
            if rest.starts_with(text) {
                return Err(self.unsupported(self.at, construct));
            }
        }
        let Some(&operator) = OPERATORS.iter().find(|operator| rest.starts_with(*operator)) else {
            let found = rest.chars().next().unwrap_or_default();
            return Err(self.syntax(self.at, &format!("unexpected character {found:?}")));
        };
        match operator {
            "(" | "[" | "{" => self.brackets += 1,
            ")" | "]" | "}" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.at += operator.len();
        Ok(TokenKind::Operator(operator))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn syntax(&self, at: usize, message: &str) -> ExpressionError {
        ExpressionError::Syntax {
            message: message.to_owned(),
            position: ExpressionPosition::of(self.text, at),
        }
    }

    fn unsupported(&self, at: usize, construct: &str) -> ExpressionError {
        ExpressionError::Unsupported {
            construct: construct.to_owned(),
            position: ExpressionPosition::of(self.text, at),
        }
    }
}

/// The longer before their beginnings.
const OPERATORS: [&str; 31] = [
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "(", ")", "[", "]", "{", "}", ",", ":", ".",
    "+", "-", "*", "/", "%", "|", "^", "&", "~", "<", ">", "=", ";", "!",
];

const UNSUPPORTED_OPERATORS: [(&str, &str); 6] = [
    (":=", "an assignment expression (:=)"),
    ("<>", "the Python 2 operator <>"),
    ("`", "the Python 2 backquote"),
    ("...", "the Ellipsis"),
    ("@", "the matrix operator @"),
    ("->", "an annotation"),
];
