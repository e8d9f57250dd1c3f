//! Dates as they stand in the header of a message, well formed or not.

/// Reads a date as Python's `email.utils` does (`parsedate_tz`, then `mktime_tz`), by which
/// OfflineIMAP dates files and names, and returns it in seconds since 1970-01-01 00:00:00 UTC.
///
/// It understands RFC 5322, section 3.3 and its obsolete forms, and much of what is sent besides.
/// A date without a known time zone is taken for UTC. Of digits it knows those of ASCII only.
/// `None` if the text is no date, or none of the years 1 to 9999.
pub(crate) fn unix_seconds(text: &str) -> Option<i64> {
    Parts::split(text)?.read()?.unix_seconds()
}

/// The words of a date, each where it belongs.
struct Parts {
    day: String,
    /// 1 to 12.
    month: u32,
    year: String,
    time: String,
    zone: String,
}

/// The numbers of a date. They can be out of range: hour 25 is the first of the next day.
struct Civil {
    year: i64,
    month: u32,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    offset_seconds: i128,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The names of zones in RFC 822, section 5.1, with what they mean in hours and minutes. Those of
/// one letter, `Z` apart, are not believed (RFC 1123, section 5.2.14).
const ZONES: [(&str, i64); 14] = [
    ("UT", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("AST", -400),
    ("ADT", -300),
    ("EST", -500),
    ("EDT", -400),
    ("CST", -600),
    ("CDT", -500),
    ("MST", -700),
    ("MDT", -600),
    ("PST", -800),
    ("PDT", -700),
];

impl Parts {
    /// Finds out which word is what. Words are told apart more by their place than by their look.
    fn split(text: &str) -> Option<Self> {
        let mut words: Vec<&str> =
            text.split(is_python_space).filter(|word| !word.is_empty()).collect();
        let first = words.first_mut()?;
        if first.ends_with(',') || WEEKDAYS.contains(&first.to_lowercase().as_str()) {
            words.remove(0);
        } else if let Some((_, behind)) = first.rsplit_once(',') {
            *first = behind;
        }
        if let [date, rest @ ..] = words.as_slice()
            && rest.len() == 2
            && let [day, month, year] = date.split('-').collect::<Vec<_>>().as_slice()
        {
            // `06-Nov-94` (RFC 850).
            words = [&[*day, *month, *year], rest].concat();
        }
        if let [.., time] = words.as_slice()
            && words.len() == 4
        {
            let zone = time.find('+').or_else(|| time.find('-')).filter(|at| *at > 0);
            let (time, zone) = zone.and_then(|at| time.split_at_checked(at)).unwrap_or((time, ""));
            words.pop();
            words.extend([time, zone]);
        }
        let [mut day, mut month, mut year, mut time, mut zone, ..] = *words.as_slice() else {
            return None;
        };
        if day.is_empty() || month.is_empty() || year.is_empty() {
            return None;
        }
        if month_number(month).is_none() {
            (day, month) = (month, day);
        }
        let month = month_number(month)?;
        if year.find(':').is_some_and(|at| at > 0) {
            (year, time) = (time, year);
        }
        year = without_comma(year);
        if !year.chars().next()?.is_ascii_digit() {
            (year, zone) = (zone, year);
        }
        Some(Self {
            day: without_comma(day).to_owned(),
            month,
            year: year.to_owned(),
            time: without_comma(time).to_owned(),
            zone: zone.to_uppercase(),
        })
    }

    fn read(&self) -> Option<Civil> {
        let mut time: Vec<&str> = self.time.split(':').collect();
        if let [dotted] = *time
            && dotted.contains('.')
        {
            time = dotted.split('.').collect();
        }
        let [hour, minute, second] = match *time {
            [hour, minute] => [hour, minute, "0"],
            [hour, minute, second] => [hour, minute, second],
            _ => return None,
        };
        let year = match python_int(&self.year)? {
            // RFC 5322, section 4.3, would have years up to 49 be of this century.
            year @ 69..100 => year + 1900,
            year @ ..69 => year + 2000,
            year => year,
        };
        let named = ZONES.iter().find(|(name, _)| *name == self.zone).map(|(_, zone)| *zone);
        let zone = i128::from(named.or_else(|| python_int(&self.zone)).unwrap_or(0));
        Some(Civil {
            year,
            month: self.month,
            day: python_int(&self.day)?,
            hour: python_int(hour)?,
            minute: python_int(minute)?,
            second: python_int(second)?,
            // Truncation keeps the sign on both parts: -0530 is 5 hours and 30 minutes west.
            offset_seconds: (zone / 100) * 3600 + (zone % 100) * 60,
        })
    }
}

impl Civil {
    fn unix_seconds(&self) -> Option<i64> {
        if !(1..=9999).contains(&self.year) {
            return None;
        }
        let days = i128::from(first_of_month(self.year, self.month)) + i128::from(self.day) - 1;
        let hours = days * 24 + i128::from(self.hour);
        let minutes = hours * 60 + i128::from(self.minute);
        let seconds = minutes * 60 + i128::from(self.second) - self.offset_seconds;
        i64::try_from(seconds).ok()
    }
}

/// The days from 1970-01-01 to the first of a month of the Gregorian calendar.
fn first_of_month(year: i64, month: u32) -> i64 {
    const DAYS_BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leaps = |until: i64| until / 4 - until / 100 + until / 400;
    let is_leap = leaps(year) != leaps(year - 1);
    let within = usize::try_from(month).ok().and_then(|month| DAYS_BEFORE.get(month - 1));
    let leap_day = i64::from(is_leap && month > 2);
    (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + within.unwrap_or(&0) + leap_day
}

/// The number of a month by its English name, or the first three letters of that.
fn month_number(word: &str) -> Option<u32> {
    let word = word.to_lowercase();
    let is_named = |name: &&str| **name == word || name.get(..3) == Some(word.as_str());
    MONTHS.iter().zip(1..).find(|(name, _)| is_named(name)).map(|(_, number)| number)
}

fn without_comma(word: &str) -> &str {
    word.strip_suffix(',').unwrap_or(word)
}

/// Reads a number as Python's `int`: a sign, and single underscores between digits.
fn python_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let groups = || digits.split('_');
    if groups().any(|group| group.is_empty() || !group.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// Unicode's white space and the separators of ASCII.
fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    /// Dates of all forms that were ever usual, and some that never were.
    const CORPUS: &[&str] = &[
        "Fri, 21 Nov 1997 09:55:06 -0600",
        "Tue, 1 Jul 2003 10:52:37 +0200",
        "1 Jul 2003 10:52:37 +0530",
        "21 Nov 97 09:55:06 GMT",
        "Thu,      13\tFeb\n  1969\n 23:32 -0330 (Newfoundland Time)",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun Nov  6 08:49:37 GMT 1994",
        "Sun Nov  6 08:49:37 EST 1994",
        "Nov 6, 1994 08:49:37 PST",
        "Mon,15 Jan 2001 10:00:00 EDT",
        "Mon 15 Jan 2001 10:00:00 Z",
        "15 Jan 2001 10:00:00",
        "15 Jan 2001 10:00",
        "15 Jan 2001 10.00.30 +0100",
        "15 Jan 2001 10.00 +0100",
        "15 Jan 2001 10.00.30.40 +0100",
        "15 Jan 2001 10:00:00+0100",
        "15 Jan 2001 10:00:00-0100",
        "15 Jan 2001 -0100",
        "15 Jan 2001 +0100",
        "15 January 2001 24:61:61 +0000",
        "31 Feb 2023 00:00:00 +0000",
        "29 Feb 2000 00:00:00 -0000",
        "29 Feb 1900 00:00:00 -0000",
        "0 Mar 2024 12:00:00 UT",
        "-1 Mar 2024 12:00:00 UT",
        "15 Jan 49 10:00:00 +0000",
        "15 Jan 68 10:00:00 +0000",
        "15 Jan 69 10:00:00 +0000",
        "15 Jan 99 10:00:00 +0000",
        "15 Jan 100 10:00:00 +0000",
        "15 Jan 0 10:00:00 +0000",
        "15 Jan 9999 23:59:59 -2359",
        "15 Jan 10000 10:00:00 +0000",
        "15 Jan 2001 10:00:00 -5",
        "15 Jan 2001 10:00:00 +12345",
        "15 Jan 2001 10:00:00 A",
        "15 Jan 2001 10:00:00 CEST",
        "15 Jan 2001 10:00:00 pst",
        "15 Jan 2001 10:00:00 \"GMT\"",
        "15 Jan 2001, 10:00:00, +0100",
        "15, Jan 2001 10:00:00 +0100",
        "15 Jan , 10:00:00 +0100",
        ", 15 Jan 2001 10:00:00",
        ",15 Jan 2001 10:00:00",
        "15 Jan 10:00:00 2001 +0100",
        "15 Jan 10:00:00 +0100 2001",
        "Jan 15 10:00:00 +0100 2001",
        "Jan 15 :10 2001 +0100",
        "15 Foo 2001 10:00:00 +0100",
        "15-Jan-2001 10:00:00 +0100",
        "15-Jan-2001 10:00:00",
        "--2001 10:00:00 +0100",
        "2001-01-15 10:00:00 +0100",
        "2001-01-15T10:00:00Z",
        "15/01/2001 10:00:00 +0100",
        "1_5 Jan 2_001 1_0:00:00 +0_1_00",
        "1__5 Jan 2001 10:00:00 +0100",
        "+15 Jan 2001 +10:00:00 +0100",
        "15 Jan 2001 10:00:0x +0100",
        "15 Jan 2001 10:00:00.5 +0100",
        "15 Jan 2001 10 +0100",
        "15 Jan 2001 : +0100",
        "15 Jan 2001 1:2:3:4 +0100",
        "99999999999999999999 Jan 2001 10:00:00 +0100",
        "15 Jan 2001 99999999999:00:00 +0100",
        "15 Jan 1 00:00:00 +0000",
        "15 Jan 1960 00:00:00 +0000",
        "May 15 2001 10:00:00",
        "15 MAY 2001 10:00:00",
        "15 Sept 2001 10:00:00",
        "Mon, Tue, 15 Jan 2001 10:00:00",
        "Mon",
        "Mon,",
        "",
        "   ",
        "now",
        "=?utf-8?q?15_Jan_2001?=",
        "15\u{a0}Jan\u{2003}2001 10:00:00 +0100",
        "15\x1cJan\x1f2001 10:00:00 +0100",
        "15 Jan 2001 10:00:00 e\u{17f}t",
        "15 J\u{e4}n 2001 10:00:00 +0100",
    ];

    /// Words, in any order, of which dates are made.
    fn generated() -> Vec<String> {
        let word = prop_oneof![
            "[0-9]{1,5}",
            "[+-][0-9]{1,4}",
            "[0-9]{1,2}[:.][0-9]{1,2}([:.][0-9]{1,2})?[,+-]?([0-9]{4})?",
            proptest::sample::select(MONTHS.to_vec()).prop_map(str::to_owned),
            proptest::sample::select(MONTHS.to_vec()).prop_map(|it| it
                .to_uppercase()
                .chars()
                .take(3)
                .collect()),
            proptest::sample::select(WEEKDAYS.to_vec()).prop_map(|day| format!("{day},")),
            proptest::sample::select(ZONES.to_vec()).prop_map(|(zone, _)| zone.to_owned()),
            "[0-9]{1,2}-(Jan|feb|Decem)-[0-9]{2,4}",
            "[-,:.+_0-9a-zA-Z]{1,4}",
        ];
        let almost = (1..32, 0..12_usize, 1900..2100, 0..25, 0..61, 0..61, "[+-][0-9]{4}|[A-Z]{3}")
            .prop_map(|(day, month, year, hour, minute, second, zone)| {
                let month = MONTHS.get(month).unwrap();
                format!("{day} {month} {year} {hour}:{minute}:{second} {zone}")
            });
        let words = proptest::collection::vec(word, 1..7).prop_map(|words| words.join(" "));
        let any = prop_oneof![words, almost];
        let mut runner = TestRunner::deterministic();
        (0..4000).map(|_| any.new_tree(&mut runner).unwrap().current()).collect()
    }

    /// What Python makes of dates; `None` where it raises, or gives what no file system keeps.
    fn according_to_python(dates: &[String]) -> Vec<Option<i64>> {
        const PROGRAM: &str = "
import sys
from email.utils import mktime_tz, parsedate_tz
for date in sys.stdin.buffer.read().decode().split('\\0')[:-1]:
    try:
        seconds = mktime_tz(parsedate_tz(date))
        print(seconds if abs(seconds) < 2**63 else None)
    except (TypeError, ValueError, OverflowError):
        print(None)
";
        let mut python = Command::new("python3")
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3, to compare with");
        let mut input = python.stdin.take().unwrap();
        let text: String = dates.iter().flat_map(|date| [date.as_str(), "\0"]).collect();
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = python.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| line.parse().ok()).collect()
    }

    #[test]
    fn dates_are_read_as_python_reads_them() {
        let mut dates: Vec<String> = CORPUS.iter().map(|date| (*date).to_owned()).collect();
        dates.extend(generated());
        let expected = according_to_python(&dates);
        assert_eq!(expected.len(), dates.len());
        let understood = expected.iter().flatten().count();
        assert!(understood > 1000, "only {understood} dates say anything");
        for (date, expected) in dates.iter().zip(expected) {
            assert_eq!(unix_seconds(date), expected, "{date:?}");
        }
    }

    #[test]
    fn a_date_is_an_instant() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 +0000", Some(0)),
            ("Sat, 01 Jan 2000 01:30:00 +0130", Some(946_684_800)),
            ("Fri, 31 Dec 1999 19:00:00 EST", Some(946_684_800)),
            ("Mon, 01 Jan 1960 00:00:00 GMT", Some(-315_619_200)),
            ("the day before yesterday", None),
        ] {
            assert_eq!(unix_seconds(text), seconds, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_or_not(text: String) {
            let _ = unix_seconds(&text);
        }
    }
}
