//! INTERNALDATE and the dates of SEARCH (RFC 9051 §9, `date-time` and `date`).

use std::fmt;

/// A moment as INTERNALDATE gives it: seconds since 1970 with the zone it was written in.
///
/// Displays in the wire form without the quotes, `17-Jul-1996 02:44:25 -0330`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InternalDate {
    unix_seconds: i64,
    offset_minutes: i16,
}

impl InternalDate {
    /// Takes seconds since 1970-01-01T00:00:00Z and the zone's minutes east of UTC.
    ///
    /// Returns `None` where the wire form cannot say it: a local year outside 1 to 9999, or a zone
    /// of 24 hours or more.
    pub fn new(unix_seconds: i64, offset_minutes: i16) -> Option<Self> {
        if offset_minutes.unsigned_abs() >= 24 * 60 {
            return None;
        }
        let date = Self { unix_seconds, offset_minutes };
        let local = unix_seconds.checked_add(i64::from(offset_minutes) * 60)?;
        let (year, ..) = civil_from_days(local.div_euclid(86_400));
        (1..=9999).contains(&year).then_some(date)
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z.
    pub fn unix_seconds(self) -> i64 {
        self.unix_seconds
    }

    /// Returns the zone's minutes east of UTC.
    pub fn offset_minutes(self) -> i16 {
        self.offset_minutes
    }

    /// Reads the wire form without its quotes. The day may have one digit or a leading blank, the
    /// month any case, and a zone may be missing (then UTC) or be a name such as `GMT`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut words = text.split_ascii_whitespace();
        let mut date = words.next()?.splitn(3, '-');
        let day = number(date.next()?, 2)?;
        let month = month_number(date.next()?)?;
        let year = number(date.next()?, 4)?;
        let mut clock = words.next()?.splitn(3, ':');
        let hour = number(clock.next()?, 2)?;
        let minute = number(clock.next()?, 2)?;
        let second = number(clock.next()?, 2)?;
        let offset_minutes = words.next().map_or(Some(0), zone_minutes)?;
        let valid = (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60
            && words.next().is_none();
        if !valid {
            return None;
        }
        let local = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Self::new(local - i64::from(offset_minutes) * 60, offset_minutes)
    }
}

impl fmt::Display for InternalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.unix_seconds + i64::from(self.offset_minutes) * 60;
        let date = SearchDate(local.div_euclid(86_400));
        let clock = local.rem_euclid(86_400);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        // Sign and magnitude: dividing the negative number would turn -03:30 into -04:30.
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let offset = self.offset_minutes.unsigned_abs();
        write!(
            f,
            "{date:0>11} {hour:02}:{minute:02}:{second:02} {sign}{:02}{:02}",
            offset / 60,
            offset % 60
        )
    }
}

/// A day as SEARCH takes it. Displays as `4-Mar-2022`, padded on request (`{:0>11}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SearchDate(i64);

impl SearchDate {
    /// 1-Jan-1970.
    pub const EPOCH: Self = Self(0);

    /// Takes the days since 1970-01-01; `None` outside the years 1 to 9999.
    pub fn from_unix_days(days: i64) -> Option<Self> {
        if days.unsigned_abs() > 4_000_000 {
            return None;
        }
        let (year, ..) = civil_from_days(days);
        (1..=9999).contains(&year).then_some(Self(days))
    }
}

impl fmt::Display for SearchDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0);
        let name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"Jan");
        f.pad(&format!("{day}-{name}-{year:04}"))
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn number(digits: &str, limit_digits: usize) -> Option<i64> {
    let plain = !digits.is_empty()
        && digits.len() <= limit_digits
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn month_number(name: &str) -> Option<i64> {
    let at = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    i64::try_from(at + 1).ok()
}

fn zone_minutes(zone: &str) -> Option<i16> {
    if ["GMT", "UT", "UTC", "Z"].iter().any(|name| name.eq_ignore_ascii_case(zone)) {
        return Some(0);
    }
    let (sign, digits) = match zone.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, zone.strip_prefix('+')?),
    };
    if digits.len() != 4 {
        return None;
    }
    let value = i16::try_from(number(digits, 4)?).ok()?;
    (value % 100 < 60).then_some(sign * (value / 100 * 60 + value % 100))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts days from 1970-01-01 in the proleptic Gregorian calendar, with years beginning in March
/// so that the leap day is the last day of a year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> (i64, i16) {
        let date = InternalDate::parse(text.as_bytes()).unwrap();
        (date.unix_seconds(), date.offset_minutes())
    }

    #[test]
    fn dates_in_zones_of_all_kinds() {
        for (text, seconds, offset) in [
            ("17-Jul-1996 02:44:25 -0700", 837_596_665, -420),
            ("01-Jan-1970 00:00:00 +0000", 0, 0),
            ("31-Dec-1969 20:29:59 -0330", -1, -210),
            ("29-Feb-2000 05:30:00 +0530", 951_782_400, 330),
            ("01-Jan-2000 12:45:00 +1245", 946_684_800, 765),
        ] {
            assert_eq!(parsed(text), (seconds, offset), "{text}");
            assert_eq!(InternalDate::new(seconds, offset).unwrap().to_string(), text);
        }
    }

    #[test]
    fn loose_forms_are_read() {
        assert_eq!(parsed(" 1-jan-1970 00:00:00 +0000").0, 0);
        assert_eq!(parsed("1-JAN-1970 00:00:00").0, 0);
        assert_eq!(parsed("1-Jan-1970 00:00:00 GMT").0, 0);
        assert_eq!(parsed("30-Jun-2012 23:59:60 +0000").0, 1_341_100_800);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "30-Feb-2000 00:00:00 +0000",
            "29-Feb-1900 00:00:00 +0000",
            "01-Foo-2000 00:00:00 +0000",
            "01-Jan-2000 24:00:00 +0000",
            "01-Jan-2000 00:00:00 +2400",
            "01-Jan-2000 00:00:00 0000",
            "00-Jan-0000 00:00:00 +0000",
            "01-Jan-2000 00:00:00 +0000 x",
        ] {
            assert_eq!(InternalDate::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(InternalDate::new(i64::MAX, 0), None);
        assert_eq!(InternalDate::new(i64::MIN, -1), None);
    }

    #[test]
    fn search_dates_have_no_padding() {
        assert_eq!(SearchDate::from_unix_days(0).unwrap().to_string(), "1-Jan-1970");
        assert_eq!(SearchDate::from_unix_days(19_055).unwrap().to_string(), "4-Mar-2022");
        assert_eq!(SearchDate::from_unix_days(i64::MIN), None);
    }

    proptest! {
        #[test]
        fn every_date_survives(seconds in -60_000_000_000_i64..250_000_000_000, offset in -1439_i16..1440) {
            let date = InternalDate::new(seconds, offset).unwrap();
            prop_assert_eq!(InternalDate::parse(date.to_string().as_bytes()), Some(date));
        }

        #[test]
        fn random_text_never_panics(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ignored = InternalDate::parse(&text);
        }
    }
}
