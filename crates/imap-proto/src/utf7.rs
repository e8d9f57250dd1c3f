//! Modified UTF-7, the encoding of mailbox names (RFC 3501 §5.1.3).

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Why a name is not valid modified UTF-7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Utf7Error {
    /// A byte that must have been encoded stands in the open.
    #[error("byte {offset} of the name is not printable ASCII")]
    NotAscii {
        /// Where the byte is.
        offset: usize,
    },
    /// An encoded part is not closed with `-`.
    #[error("encoded part at byte {offset} of the name is not closed")]
    Unclosed {
        /// Where the part begins.
        offset: usize,
    },
    /// An encoded part is not base64 of whole UTF-16 characters.
    #[error("encoded part at byte {offset} of the name is not valid")]
    Invalid {
        /// Where the part begins.
        offset: usize,
    },
    /// An encoded part stands for printable ASCII, or two parts adjoin: valid names have one form.
    #[error("encoded part at byte {offset} of the name should not be encoded")]
    NotShortest {
        /// Where the part begins.
        offset: usize,
    },
}

/// Encodes a name. Printable ASCII stays as it is, except `&`, which becomes `&-`.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut shifted: Vec<u8> = Vec::new();
    for character in text.chars() {
        if is_direct(character) {
            close(&mut out, &mut shifted);
            out.push(character);
            if character == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                shifted.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    close(&mut out, &mut shifted);
    out
}

/// Decodes a name, strictly: only what [`encode`] would have written is accepted.
///
/// # Errors
///
/// Says where the name is not valid. The caller then keeps the raw name.
pub fn decode(name: &[u8]) -> Result<String, Utf7Error> {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    let mut after_part = false;
    while let Some((&byte, tail)) = rest.split_first() {
        let offset = name.len() - rest.len();
        if byte != b'&' {
            if !is_direct(char::from(byte)) {
                return Err(Utf7Error::NotAscii { offset });
            }
            out.push(char::from(byte));
            rest = tail;
            after_part = false;
            continue;
        }
        let end = tail.iter().position(|&b| b == b'-').ok_or(Utf7Error::Unclosed { offset })?;
        let (part, behind) = tail.split_at(end);
        rest = behind.strip_prefix(b"-").unwrap_or_default();
        if part.is_empty() {
            out.push('&');
            after_part = false;
            continue;
        }
        if after_part {
            return Err(Utf7Error::NotShortest { offset });
        }
        decode_part(part, offset, &mut out)?;
        after_part = true;
    }
    Ok(out)
}

fn decode_part(part: &[u8], offset: usize, out: &mut String) -> Result<(), Utf7Error> {
    let invalid = Utf7Error::Invalid { offset };
    let bytes = engine().decode(part).map_err(|_| invalid)?;
    let (pairs, odd) = bytes.as_chunks::<2>();
    if pairs.is_empty() || !odd.is_empty() {
        return Err(invalid);
    }
    for character in char::decode_utf16(pairs.iter().map(|&pair| u16::from_be_bytes(pair))) {
        let character = character.map_err(|_| invalid)?;
        if is_direct(character) {
            return Err(Utf7Error::NotShortest { offset });
        }
        out.push(character);
    }
    Ok(())
}

fn close(out: &mut String, shifted: &mut Vec<u8>) {
    if !shifted.is_empty() {
        out.push('&');
        engine().encode_string(&*shifted, out);
        out.push('-');
        shifted.clear();
    }
}

fn is_direct(character: char) -> bool {
    matches!(character, ' '..='~')
}

/// Base64 with `,` for `/` and without padding; bits left over must be zero.
fn engine() -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    GeneralPurpose::new(&MODIFIED, config)
}

const MODIFIED: Alphabet = base64::alphabet::IMAP_MUTF7;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_from_the_rfc_and_from_life() {
        for (text, wire) in [
            ("", ""),
            ("INBOX/Tom & Jerry", "INBOX/Tom &- Jerry"),
            (
                "~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}",
                "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
            ),
            ("Entw\u{fc}rfe", "Entw&APw-rfe"),
            ("\u{1f600}", "&2D3eAA-"),
            ("&&", "&-&-"),
            ("a\u{7f}", "a&AH8-"),
        ] {
            assert_eq!(encode(text), wire);
            assert_eq!(decode(wire.as_bytes()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_encode_would_not_write_is_refused() {
        assert_eq!(decode(b"&AOk"), Err(Utf7Error::Unclosed { offset: 0 }));
        assert_eq!(decode(b"a&"), Err(Utf7Error::Unclosed { offset: 1 }));
        assert_eq!(decode(b"x\xc3\xa9"), Err(Utf7Error::NotAscii { offset: 1 }));
        assert_eq!(decode(b"&AGE-"), Err(Utf7Error::NotShortest { offset: 0 }));
        assert_eq!(decode(b"&AOk-&AOk-"), Err(Utf7Error::NotShortest { offset: 5 }));
        for broken in ["&A-", "&AO-", "&AOl-", "&2D0-", "&3gA-", "&AOk=-", "&U/BTFw-", "&AOkA-"] {
            assert!(decode(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives(text in any::<String>()) {
            prop_assert_eq!(decode(encode(&text).as_bytes()), Ok(text));
        }

        #[test]
        fn a_valid_name_has_one_form(name in prop::collection::vec(any::<u8>(), 0..24)) {
            if let Ok(text) = decode(&name) {
                prop_assert_eq!(encode(&text).into_bytes(), name);
            }
        }
    }
}
