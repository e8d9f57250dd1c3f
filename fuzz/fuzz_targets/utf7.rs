//! A name that decodes is what encoding its text gives; a text survives.

#![no_main]

use libfuzzer_sys::fuzz_target;
use offlineimap_imap_proto::utf7::{decode, encode};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = decode(data) {
        assert_eq!(encode(&text).as_bytes(), data);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(decode(encode(text).as_bytes()).as_deref(), Ok(text));
    }
});
