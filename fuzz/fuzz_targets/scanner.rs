//! Any bytes: no panic, and the same responses however the bytes are divided.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use offlineimap_imap_proto::response::Response;
use offlineimap_imap_proto::scanner::{LIMIT_BYTES, ScanError, Scanner};

fuzz_target!(|data: &[u8]| {
    let Some((&step, data)) = data.split_first() else { return };
    let whole = scan(data.chunks(data.len().max(1)));
    assert_eq!(whole, scan(data.chunks(usize::from(step).max(1))));
    assert_eq!(whole, scan(data.chunks(1)));
});

fn scan<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Response>, Result<(), ScanError>) {
    let mut scanner = Scanner::new();
    let mut responses: Vec<Response> = Vec::new();
    for piece in pieces {
        let result = scanner.scan(&Bytes::copy_from_slice(piece), &mut |response| match (
            responses.last_mut(),
            response,
        ) {
            (Some(Response::BodyChunk(before)), Response::BodyChunk(chunk)) => {
                *before = [&before[..], &chunk[..]].concat().into();
            }
            (_, response) => responses.push(response),
        });
        if result.is_err() {
            return (responses, result);
        }
        assert!(scanner.kept_bytes() <= 4 * LIMIT_BYTES);
    }
    (responses, Ok(()))
}
