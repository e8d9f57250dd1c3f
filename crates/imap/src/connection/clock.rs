//! A clock that stands still while we ourselves are the ones who are slow.

use std::time::{Duration, Instant};

/// Time as the server is to be judged by: not counting while we do not read because the receiver
/// of a message is busy, nor while we wait for the octets of an upload.
#[derive(Debug, Default)]
pub(crate) struct PatientClock {
    stood_still: Duration,
    since: Option<Instant>,
}

/// Whether time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    Running,
    Standing,
}

impl PatientClock {
    /// Returns the time as a session is to see it.
    pub(crate) fn now(&self, real: Instant) -> Instant {
        let real = self.since.unwrap_or(real);
        real.checked_sub(self.stood_still).unwrap_or(real)
    }

    /// Starts or stops the clock.
    pub(crate) fn set(&mut self, pace: Pace, real: Instant) {
        match (pace, self.since) {
            (Pace::Standing, None) => self.since = Some(real),
            (Pace::Running, Some(since)) => {
                self.stood_still += real.saturating_duration_since(since);
                self.since = None;
            }
            (Pace::Standing, Some(_)) | (Pace::Running, None) => {}
        }
    }

    /// Returns when a moment of this clock comes, if the clock keeps running.
    pub(crate) fn real(&self, moment: Instant) -> Instant {
        moment + self.stood_still
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_time_does_not_count() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut clock = PatientClock::default();
        assert_eq!(clock.now(at(1)), at(1));
        clock.set(Pace::Standing, at(2));
        assert_eq!(clock.now(at(50)), at(2));
        clock.set(Pace::Standing, at(60));
        clock.set(Pace::Running, at(102));
        assert_eq!(clock.now(at(103)), at(3));
        assert_eq!(clock.real(at(10)), at(110));
    }
}
