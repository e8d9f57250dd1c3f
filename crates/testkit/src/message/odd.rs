use super::Body;

/// Messages that real mailboxes contain and that simple programs damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odd {
    /// NUL octets in the text.
    NulOctets,
    /// Octets above 127 in the header, in two character sets.
    EightBitHeader,
    /// Carriage returns without line feed.
    StrayCarriageReturn,
    /// Line feeds without carriage return.
    StrayLineFeed,
    /// The last line does not end.
    NoFinalNewline,
    /// An mbox separator before the header.
    MboxFromLine,
    /// A header without the empty line that ends it.
    HeaderOnly,
    /// No octet at all.
    Empty,
    /// Two million octets on one line.
    LongLine,
    /// A line in the header that is no field.
    GarbageInHeader,
    /// A multipart whose closing boundary is missing.
    UnclosedMultipart,
    /// Several fields with no blank, a tab, or nothing behind the colon.
    UnusualFieldSpacing,
    /// A line of a single dot, and lines that begin with one.
    Dots,
}

impl Odd {
    /// Every odd message, for tests that loop over all of them.
    pub const ALL: [Self; 13] = [
        Self::NulOctets,
        Self::EightBitHeader,
        Self::StrayCarriageReturn,
        Self::StrayLineFeed,
        Self::NoFinalNewline,
        Self::MboxFromLine,
        Self::HeaderOnly,
        Self::Empty,
        Self::LongLine,
        Self::GarbageInHeader,
        Self::UnclosedMultipart,
        Self::UnusualFieldSpacing,
        Self::Dots,
    ];

    /// The message in wire form.
    pub fn body(self) -> Body {
        match self {
            Self::NulOctets => with_text(b"before\0after\r\n\0\0\r\n"),
            Self::EightBitHeader => Body::from(
                b"From: J\xfcrgen <j@example.org>\r\nSubject: Gr\xc3\xbc\xc3\x9fe \xe4\r\n\r\nHallo\r\n",
            ),
            Self::StrayCarriageReturn => with_text(b"one\rtwo\r\n\r\rthree\r\r\n"),
            Self::StrayLineFeed => with_text(b"one\ntwo\r\n\n\nthree\r\n"),
            Self::NoFinalNewline => with_text(b"the last line does not end"),
            Self::MboxFromLine => {
                let mut octets = b"From ada@example.org Mon Nov  2 10:00:00 2020\r\n".to_vec();
                octets.extend_from_slice(&with_text(b"text\r\n").to_bytes());
                Body::from(octets)
            }
            Self::HeaderOnly => Body::from("From: ada@example.org\r\nSubject: no text\r\n"),
            Self::Empty => Body::from(""),
            Self::LongLine => {
                let mut line = vec![b'x'; 2_000_000];
                line.extend_from_slice(b"\r\n");
                with_text(&line)
            }
            Self::GarbageInHeader => Body::from(
                "From: ada@example.org\r\nthis is no field\r\nSubject: garbage\r\n\r\ntext\r\n",
            ),
            Self::UnclosedMultipart => Body::from(
                "From: ada@example.org\r\nMIME-Version: 1.0\r\n\
                 Content-Type: multipart/mixed; boundary=\"edge\"\r\n\r\n\
                 --edge\r\nContent-Type: text/plain\r\n\r\nnever closed\r\n",
            ),
            Self::UnusualFieldSpacing => Body::from(
                "From:ada@example.org\r\nSubject:\ttab\r\nX-Empty:\r\nX-Blanks:   three\r\n\
                 X-Folded:\r\n folded at once\r\n\r\ntext\r\n",
            ),
            Self::Dots => with_text(b".\r\n..\r\n.hidden\r\n"),
        }
    }
}

fn with_text(text: &[u8]) -> Body {
    let mut octets =
        b"From: ada@example.org\r\nTo: bob@example.org\r\nSubject: odd\r\n\r\n".to_vec();
    octets.extend_from_slice(text);
    Body::from(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_odd_message_differs_from_the_others() {
        for (at, one) in Odd::ALL.iter().enumerate() {
            for other in &Odd::ALL[at + 1..] {
                assert_ne!(one.body(), other.body(), "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn the_header_length_of_a_message_without_text_is_its_size() {
        let body = Odd::HeaderOnly.body();
        assert_eq!(body.header_len(), body.len());
        assert_eq!(Odd::Empty.body().header_len(), 0);
    }
}
