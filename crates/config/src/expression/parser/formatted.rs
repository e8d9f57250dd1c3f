//! The inside of f-strings.

use super::super::error::{ExpressionError, ExpressionPosition};
use super::super::literal::{Escapes, unescape};
use super::super::syntax::{Node, Segment};
use super::super::token::{Token, TokenKind, tokenize};
use super::{LEVEL_LIMIT, Parser};

/// Reads the text and fields between the quotes of an f-string.
pub(super) fn segments(
    source: &str,
    at: usize,
    body: &str,
    escapes: Escapes,
    level: usize,
) -> Result<Vec<Segment>, ExpressionError> {
    let mut reader = Reader { source, at, rest: body, escapes, level };
    let segments = reader.segments(Nesting::Outside)?;
    if reader.rest.is_empty() {
        return Ok(segments);
    }
    Err(reader.syntax("f-string: single '}' is not allowed"))
}

/// Where a row of segments stands: in the string, or in a field's format specification.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Outside,
    Specification,
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    rest: &'a str,
    escapes: Escapes,
    level: usize,
}

impl<'a> Reader<'a> {
    /// Reads up to the end, or to a `}` that closes the field around.
    fn segments(&mut self, nesting: Nesting) -> Result<Vec<Segment>, ExpressionError> {
        self.level += 1;
        if self.level > LEVEL_LIMIT {
            return Err(self.unsupported("an expression nested this deeply"));
        }
        let mut segments = Vec::new();
        let mut literal = String::new();
        while let Some(end) = self.rest.find(['{', '}']) {
            let piece = self.advance(end);
            literal.push_str(piece);
            if piece.ends_with("\\N") && self.escapes == Escapes::Read {
                return Err(self.unsupported("an escape by character name (\\N{...})"));
            }
            let doubled = self.rest.starts_with("{{") || self.rest.starts_with("}}");
            if doubled && nesting == Nesting::Outside {
                literal.push_str(self.advance(2).get(..1).unwrap_or_default());
            } else if self.rest.starts_with('}') {
                break;
            } else {
                segments.push(Segment::Text(self.text(&std::mem::take(&mut literal))?));
                segments.push(self.field(nesting)?);
            }
        }
        if !self.rest.starts_with('}') {
            let length = self.rest.len();
            literal.push_str(self.advance(length));
        }
        segments.push(Segment::Text(self.text(&literal)?));
        self.level -= 1;
        Ok(segments)
    }

    fn field(&mut self, nesting: Nesting) -> Result<Segment, ExpressionError> {
        if nesting == Nesting::Specification && self.level > 6 {
            return Err(self.syntax("f-string: expressions nested too deeply"));
        }
        self.advance(1);
        let length = self.expression_length();
        let at = self.at;
        let code = self.advance(length);
        if code.contains(['\\', '#']) {
            return Err(self.unsupported("a backslash or '#' inside a field of an f-string"));
        }
        if self.rest.starts_with('=') {
            return Err(self.unsupported("an f-string field with '='"));
        }
        let value = self.expression(code, at)?;
        let mut conversion = None;
        if self.rest.starts_with('!') {
            conversion = self.rest.chars().nth(1);
            if !matches!(conversion, Some('s' | 'r' | 'a')) {
                return Err(self.syntax("f-string: invalid conversion character"));
            }
            self.advance(2);
        }
        let mut spec = Vec::new();
        if self.rest.starts_with(':') {
            self.advance(1);
            spec = self.segments(Nesting::Specification)?;
        }
        if !self.rest.starts_with('}') {
            return Err(self.syntax("f-string: expecting '}'"));
        }
        self.advance(1);
        Ok(Segment::Field { value, conversion, spec })
    }

    /// Parses the expression of a field; positions are those in the whole text.
    fn expression(&self, code: &str, at: usize) -> Result<Node, ExpressionError> {
        if code.trim().is_empty() {
            return Err(self.syntax("f-string: empty expression not allowed"));
        }
        // As CPython does, the code is read as if in parentheses.
        let wrapped = format!("({code})");
        let tokens = tokenize(&wrapped).map_err(|error| self.shift(error, at, 1))?;
        let mut tokens: Vec<Token> = tokens
            .get(1..tokens.len().saturating_sub(2))
            .unwrap_or_default()
            .iter()
            .map(|token| Token { at: token.at + at - 1, kind: token.kind.clone() })
            .collect();
        tokens.push(Token { at: at + code.len(), kind: TokenKind::End });
        let mut parser = Parser { source: self.source, tokens, next: 0, level: self.level };
        let node = parser.tuple_or_expression()?;
        parser.end()?;
        Ok(node)
    }

    fn shift(&self, error: ExpressionError, at: usize, before: usize) -> ExpressionError {
        let offset = error.position().offset_bytes.saturating_sub(before) + at;
        let moved = ExpressionPosition::of(self.source, offset);
        let mut error = error;
        match &mut error {
            ExpressionError::Syntax { position, .. }
            | ExpressionError::Unsupported { position, .. }
            | ExpressionError::UnknownName { position, .. }
            | ExpressionError::Pattern { position, .. } => *position = moved,
        }
        error
    }

    /// The length of the expression up to `!`, `:`, `=` or `}` outside brackets and strings.
    fn expression_length(&self) -> usize {
        let mut depth = 0_usize;
        let mut quote: Option<char> = None;
        let mut previous = ' ';
        for (at, c) in self.rest.char_indices() {
            let next = self.rest.get(at + c.len_utf8()..).and_then(|rest| rest.chars().next());
            if let Some(open) = quote {
                quote = quote.filter(|_| open != c);
                continue;
            }
            let compared = next == Some('=') || matches!(previous, '=' | '!' | '<' | '>');
            match c {
                '\'' | '"' => quote = Some(c),
                '(' | '[' | '{' => depth += 1,
                '}' | ':' if depth == 0 => return at,
                '!' if depth == 0 && next != Some('=') => return at,
                '=' if depth == 0 && !compared => return at,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            previous = c;
        }
        self.rest.len()
    }

    fn text(&self, literal: &str) -> Result<String, ExpressionError> {
        unescape(self.source, self.at, literal, self.escapes)
    }

    fn advance(&mut self, length: usize) -> &'a str {
        let (before, after) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.at += before.len();
        self.rest = after;
        before
    }

    fn syntax(&self, message: &str) -> ExpressionError {
        ExpressionError::Syntax {
            message: message.to_owned(),
            position: ExpressionPosition::of(self.source, self.at),
        }
    }

    fn unsupported(&self, construct: &str) -> ExpressionError {
        ExpressionError::Unsupported {
            construct: construct.to_owned(),
            position: ExpressionPosition::of(self.source, self.at),
        }
    }
}
