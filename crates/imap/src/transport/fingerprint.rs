//! Digests of certificates, as users pin them.

use std::fmt;
use std::str::FromStr;

use sha1::{Digest as _, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// The digest of a server's certificate in DER form (`cert_fingerprint`).
///
/// Read from hexadecimal digits in any case, with or without colons; the number of digits tells
/// which digest it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFingerprint {
    algorithm: Algorithm,
    digest: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// Why a text is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// There is something else than hexadecimal digits and colons.
    #[error("certificate fingerprint {text:?} has characters other than 0-9, a-f and colons")]
    NotHexadecimal {
        /// The text.
        text: String,
    },
    /// No supported digest has this length.
    #[error(
        "certificate fingerprint {text:?} has {digits} digits; expected 40 (SHA-1), 56 (SHA-224), \
         64 (SHA-256), 96 (SHA-384) or 128 (SHA-512)"
    )]
    WrongLength {
        /// The text.
        text: String,
        /// How many digits it has.
        digits: usize,
    },
}

impl CertificateFingerprint {
    /// Tells whether a certificate has this fingerprint.
    pub fn matches(&self, certificate_der: &[u8]) -> bool {
        *self.algorithm.digest(certificate_der) == *self.digest
    }

    /// Computes the SHA-256 fingerprint of a certificate: the one to show to a user.
    pub fn sha256(certificate_der: &[u8]) -> Self {
        let algorithm = Algorithm::Sha256;
        Self { algorithm, digest: algorithm.digest(certificate_der) }
    }
}

impl FromStr for CertificateFingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let not_hexadecimal = || FingerprintError::NotHexadecimal { text: text.to_owned() };
        let mut digits = Vec::new();
        for character in text.trim().chars().filter(|character| *character != ':') {
            let digit = character.to_digit(16).ok_or_else(not_hexadecimal)?;
            digits.push(u8::try_from(digit).map_err(|_| not_hexadecimal())?);
        }
        let algorithm = match digits.len() {
            40 => Algorithm::Sha1,
            56 => Algorithm::Sha224,
            64 => Algorithm::Sha256,
            96 => Algorithm::Sha384,
            128 => Algorithm::Sha512,
            digits => return Err(FingerprintError::WrongLength { text: text.to_owned(), digits }),
        };
        let (pairs, _) = digits.as_chunks::<2>();
        let digest = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        Ok(Self { algorithm, digest })
    }
}

impl fmt::Display for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Algorithm {
    fn digest(self, bytes: &[u8]) -> Box<[u8]> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).as_slice().into(),
            Self::Sha224 => Sha224::digest(bytes).as_slice().into(),
            Self::Sha256 => Sha256::digest(bytes).as_slice().into(),
            Self::Sha384 => Sha384::digest(bytes).as_slice().into(),
            Self::Sha512 => Sha512::digest(bytes).as_slice().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Digests of "abc" from FIPS 180.
    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
    const SHA224: &str = "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7";
    const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_length_tells_the_digest() {
        for text in [SHA1, SHA224, SHA256] {
            let fingerprint: CertificateFingerprint = text.parse().unwrap();
            assert!(fingerprint.matches(b"abc"), "{text}");
            assert!(!fingerprint.matches(b"abd"), "{text}");
            assert_eq!(fingerprint.to_string(), text);
        }
    }

    #[test]
    fn case_colons_and_blanks_around_do_not_matter() {
        let colons: Vec<String> = SHA1
            .to_uppercase()
            .as_bytes()
            .chunks(2)
            .map(|b| b.escape_ascii().to_string())
            .collect();
        let fingerprint: CertificateFingerprint =
            format!(" {} ", colons.join(":")).parse().unwrap();
        assert!(fingerprint.matches(b"abc"));
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(matches!(
            "abc".parse::<CertificateFingerprint>(),
            Err(FingerprintError::WrongLength { digits: 3, .. })
        ));
        assert!(matches!(
            "xyz".parse::<CertificateFingerprint>(),
            Err(FingerprintError::NotHexadecimal { .. })
        ));
    }
}
