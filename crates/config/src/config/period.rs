//! Ages and dates: from when on messages are synced.

use std::fmt;
use std::num::NonZeroU32;

/// A day of the calendar, from the year 1900 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Why a text is not a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateError {
    /// It is not of the form, or there is no such day.
    NoDate,
    /// The year is before 1900.
    TooEarly(u16),
}

impl Date {
    /// Reads `YYYY-MM-DD`; months and days may have one digit.
    pub(crate) fn parse(text: &str) -> Result<Self, DateError> {
        let mut parts = text.split('-');
        let mut number = |digits: std::ops::RangeInclusive<usize>| {
            let part = parts.next().filter(|part| digits.contains(&part.len()))?;
            let plain = part.bytes().all(|octet| octet.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        let parsed = (number(4..=4), number(1..=2), number(1..=2));
        let (Some(year), Some(month), Some(day)) = parsed else { return Err(DateError::NoDate) };
        let exists = parts.next().is_none()
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        match (exists, u8::try_from(month), u8::try_from(day)) {
            (true, Ok(_), Ok(_)) if year < 1900 => Err(DateError::TooEarly(year)),
            (true, Ok(month), Ok(day)) => Ok(Self { year, month, day }),
            _ => Err(DateError::NoDate),
        }
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The number of days since 1970-01-01.
    pub fn unix_days(self) -> i64 {
        let years = i64::from(self.year) - 1;
        let before_the_year = years * 365 + years / 4 - years / 100 + years / 400;
        let months = (1..u16::from(self.month)).map(|month| days_in_month(self.year, month));
        let in_the_year: i64 = months.map(i64::from).sum::<i64>() + i64::from(self.day) - 1;
        before_the_year + in_the_year - DAYS_BEFORE_1970
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// From 0001-01-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_162;

/// From 1970-01-01 back to 1900-01-01, in seconds.
const SECONDS_SINCE_1900: i64 = 2_208_988_800;

fn days_in_month(year: u16, month: u16) -> u16 {
    let divides = |number| year.is_multiple_of(number);
    match month {
        2 if divides(4) && (!divides(100) || divides(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `maxage`: how old messages may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxAge {
    /// So many days.
    Days(NonZeroU32),
    /// As old as this day.
    Since(Date),
}

impl MaxAge {
    /// The year into which so many days before a moment lead, if that is before 1900.
    pub(crate) fn year_before_1900(days: u64, unix_seconds: i64) -> Option<i64> {
        /// A year of the calendar, on average.
        const YEAR_SECONDS: i64 = 31_556_952;
        let back = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(86_400);
        let then = unix_seconds.saturating_sub(back);
        (then < -SECONDS_SINCE_1900).then(|| 1970 + then.div_euclid(YEAR_SECONDS))
    }
}

/// `quick`: which syncs are quick ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quick {
    /// None.
    #[default]
    Never,
    /// All.
    Always,
    /// So many after each full one.
    AfterFull(NonZeroU32),
}

impl Quick {
    /// What the number in the file means.
    pub(crate) fn of(number: i64) -> Self {
        if number < 0 {
            return Self::Always;
        }
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        NonZeroU32::new(number).map_or(Self::Never, Self::AfterFull)
    }

    /// Whether the next sync is quick, after so many quick ones since the last full one; `None`
    /// if there was no full one yet.
    pub fn is_quick(self, since_full: Option<u32>) -> bool {
        match (self, since_full) {
            (Self::Always, _) => true,
            (Self::AfterFull(number), Some(done)) => done < number.get(),
            (Self::Never, _) | (Self::AfterFull(_), None) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("1900-01-01", -25_567),
            ("2000-02-29", 11_016),
            ("2026-11-22", 20_779),
            ("2026-3-4", 20_516),
        ] {
            assert_eq!(Date::parse(text).unwrap().unix_days(), days, "{text}");
        }
    }

    #[test]
    fn what_is_no_day_of_the_calendar_is_no_date() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-04-31",
            "26-01-01",
            "2026-1-1-1",
            "2026-+1-1",
        ] {
            assert_eq!(Date::parse(text), Err(DateError::NoDate), "{text}");
        }
        assert_eq!(Date::parse("1899-12-31"), Err(DateError::TooEarly(1899)));
    }

    #[test]
    fn a_full_sync_comes_first_and_after_so_many_quick_ones() {
        let quick = Quick::of(2);
        let all = [None, Some(0), Some(1), Some(2)].map(|done| quick.is_quick(done));
        assert_eq!(all, [false, true, true, false]);
        assert!(Quick::of(-1).is_quick(None));
        assert!(!Quick::of(0).is_quick(Some(0)));
    }
}
