use std::io::Write as _;

use bytes::{Bytes, BytesMut};

/// A message computed from a seed: any part of it can be read without computing the rest.
///
/// It consists of a header and lines of 78 octets with their CRLF; a padding field in the header
/// brings it to the wanted size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    header: Bytes,
    endings: Bytes,
    lines: u64,
}

/// Octets of a generated line, CRLF included.
const LINE_LEN: u64 = 78;
/// Octets of a line behind its number and before its CRLF.
const ENDING_LEN: usize = 62;
/// How many line endings a message has to choose from.
const ENDINGS: u64 = 64;

impl Generated {
    /// The smallest size that can be generated; smaller wishes get this size.
    pub const MIN_LEN_BYTES: u64 = 320;

    /// A message of `len_bytes` octets, but at least [`Self::MIN_LEN_BYTES`].
    pub fn new(seed: u64, len_bytes: u64) -> Self {
        let len_bytes = len_bytes.max(Self::MIN_LEN_BYTES);
        let unpadded = header(seed, len_bytes, 0).len() as u64;
        let padding = (len_bytes - unpadded) % LINE_LEN;
        let header = header(seed, len_bytes, padding);
        let lines = (len_bytes - header.len() as u64) / LINE_LEN;
        Self { header: Bytes::from(header), endings: endings(seed), lines }
    }

    /// The size of the message in octets.
    #[expect(clippy::len_without_is_empty, reason = "a generated message is never empty")]
    pub fn len(&self) -> u64 {
        self.header.len() as u64 + self.lines * LINE_LEN
    }

    /// The size of the header with the empty line that ends it.
    pub fn header_len(&self) -> u64 {
        self.header.len() as u64
    }

    /// The octets from `offset` on, at most `limit_bytes` of them; none past the end.
    pub fn chunk(&self, offset: u64, limit_bytes: usize) -> Bytes {
        let end = self.len().min(offset.saturating_add(limit_bytes as u64));
        if offset >= end {
            return Bytes::new();
        }
        let capacity = usize::try_from(end - offset).unwrap_or(0);
        let mut chunk = BytesMut::with_capacity(capacity);
        let mut at = offset;
        while at < end {
            self.put_piece(at, &mut chunk);
            at = offset + chunk.len() as u64;
        }
        chunk.truncate(capacity);
        chunk.freeze()
    }

    /// Appends the rest of the header or of the line in which `offset` lies.
    fn put_piece(&self, offset: u64, chunk: &mut BytesMut) {
        let Some(in_text) = offset.checked_sub(self.header_len()) else {
            let start = usize::try_from(offset).unwrap_or(0);
            chunk.extend_from_slice(self.header.get(start..).unwrap_or_default());
            return;
        };
        let number = in_text / LINE_LEN;
        let choice = usize::try_from(mix(number) % ENDINGS).unwrap_or(0);
        let ending =
            self.endings.get(choice * ENDING_LEN..).and_then(|rest| rest.get(..ENDING_LEN));
        // The number keeps lines apart; the ending keeps the text from being too regular.
        let mut line = Vec::with_capacity(78);
        drop(write!(line, "{number:014x}"));
        line.extend_from_slice(ending.unwrap_or_default());
        line.extend_from_slice(b"\r\n");
        let start = usize::try_from(in_text % LINE_LEN).unwrap_or(0);
        chunk.extend_from_slice(line.get(start..).unwrap_or_default());
    }
}

/// Line endings to choose from: letters that depend on the seed alone.
fn endings(seed: u64) -> Bytes {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15));
    let wanted = usize::try_from(ENDINGS).unwrap_or(1) * ENDING_LEN;
    let mut letters = BytesMut::with_capacity(wanted);
    while letters.len() < wanted {
        state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        letters.extend(LETTERS.get(usize::try_from(state & 63).unwrap_or(0)));
    }
    letters.freeze()
}

fn header(seed: u64, len_bytes: u64, padding: u64) -> Vec<u8> {
    let padding = "x".repeat(usize::try_from(padding).unwrap_or(0));
    format!(
        "From: Ada <ada@example.org>\r\nTo: Bob <bob@example.org>\r\n\
         Subject: generated message {seed}\r\nDate: Mon, 02 Nov 2020 10:00:00 +0000\r\n\
         Message-ID: <generated-{seed}-{len_bytes}@example.org>\r\n\
         X-Padding: p{padding}\r\n\r\n"
    )
    .into_bytes()
}

/// The finaliser of `SplitMix64`: every bit of the input changes half of the output.
fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_message_has_exactly_the_wanted_size() {
        for wanted in [320, 321, 397, 398, 399, 10_000, 200_000_000] {
            assert_eq!(Generated::new(7, wanted).len(), wanted);
        }
        assert_eq!(Generated::new(u64::MAX, 0).len(), Generated::MIN_LEN_BYTES);
    }

    #[test]
    fn chunks_put_together_give_the_whole() {
        let message = Generated::new(3, 5_000);
        let whole = message.chunk(0, 5_000);
        assert_eq!(whole.len(), 5_000);
        let mut joined = Vec::new();
        while (joined.len() as u64) < message.len() {
            joined.extend_from_slice(&message.chunk(joined.len() as u64, 37));
        }
        assert_eq!(joined, whole);
        assert!(whole.ends_with(b"\r\n"));
        assert!(message.chunk(5_000, 1).is_empty());
    }

    #[test]
    fn another_seed_gives_another_message() {
        assert_ne!(
            Generated::new(1, 1_000).chunk(500, 400),
            Generated::new(2, 1_000).chunk(500, 400)
        );
    }

    #[test]
    fn the_header_ends_with_an_empty_line() {
        let message = Generated::new(9, 4_000);
        let whole = message.chunk(0, 4_000);
        let at = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        assert_eq!(message.header_len(), at as u64 + 4);
    }
}
