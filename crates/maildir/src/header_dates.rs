//! The dates in the header of a message, seen while the message streams by.

use crate::mail_date::unix_seconds;

/// Collects the date fields of a header in LF form. Everything else passes, in constant memory.
#[derive(Debug, Default)]
pub(crate) struct HeaderDates {
    state: State,
    /// The line in hand, as far as it is kept.
    line: Vec<u8>,
    /// The field in hand; `None` if it is none of those that are looked for.
    field: Option<Field>,
    date: Option<Vec<u8>>,
    delivery_date: Option<Vec<u8>>,
}

/// What a date field says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldDate {
    /// There is no such field.
    Absent,
    /// There is one, and it holds no date.
    Invalid,
    /// In seconds since 1970-01-01 00:00:00 UTC.
    At { unix_seconds: i64 },
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Date,
    DeliveryDate,
}

/// No date is longer, whatever comments are behind it.
const LONGEST_LINE_OCTETS: usize = 1024;

impl HeaderDates {
    /// Takes the next slice of the message.
    pub(crate) fn push(&mut self, lf: &[u8]) {
        for part in lf.split_inclusive(|octet| *octet == b'\n') {
            if self.state == State::Body {
                return;
            }
            let room = LONGEST_LINE_OCTETS.saturating_sub(self.line.len());
            self.line.extend(part.iter().take(room));
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// Ends the message: its header may not have ended before.
    pub(crate) fn finish(&mut self) {
        if self.state != State::Body && !self.line.is_empty() {
            self.end_line();
        }
    }

    /// Returns what the first `Date` field says.
    pub(crate) fn date(&self) -> FieldDate {
        read(self.date.as_deref())
    }

    /// Returns what the first `Delivery-date` field says.
    pub(crate) fn delivery_date(&self) -> FieldDate {
        read(self.delivery_date.as_deref())
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some(value) = self.value_in_hand() {
                let room = LONGEST_LINE_OCTETS.saturating_sub(value.len());
                value.extend(line.into_iter().take(room));
            }
            return;
        }
        self.field = None;
        if line.starts_with(b"From ") {
            return;
        }
        let colon = line.iter().position(|octet| *octet == b':');
        let Some((name, value)) = colon.and_then(|at| line.split_at_checked(at)) else {
            // An empty line, or one that is no field: the header ends here.
            self.state = State::Body;
            return;
        };
        if !name.iter().all(u8::is_ascii_graphic) {
            self.state = State::Body;
            return;
        }
        let (field, kept) = if name.eq_ignore_ascii_case(b"Date") {
            (Field::Date, &mut self.date)
        } else if name.eq_ignore_ascii_case(b"Delivery-date") {
            (Field::DeliveryDate, &mut self.delivery_date)
        } else {
            return;
        };
        // Of several the first counts.
        if kept.is_none() {
            *kept = Some(value.get(1..).unwrap_or_default().to_vec());
            self.field = Some(field);
        }
    }

    fn value_in_hand(&mut self) -> Option<&mut Vec<u8>> {
        match self.field? {
            Field::Date => self.date.as_mut(),
            Field::DeliveryDate => self.delivery_date.as_mut(),
        }
    }
}

fn read(value: Option<&[u8]>) -> FieldDate {
    let Some(value) = value else { return FieldDate::Absent };
    match unix_seconds(&String::from_utf8_lossy(value)) {
        Some(unix_seconds) => FieldDate::At { unix_seconds },
        None => FieldDate::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FieldDate::{Absent, Invalid};

    const DAY: FieldDate = FieldDate::At { unix_seconds: 86_400 };
    const NIGHT: FieldDate = FieldDate::At { unix_seconds: 3600 };

    #[test]
    fn the_first_field_of_each_kind_counts() {
        let date = "2 Jan 1970 00:00 +0000";
        let other = "1 Jan 1970 01:00 GMT";
        for (message, expected) in [
            (format!("Date: {date}\n\nbody"), [DAY, Absent]),
            (format!("date:{date}\nDATE: {other}\n\n"), [DAY, Absent]),
            (format!("A: b\nDelivery-Date: {other}\nDate: {date}"), [DAY, NIGHT]),
            (format!("Date: x\nDelivery-date: {other}\n\n"), [Invalid, NIGHT]),
            (format!("Date:\n {date}\n c: d\nX: y\n z\n\n"), [DAY, Absent]),
            (format!("Date:\nX: y\n {date}\n\n"), [Invalid, Absent]),
            (format!("From x {other}\nDate: {date}\n\n"), [DAY, Absent]),
            (format!("A: b\nFrom x\n y\nDate: {date}\n\n"), [DAY, Absent]),
            (format!("Date : {date}\n\n"), [Absent, Absent]),
            (format!("A: b\n\nDate: {date}\n"), [Absent, Absent]),
            (format!("\nDate: {date}\n"), [Absent, Absent]),
            (format!("A: b\nno field\nDate: {date}\n"), [Absent, Absent]),
            (format!("X: {}\nDate: {date}\n\n", "x".repeat(5000)), [DAY, Absent]),
            (format!("X-Date: {date}\nDated: {date}\n\n"), [Absent, Absent]),
            (String::new(), [Absent, Absent]),
        ] {
            for step in [1, 2, 7, 10_000] {
                let mut dates = HeaderDates::default();
                message.as_bytes().chunks(step).for_each(|slice| dates.push(slice));
                dates.finish();
                assert_eq!([dates.date(), dates.delivery_date()], expected, "{message:?}, {step}");
            }
        }
    }

    #[test]
    fn a_header_without_end_takes_no_memory() {
        let mut dates = HeaderDates::default();
        for _ in 0..10_000 {
            dates.push(b"Date: ");
            dates.push(b" more of it\n and more\n ");
        }
        assert!(dates.line.capacity() + dates.date.unwrap().capacity() < 10_000);
    }
}
