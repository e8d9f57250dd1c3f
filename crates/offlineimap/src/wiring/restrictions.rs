//! What is left out of a sync, at the time at which it begins.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use offlineimap_config as config;
use offlineimap_core::Side;
use offlineimap_engine::{Pace, Period, Restrictions, Since};

use super::{PaceWish, Run};

const DAY_SECONDS: i64 = 86_400;

/// What the account leaves out if it is synced now.
pub(super) fn restrictions(account: &config::Account) -> Restrictions {
    restrictions_at(account, Timestamp::now(), &TimeZone::system())
}

fn restrictions_at(account: &config::Account, now: Timestamp, zone: &TimeZone) -> Restrictions {
    let start_date = |side, date: config::Date| {
        let unix_seconds = midnight(date, zone);
        Period::StartDate(side, Since { day: date.unix_days(), unix_seconds })
    };
    let period = match (account.max_age, account.local.start_date(), account.remote.start_date) {
        (Some(age), _, _) => Period::MaxAge(max_age(age, now, zone)),
        (None, Some(date), _) => start_date(Side::Local, date),
        (None, None, Some(date)) => start_date(Side::Remote, date),
        (None, None, None) => Period::Always,
    };
    Restrictions { largest: account.max_size, period }
}

/// The server is asked for a day later than the limit: whatever its time zone, nothing older comes
/// in by it (`spec/sync.md` §8).
fn max_age(age: config::MaxAge, now: Timestamp, zone: &TimeZone) -> Since {
    match age {
        config::MaxAge::Days(days) => {
            let unix_seconds = now.as_second() - i64::from(days.get()) * DAY_SECONDS;
            Since { day: (unix_seconds + DAY_SECONDS).div_euclid(DAY_SECONDS), unix_seconds }
        }
        config::MaxAge::Since(date) => {
            Since { day: date.unix_days() + 1, unix_seconds: midnight(date, zone) }
        }
    }
}

/// When a day begins here.
fn midnight(date: config::Date, zone: &TimeZone) -> i64 {
    let in_utc = date.unix_days().saturating_mul(DAY_SECONDS);
    let civil = |date: config::Date| {
        let [month, day] = [date.month(), date.day()].map(i8::try_from);
        civil::Date::new(i16::try_from(date.year()).ok()?, month.ok()?, day.ok()?).ok()
    };
    let here = civil(date).and_then(|date| date.to_zoned(zone.clone()).ok());
    here.map_or(in_utc, |here| here.timestamp().as_second())
}

/// How thorough the next sync of the account is. Each process begins with the first sync of its
/// loop (`spec/sync.md` §7).
pub(crate) fn pace(run: &Run, account: &config::Account) -> Pace {
    let quick = match run.pace {
        PaceWish::AsConfigured => account.quick,
        PaceWish::Quick => config::Quick::Always,
    };
    if quick.is_quick(None) {
        Pace::Quick
    } else if quick == config::Quick::Never {
        Pace::Full
    } else {
        Pace::FullBeforeQuick
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn an_age_in_days_asks_for_the_day_after_the_limit() {
        // 22 Nov 2026 08:46 UTC: the server is asked for the 20th.
        let now = Timestamp::from_second(1_795_337_160).unwrap();
        let age = config::MaxAge::Days(NonZeroU32::new(3).unwrap());
        let since = max_age(age, now, &TimeZone::UTC);
        assert_eq!(since.day, 20_777);
        let age = now.duration_since(Timestamp::from_second(since.unix_seconds).unwrap());
        assert_eq!(age, SignedDuration::from_hours(72));
    }
}
