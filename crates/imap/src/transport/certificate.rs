//! The few fields of an X.509 certificate (RFC 5280 §4.1) that rustls does not give out.

use rustls_pki_types::UnixTime;

/// What is read from a certificate besides what rustls checks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CertificateFields<'a> {
    /// Seconds since 1970 from which on it is valid.
    pub(crate) not_before: i64,
    /// Seconds since 1970 until which it is valid, that second included.
    pub(crate) not_after: i64,
    /// The last commonName of the subject.
    pub(crate) common_name: Option<&'a str>,
}

impl<'a> CertificateFields<'a> {
    /// Reads the fields; `None` if the bytes are no certificate.
    pub(crate) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).element(SEQUENCE)?);
        let mut to_be_signed = Der(certificate.element(SEQUENCE)?);
        to_be_signed.optional(EXPLICIT_VERSION);
        to_be_signed.element(INTEGER)?;
        to_be_signed.element(SEQUENCE)?; // signature algorithm
        to_be_signed.element(SEQUENCE)?; // issuer
        let mut validity = Der(to_be_signed.element(SEQUENCE)?);
        let not_before = validity.time()?;
        let not_after = validity.time()?;
        let subject = to_be_signed.element(SEQUENCE)?;
        Some(Self { not_before, not_after, common_name: common_name(subject) })
    }

    /// Tells on which side of its validity a moment lies.
    pub(crate) fn validity_at(&self, now: UnixTime) -> Validity {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < self.not_before {
            Validity::NotYet
        } else if now > self.not_after {
            Validity::Expired
        } else {
            Validity::Valid
        }
    }
}

/// Where a moment lies with regard to a certificate's validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    NotYet,
    Valid,
    Expired,
}

/// Tells whether a commonName names a host: equal but for case, or with `*` as its whole first
/// label.
pub(crate) fn common_name_matches(common_name: &str, host: &str) -> bool {
    let host = host.trim_end_matches('.');
    match common_name.strip_prefix("*.") {
        Some(parent) => host
            .split_once('.')
            .is_some_and(|(first, rest)| !first.is_empty() && rest.eq_ignore_ascii_case(parent)),
        None => common_name.eq_ignore_ascii_case(host),
    }
}

fn common_name(subject: &[u8]) -> Option<&str> {
    let mut found = None;
    let mut names = Der(subject);
    while let Some(set) = names.element(SET) {
        let mut attributes = Der(set);
        while let Some(attribute) = attributes.element(SEQUENCE) {
            let mut attribute = Der(attribute);
            if attribute.element(OBJECT_IDENTIFIER)? == ID_AT_COMMON_NAME {
                let (_, value) = attribute.any()?;
                found = std::str::from_utf8(value).ok();
            }
        }
    }
    found
}

/// A reader of consecutive DER elements (X.690).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let octets = usize::from(first & 0x7f);
            if octets == 0 || octets > 4 {
                return None;
            }
            let (digits, behind) = rest.split_at_checked(octets)?;
            length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            rest = behind;
        }
        let (content, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some((tag, content))
    }

    fn element(&mut self, expected: u8) -> Option<&'a [u8]> {
        let before = self.0;
        match self.any()? {
            (tag, content) if tag == expected => Some(content),
            _ => {
                self.0 = before;
                None
            }
        }
    }

    fn optional(&mut self, expected: u8) {
        let _absent_is_fine = self.element(expected);
    }

    /// Reads `UTCTime` or `GeneralizedTime` in the only forms that RFC 5280 §4.1.2.5 allows.
    fn time(&mut self) -> Option<i64> {
        let (tag, text) = self.any()?;
        let digits = text.strip_suffix(b"Z")?;
        let mut pairs = digits.chunks(2).map(|pair| match pair {
            [tens, ones] if tens.is_ascii_digit() && ones.is_ascii_digit() => {
                Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
            }
            _ => None,
        });
        let mut next = || pairs.next().flatten();
        let year = match tag {
            UTC_TIME => match next()? {
                year @ 50.. => 1900 + year,
                year => 2000 + year,
            },
            GENERALIZED_TIME => next()? * 100 + next()?,
            _ => return None,
        };
        let (month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?);
        let valid = (1..=12).contains(&month) && (1..=31).contains(&day);
        valid.then(|| {
            days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        })
    }
}

/// Counts the days from 1970-01-01 in the Gregorian calendar: years begin in March, so that the
/// leap day is the last one.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_VERSION: u8 = 0xa0;
const ID_AT_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 2, 29), 11_016);
        assert_eq!(days_from_civil(2000, 3, 1), 11_017);
    }

    #[test]
    fn the_fields_of_a_certificate_are_found() {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 2);
        params.not_after = rcgen::date_time_ymd(2060, 1, 2);
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Example");
        params.distinguished_name.push(rcgen::DnType::CommonName, "mail.example");
        let key = rcgen::KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let fields = CertificateFields::parse(&der).unwrap();
        assert_eq!(fields.not_before, 1_577_923_200);
        assert_eq!(fields.not_after, 2_840_227_200);
        assert_eq!(fields.common_name, Some("mail.example"));
        let at =
            |seconds| fields.validity_at(UnixTime::since_unix_epoch(Duration::from_secs(seconds)));
        assert_eq!(at(1_577_923_199), Validity::NotYet);
        assert_eq!(at(1_577_923_200), Validity::Valid);
        assert_eq!(at(2_840_227_201), Validity::Expired);
        for end in 0..der.len() {
            assert_eq!(CertificateFields::parse(der.get(..end).unwrap()), None, "cut at {end}");
        }
    }

    #[test]
    fn a_star_stands_for_exactly_the_first_label() {
        assert!(common_name_matches("Mail.Example", "mail.example"));
        assert!(common_name_matches("*.example", "mail.example."));
        assert!(!common_name_matches("*.example", "a.mail.example"));
        assert!(!common_name_matches("*.example", ".example"));
        assert!(!common_name_matches("*.example", "example"));
        assert!(!common_name_matches("m*.example", "mail.example"));
    }
}
