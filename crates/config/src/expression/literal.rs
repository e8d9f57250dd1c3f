//! String and number literals.

use super::error::{ExpressionError, ExpressionPosition};
use super::token::TokenKind;

/// A string literal, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum StringLiteral {
    Text(String),
    Bytes(Vec<u8>),
    /// The text between the quotes of an f-string, unread.
    Formatted {
        /// Where it starts in the expression, in bytes.
        body_at: usize,
        body: String,
        escapes: Escapes,
    },
}

/// Whether backslashes mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    Read,
    Raw,
}

/// Reads the string literal that starts at an offset, and gives its length in bytes. `None`: there
/// is none.
pub(super) fn string(
    text: &str,
    at: usize,
) -> Result<Option<(StringLiteral, usize)>, ExpressionError> {
    let rest = text.get(at..).unwrap_or_default();
    let mut start = rest.bytes().take(3);
    let Some(prefix_length) = start.position(|byte| matches!(byte, b'\'' | b'"')) else {
        return Ok(None);
    };
    let prefix = rest.get(..prefix_length).unwrap_or_default().to_ascii_lowercase();
    let (escapes, kind) = match prefix.as_str() {
        "" | "u" => (Escapes::Read, 't'),
        "r" => (Escapes::Raw, 't'),
        "b" => (Escapes::Read, 'b'),
        "br" | "rb" => (Escapes::Raw, 'b'),
        "f" => (Escapes::Read, 'f'),
        "fr" | "rf" => (Escapes::Raw, 'f'),
        _ => return Ok(None),
    };
    let quoted = rest.get(prefix_length..).unwrap_or_default();
    let single = quoted.get(..1).unwrap_or_default();
    let triple = single.repeat(3);
    let quote = if quoted.starts_with(&triple) { triple.as_str() } else { single };
    let body_at = at + prefix_length + quote.len();
    let body = body_before(quoted.get(quote.len()..).unwrap_or_default(), quote)
        .ok_or_else(|| syntax(text, at, "unterminated string literal"))?;
    let length = prefix_length + 2 * quote.len() + body.len();
    let literal = match kind {
        'b' => StringLiteral::Bytes(bytes(text, body_at, body, escapes)?),
        'f' => StringLiteral::Formatted { body_at, body: body.to_owned(), escapes },
        _ => StringLiteral::Text(unescape(text, body_at, body, escapes)?),
    };
    Ok(Some((literal, length)))
}

/// Reads the escapes of a piece of a text literal. A backslash before anything that is no escape
/// stays, as in Python.
pub(super) fn unescape(
    text: &str,
    at: usize,
    body: &str,
    escapes: Escapes,
) -> Result<String, ExpressionError> {
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    if escapes == Escapes::Raw {
        return Ok(body);
    }
    let mut result = String::with_capacity(body.len());
    let mut rest = body.as_str();
    while let Some(backslash) = rest.find('\\') {
        result.push_str(rest.get(..backslash).unwrap_or_default());
        rest = rest.get(backslash + 1..).unwrap_or_default();
        let Some(first) = rest.chars().next() else { break };
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = after;
        if let Some(c) = simple_escape(first) {
            result.push(c);
            continue;
        }
        let (digits, radix) = match first {
            '\n' => continue,
            '0'..='7' => {
                rest = body.get(body.len() - after.len() - 1..).unwrap_or_default();
                let length = rest.chars().take(3).take_while(|c| ('0'..='7').contains(c)).count();
                (length, 8)
            }
            'x' => (2, 16),
            'u' => (4, 16),
            'U' => (8, 16),
            'N' => return Err(unsupported(text, at, "an escape by character name (\\N{...})")),
            _ => {
                result.push('\\');
                result.push(first);
                continue;
            }
        };
        let code = rest
            .get(..digits)
            .filter(|digits| digits.chars().all(|c| c.is_digit(radix)))
            .and_then(|digits| u32::from_str_radix(digits, radix).ok())
            .ok_or_else(|| syntax(text, at, &format!("truncated \\{first} escape")))?;
        if (0xd800..0xe000).contains(&code) {
            return Err(unsupported(text, at, "a surrogate character"));
        }
        result.push(
            char::from_u32(code).ok_or_else(|| {
                syntax(text, at, "an escape beyond the last character of Unicode")
            })?,
        );
        rest = rest.get(digits..).unwrap_or_default();
    }
    result.push_str(rest);
    Ok(result)
}

/// Reads a number literal, and gives its length in bytes.
pub(super) fn number(text: &str, at: usize) -> Result<(TokenKind, usize), ExpressionError> {
    let rest = text.get(at..).unwrap_or_default();
    let radix = match rest.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    if radix != 10 {
        let digits = rest.get(2..).unwrap_or_default();
        let end = digits.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
        let digits = digits.get(..end.unwrap_or(digits.len())).unwrap_or_default();
        if digits.ends_with('_') || digits.contains("__") {
            return Err(syntax(text, at, "invalid number"));
        }
        let plain = digits.replace('_', "");
        if plain.is_empty() || !plain.chars().all(|c| c.is_digit(radix)) {
            return Err(syntax(text, at, "invalid number"));
        }
        return i64::from_str_radix(&plain, radix)
            .map(|value| (TokenKind::Int(value), 2 + digits.len()))
            .map_err(|_| unsupported(text, at, "an integer beyond 64 bits"));
    }
    let length = decimal_length(rest);
    let literal = rest.get(..length).unwrap_or_default();
    let after = rest.get(length..).unwrap_or_default();
    if after.starts_with(['j', 'J']) {
        return Err(unsupported(text, at, "a complex number"));
    }
    if after.starts_with(|c: char| c == '_' || c.is_ascii_digit())
        || literal.contains("__")
        || literal.contains("_.")
        || literal.contains("._")
    {
        return Err(syntax(text, at, "invalid number"));
    }
    if after.starts_with(['l', 'L']) {
        return Err(unsupported(text, at, "a Python 2 long integer"));
    }
    // Python takes `1if x else 2`, and nothing else that starts with a letter.
    if after.starts_with(|c: char| c.is_ascii_alphabetic())
        && !["and", "else", "for", "if", "in", "is", "or", "not"]
            .iter()
            .any(|word| after.starts_with(word))
    {
        return Err(syntax(text, at, "invalid decimal literal"));
    }
    let plain = literal.replace('_', "");
    if plain.contains(['.', 'e', 'E']) {
        let value = plain.parse().map_err(|_| syntax(text, at, "invalid number"))?;
        return Ok((TokenKind::Float(value), length));
    }
    if plain.starts_with('0') && plain.chars().any(|c| c != '0') {
        return Err(syntax(
            text,
            at,
            "leading zeros in decimal integer literals are not permitted",
        ));
    }
    let value = plain.parse().map_err(|_| unsupported(text, at, "an integer beyond 64 bits"))?;
    Ok((TokenKind::Int(value), length))
}

fn decimal_length(rest: &str) -> usize {
    let digits = |from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        if !tail.starts_with(|c: char| c.is_ascii_digit()) {
            return 0;
        }
        let length = tail.find(|c: char| c != '_' && !c.is_ascii_digit()).unwrap_or(tail.len());
        tail.get(..length).unwrap_or_default().trim_end_matches('_').len()
    };
    let mut length = digits(0);
    if rest.get(length..).unwrap_or_default().starts_with('.') {
        length += 1;
        length += digits(length);
    }
    if rest.get(length..).unwrap_or_default().starts_with(['e', 'E']) {
        let signed = rest.get(length + 1..).unwrap_or_default().starts_with(['+', '-']);
        let from = length + 1 + usize::from(signed);
        if digits(from) > 0 {
            length = from + digits(from);
        }
    }
    length
}

/// The text up to the closing quote.
fn body_before<'a>(text: &'a str, quote: &str) -> Option<&'a str> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        if text.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            return text.get(..at);
        }
        if quote.len() == 1 && matches!(c, '\n' | '\r') {
            return None;
        }
        escaped = c == '\\';
    }
    None
}

fn bytes(text: &str, at: usize, body: &str, escapes: Escapes) -> Result<Vec<u8>, ExpressionError> {
    if !body.is_ascii() {
        return Err(syntax(text, at, "bytes can only contain ASCII literal characters"));
    }
    if escapes == Escapes::Raw {
        return Ok(body.as_bytes().to_vec());
    }
    // `\u`, `\U` and `\N` are no escapes here; doubling their backslash keeps it.
    let mut kept = String::with_capacity(body.len());
    let mut characters = body.chars();
    while let Some(c) = characters.next() {
        kept.push(c);
        if c == '\\' {
            let next = characters.next().unwrap_or_default();
            if matches!(next, 'u' | 'U' | 'N') {
                kept.push('\\');
            }
            kept.push(next);
        }
    }
    let characters = unescape(text, at, &kept, escapes)?;
    Ok(characters.chars().map(|c| u8::try_from(u32::from(c) & 0xff).unwrap_or_default()).collect())
}

fn simple_escape(c: char) -> Option<char> {
    Some(match c {
        '\\' | '\'' | '"' => c,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        _ => return None,
    })
}

fn syntax(text: &str, at: usize, message: &str) -> ExpressionError {
    ExpressionError::Syntax {
        message: message.to_owned(),
        position: ExpressionPosition::of(text, at),
    }
}

fn unsupported(text: &str, at: usize, construct: &str) -> ExpressionError {
    ExpressionError::Unsupported {
        construct: construct.to_owned(),
        position: ExpressionPosition::of(text, at),
    }
}
