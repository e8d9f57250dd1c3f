//! Digests of certificates, as `cert_fingerprint` writes them.

use std::fmt;
use std::str::FromStr;

/// A digest of a server's DER certificate. The algorithm follows from the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fingerprint {
    /// SHA-1, 20 bytes.
    Sha1([u8; 20]),
    /// SHA-224, 28 bytes.
    Sha224([u8; 28]),
    /// SHA-256, 32 bytes.
    Sha256([u8; 32]),
    /// SHA-384, 48 bytes.
    Sha384([u8; 48]),
    /// SHA-512, 64 bytes.
    Sha512([u8; 64]),
}

impl Fingerprint {
    /// The digest itself.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(digest) => digest,
            Self::Sha224(digest) => digest,
            Self::Sha256(digest) => digest,
            Self::Sha384(digest) => digest,
            Self::Sha512(digest) => digest,
        }
    }
}

/// Why a text is not a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// Something else than hexadecimal digits and colons.
    #[error("'{character}' is not a hexadecimal digit")]
    NotHexadecimal {
        /// The first wrong character.
        character: char,
    },
    /// A number of digits that no digest has.
    #[error("a fingerprint of {digits} digits belongs to no known digest")]
    Length {
        /// How many digits there are.
        digits: usize,
    },
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads hexadecimal digits of either case; colons and blanks between them do not count.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let mut digits = Vec::new();
        for character in text.chars().filter(|c| *c != ':' && !c.is_whitespace()) {
            let digit = character
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
                .ok_or(FingerprintError::NotHexadecimal { character })?;
            digits.push(digit);
        }
        let (pairs, rest) = digits.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| (high << 4) | low).collect();
        let digest = if rest.is_empty() { digest_of_length(&bytes) } else { None };
        digest.ok_or(FingerprintError::Length { digits: digits.len() })
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn digest_of_length(bytes: &[u8]) -> Option<Fingerprint> {
    match bytes.len() {
        20 => bytes.try_into().ok().map(Fingerprint::Sha1),
        28 => bytes.try_into().ok().map(Fingerprint::Sha224),
        32 => bytes.try_into().ok().map(Fingerprint::Sha256),
        48 => bytes.try_into().ok().map(Fingerprint::Sha384),
        64 => bytes.try_into().ok().map(Fingerprint::Sha512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_algorithm_follows_from_the_length() {
        for (digits, bytes) in [(40, 20), (56, 28), (64, 32), (96, 48), (128, 64)] {
            let fingerprint: Fingerprint = "aB".repeat(digits / 2).parse().unwrap();
            assert_eq!(fingerprint.as_bytes(), vec![0xab; bytes]);
            assert_eq!(fingerprint.to_string(), "ab".repeat(bytes));
        }
    }

    #[test]
    fn colons_between_the_digits_do_not_count() {
        let with_colons = ["0F"; 20].join(":");
        assert_eq!(with_colons.parse(), Ok(Fingerprint::Sha1([0x0f; 20])));
    }

    #[test]
    fn an_odd_or_unknown_number_of_digits_is_refused() {
        for digits in [0, 1, 32, 39, 41, 63, 65] {
            assert_eq!(
                "a".repeat(digits).parse::<Fingerprint>(),
                Err(FingerprintError::Length { digits })
            );
        }
    }

    #[test]
    fn other_characters_are_named() {
        assert_eq!(
            "sha256".parse::<Fingerprint>(),
            Err(FingerprintError::NotHexadecimal { character: 's' })
        );
    }
}
