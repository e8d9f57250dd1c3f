//! The exception to messages being opaque: header fields that do not go to a server
//! (`filterheaders`).

/// Removes header fields by name from messages in wire form.
///
/// It needs the start of a message only, and so little memory: a field that does not end within
/// the first [`HeaderFilter::LOOK_OCTETS`] stays, and so does all behind it. The same message
/// always loses the same octets, and filtering it again removes nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderFilter {
    names: Vec<Box<str>>,
}

/// Whether a message goes on behind the part of it that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// There may be more.
    Follows,
    /// That was all of it.
    Nothing,
}

impl HeaderFilter {
    /// How far into a message is looked.
    pub const LOOK_OCTETS: usize = 1024 * 1024;

    /// Removes fields of these names; their case does not count.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let named = names.into_iter().filter(|name| !name.is_empty());
        Self { names: named.map(String::into_boxed_str).collect() }
    }

    /// Tells whether nothing would ever be removed.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the start of a message without the fields; what follows the start follows what is
    /// returned. `None` if that cannot be told yet: more of the message is needed. With
    /// [`Rest::Nothing`], or [`HeaderFilter::LOOK_OCTETS`] of the message, it always can.
    pub fn filter(&self, start: &[u8], rest: Rest) -> Option<Vec<u8>> {
        let (look, beyond) =
            start.split_at_checked(Self::LOOK_OCTETS).unwrap_or((start, Default::default()));
        let limited = look.len() == Self::LOOK_OCTETS;
        let end = match rest {
            Rest::Nothing if !limited => End::Message,
            Rest::Nothing | Rest::Follows => End::Unknown,
        };
        let mut kept = Vec::with_capacity(start.len());
        let mut ahead = look;
        loop {
            match Step::of(ahead, end) {
                Step::Field { name, octets } => {
                    let (field, behind) = ahead.split_at_checked(octets)?;
                    if !self.removes(name) {
                        kept.extend_from_slice(field);
                    }
                    ahead = behind;
                }
                Step::NeedsMore if !limited => return None,
                Step::NeedsMore | Step::HeaderEnds => break,
            }
        }
        kept.extend_from_slice(ahead);
        kept.extend_from_slice(beyond);
        Some(kept)
    }

    fn removes(&self, name: &[u8]) -> bool {
        self.names.iter().any(|it| it.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// What is known of the end of the octets in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The message ends there.
    Message,
    /// The message may go on.
    Unknown,
}

/// What begins at the start of a line of the header.
enum Step<'a> {
    /// A field with all its lines. The name is empty for lines that belong to no field.
    Field { name: &'a [u8], octets: usize },
    /// The body, or what cannot be part of a header.
    HeaderEnds,
    /// That cannot be told yet.
    NeedsMore,
}

impl<'a> Step<'a> {
    fn of(ahead: &'a [u8], end: End) -> Self {
        let name = match ahead.first() {
            None if end == End::Message => return Self::HeaderEnds,
            None => return Self::NeedsMore,
            // A line that continues nothing.
            Some(b' ' | b'\t') => &[],
            Some(_) => {
                let after =
                    ahead.iter().position(|octet| *octet == b':' || !octet.is_ascii_graphic());
                match after.and_then(|at| ahead.split_at_checked(at)) {
                    None if end == End::Message => return Self::HeaderEnds,
                    None => return Self::NeedsMore,
                    Some((name, behind)) if behind.starts_with(b":") => name,
                    // The first line of a message in an mbox file.
                    Some((b"From", behind)) if behind.starts_with(b" ") => &[],
                    Some(_) => return Self::HeaderEnds,
                }
            }
        };
        match field_octets(ahead, end) {
            Some(octets) => Self::Field { name, octets },
            None => Self::NeedsMore,
        }
    }
}

/// Returns the length of the line and of those that continue it.
fn field_octets(ahead: &[u8], end: End) -> Option<usize> {
    let mut octets = 0;
    loop {
        let behind = ahead.get(octets..)?;
        let Some(line) = behind.iter().position(|octet| *octet == b'\n') else {
            return (end == End::Message).then_some(ahead.len());
        };
        octets += line + 1;
        match ahead.get(octets) {
            Some(b' ' | b'\t') => {}
            Some(_) => return Some(octets),
            None => return (end == End::Message).then_some(octets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter() -> HeaderFilter {
        HeaderFilter::new(["X-Gone".to_owned(), "bcc".to_owned()])
    }

    /// Shows a message in slices, until the filter has seen enough of it.
    fn filtered(filter: &HeaderFilter, message: &[u8], step: usize) -> Vec<u8> {
        for len in (0..message.len()).step_by(step) {
            let (start, rest) = message.split_at(len);
            if let Some(start) = filter.filter(start, Rest::Follows) {
                return [&start, rest].concat();
            }
        }
        filter.filter(message, Rest::Nothing).unwrap()
    }

    #[test]
    fn fields_go_with_all_their_lines_and_everything_else_stays() {
        for (message, expected) in [
            ("A: b\r\nX-Gone: 1\r\nC: d\r\n\r\nX-Gone: 2\r\n", "A: b\r\nC: d\r\n\r\nX-Gone: 2\r\n"),
            ("x-gONE: 1\r\n 2\r\n\t3\r\nC: d\r\n\r\nbody", "C: d\r\n\r\nbody"),
            ("X-Gone: 1\r\nBCC: 2\r\nX-Gone:3\r\n\r\n", "\r\n"),
            ("A: b\r\n c\r\nX-Gone: 1\r\n", "A: b\r\n c\r\n"),
            ("X-Gone: 1", ""),
            ("X-Gone", "X-Gone"),
            ("X-Gone \r\n\r\n", "X-Gone \r\n\r\n"),
            ("X-Gone : 1\r\nBcc: 2\r\n\r\n", "X-Gone : 1\r\nBcc: 2\r\n\r\n"),
            ("X-Gone-Not: 1\r\nX-Gon: 2\r\n\r\n", "X-Gone-Not: 1\r\nX-Gon: 2\r\n\r\n"),
            ("From x\r\nBcc: 1\r\nA: b\r\n\r\n", "From x\r\nA: b\r\n\r\n"),
            (" lost\r\nBcc: 1\r\nA: b\r\n\r\n", " lost\r\nA: b\r\n\r\n"),
            ("A: b\r\nno field\r\nBcc: 1\r\n\r\n", "A: b\r\nno field\r\nBcc: 1\r\n\r\n"),
            ("A: b\nBcc: 1\nC: d\n\nBcc: 2\n", "A: b\nC: d\n\nBcc: 2\n"),
            ("\r\nBcc: 1\r\n", "\r\nBcc: 1\r\n"),
            ("", ""),
        ] {
            for step in [1, 3, 1000] {
                let found = filtered(&filter(), message.as_bytes(), step);
                assert_eq!(String::from_utf8_lossy(&found), expected, "{message:?}, {step}");
            }
        }
    }

    #[test]
    fn a_header_that_is_too_long_keeps_what_is_beyond_the_limit() {
        let long = "y".repeat(HeaderFilter::LOOK_OCTETS);
        for message in [
            format!("Bcc: 1\r\nA: {long}\r\nBcc: 2\r\n\r\n"),
            format!("Bcc: 1\r\nBcc: {long}\r\nBcc: 2\r\n\r\n"),
        ] {
            let expected = message.strip_prefix("Bcc: 1\r\n").unwrap();
            for step in [7_777, 65_536, HeaderFilter::LOOK_OCTETS - 1, 9_999_999] {
                assert!(filtered(&filter(), message.as_bytes(), step) == expected.as_bytes());
            }
        }
    }

    proptest! {
        #[test]
        fn the_result_depends_on_the_message_alone(
            message in "((X-Gone|Bcc|A|From |no field|): ?[a-z]{0,3}(\r\n [a-z]|\r)?\r?\n){0,6}(\r\n)?[a-zA-Z: \r\n]{0,9}",
            step in 1_usize..40,
        ) {
            let whole = filter().filter(message.as_bytes(), Rest::Nothing).unwrap();
            prop_assert_eq!(&filtered(&filter(), message.as_bytes(), step), &whole);
            prop_assert_eq!(&filter().filter(&whole, Rest::Nothing).unwrap(), &whole);
            prop_assert_eq!(
                HeaderFilter::default().filter(message.as_bytes(), Rest::Nothing).unwrap(),
                message.as_bytes()
            );
        }
    }
}
