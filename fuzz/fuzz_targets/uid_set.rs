//! A set that parses survives being written, divided and united.

#![no_main]

use libfuzzer_sys::fuzz_target;
use offlineimap_imap_proto::uid_set::UidSet;

fuzz_target!(|data: &[u8]| {
    let Ok(set) = UidSet::parse(data) else { return };
    assert_eq!(UidSet::parse(set.to_string().as_bytes()).as_ref(), Ok(&set));
    assert!(set.ranges().windows(2).all(|pair| {
        pair[0].first() <= pair[0].last() && pair[0].last().get() + 1 < pair[1].first().get()
    }));
    let mut again = UidSet::new();
    for chunk in set.chunks(30).iter().rev() {
        assert!(chunk.to_string().len() <= 30);
        again.union_with(chunk);
    }
    assert_eq!(again, set);
    assert!(set.first().is_none_or(|uid| set.contains(uid)));
});
