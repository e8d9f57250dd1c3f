//! INTERNALDATE (RFC 9051 §2.3.3): an instant with the zone it was given in.

use std::fmt;

/// The date and time a server keeps with a message, to the second, with its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InternalDate {
    unix_seconds: i64,
    zone_minutes: i32,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl InternalDate {
    /// The instant so many seconds after the start of 1970, in UTC.
    pub fn from_unix_seconds(unix_seconds: i64) -> Self {
        Self { unix_seconds, zone_minutes: 0 }
    }

    /// The present instant in UTC, to the second.
    pub fn now() -> Self {
        let elapsed =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self::from_unix_seconds(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
    }

    /// Seconds since the start of 1970.
    pub fn unix_seconds(self) -> i64 {
        self.unix_seconds
    }

    /// Minutes east of UTC of the zone it was given in.
    pub fn zone_minutes(self) -> i32 {
        self.zone_minutes
    }

    /// Reads `date-time` of RFC 9051 §9, as in ` 2-Nov-2020 10:00:00 +0100`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.trim_start().split(' ');
        let day = parse_date(words.next()?)?;
        let mut clock = words.next()?.split(':').map(str::parse::<i64>);
        let (hours, minutes, seconds) =
            (clock.next()?.ok()?, clock.next()?.ok()?, clock.next()?.ok()?);
        let zone = words.next()?;
        let sign = match zone.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let digits: i32 = zone.get(1..5)?.parse().ok()?;
        let in_range = hours < 24 && minutes < 60 && seconds < 61 && digits % 100 < 60;
        if zone.len() != 5 || clock.next().is_some() || words.next().is_some() || !in_range {
            return None;
        }
        let zone_minutes = sign * (digits / 100 * 60 + digits % 100);
        let local = day * 86_400 + hours * 3_600 + minutes * 60 + seconds;
        Some(Self { unix_seconds: local - i64::from(zone_minutes) * 60, zone_minutes })
    }

    /// The day in its own zone, counted from the start of 1970: what SEARCH compares.
    pub(super) fn day(self) -> i64 {
        self.local_seconds().div_euclid(86_400)
    }

    fn local_seconds(self) -> i64 {
        self.unix_seconds + i64::from(self.zone_minutes) * 60
    }
}

impl fmt::Display for InternalDate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.day());
        let clock = self.local_seconds().rem_euclid(86_400);
        let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&"Jan");
        let sign = if self.zone_minutes < 0 { '-' } else { '+' };
        let zone = self.zone_minutes.abs();
        write!(
            out,
            "{day:>2}-{month}-{year:04} {:02}:{:02}:{:02} {sign}{:02}{:02}",
            clock / 3_600,
            clock / 60 % 60,
            clock % 60,
            zone / 60,
            zone % 60
        )
    }
}

/// Reads `date` of RFC 9051 §9, as in `2-Nov-2020`, and counts its days from the start of 1970.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.trim_matches('"').split('-');
    let day: i64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name))?;
    let year: i64 = parts.next()?.parse().ok()?;
    if parts.next().is_some() || !(1..=31).contains(&day) {
        return None;
    }
    Some(days(year, i64::try_from(month).ok()? + 1, day))
}

/// Days from the start of 1970 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day last, which makes month lengths regular.
    let year = if month <= 2 { year - 1 } else { year };
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
        - 719_468
}

/// Year, month and day of a number of days from the start of 1970.
fn civil(days_since_1970: i64) -> (i64, i64, i64) {
    let mut year = 1970 + days_since_1970.div_euclid(366);
    while days(year + 1, 1, 1) <= days_since_1970 {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && days(year, month + 1, 1) <= days_since_1970 {
        month += 1;
    }
    (year, month, days_since_1970 - days(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_it_was_read() {
        for text in [
            " 2-Nov-2020 10:00:00 +0100",
            "29-Feb-2024 23:59:59 -0330",
            " 1-Jan-1970 00:00:00 +0000",
            "31-Dec-1969 23:59:59 +0000",
            "31-Dec-2099 00:00:01 +1400",
        ] {
            assert_eq!(InternalDate::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_instant_accounts_for_the_zone() {
        let date = InternalDate::parse("04-Mar-2022 00:06:07 -0500").unwrap();
        assert_eq!(date.unix_seconds(), 1_646_370_367);
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in ["", "2-Foo-2020 10:00:00 +0000", "2-Nov-2020 25:00:00 +0000", "2-Nov-2020"] {
            assert_eq!(InternalDate::parse(text), None, "{text}");
        }
    }
}
