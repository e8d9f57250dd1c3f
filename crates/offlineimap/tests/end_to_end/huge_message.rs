//! A message that is larger than all memory the program may take.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::random;

use crate::rig::{Ended, Rig, lf};

const HUGE_BYTES: u64 = 200_000_000;

/// What a sync of messages of any size may take.
const MEMORY_LIMIT_KILOBYTES: u64 = 40 * 1024;

#[test]
fn a_huge_message_goes_both_ways_in_little_memory() {
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    // Dovecot takes what lies in its own Maildir, with lines that end in LF.
    assert!(rig.imap().messages("INBOX").is_empty());
    let there = server.mail_directory();
    let originals = [1, 2].map(|seed| rig.home().join(format!("original-{seed}")));
    for (seed, original) in (1..).zip(&originals) {
        write(original, seed);
    }
    let [first, second] = &originals;
    fs::copy(first, there.join("new/1600000000.1.there")).unwrap();
    rig.maildir().create("INBOX");
    let here = rig.maildir().folder("INBOX");
    fs::copy(second, here.join("cur/1600000000.2.here:2,")).unwrap();

    let ended = rig.sync();
    assert_little_memory(&ended);
    let (remote, local) = (files(&there), files(&here));
    assert_eq!((remote.len(), local.len()), (2, 2));
    for original in &originals {
        for side in [&remote, &local] {
            let holds = side.iter().any(|file| are_the_same(file, original));
            assert!(holds, "{} is not in {side:?}", original.display());
        }
    }
    let ended = rig.sync();
    assert_little_memory(&ended);
    assert_eq!((files(&there), files(&here)), (remote, local), "a second sync copies nothing");
}

fn assert_little_memory(ended: &Ended) {
    let peak = ended.peak_kilobytes;
    assert!(peak > 1024, "the memory was not measured: {peak} kB");
    assert!(peak < MEMORY_LIMIT_KILOBYTES, "{peak} kB: {}", ended.output);
}

/// Writes a huge message with lines that end in LF.
fn write(path: &Path, seed: u64) {
    let block = lf(&random(seed, 1 << 20).to_bytes());
    let mut file = File::create(path).unwrap();
    let mut len = 0;
    for number in 0.. {
        if len >= HUGE_BYTES {
            break;
        }
        // The first block begins with a header; the number keeps the others apart.
        let line = if number == 0 { String::new() } else { format!("block {number}\n") };
        file.write_all(line.as_bytes()).unwrap();
        file.write_all(&block).unwrap();
        len += (line.len() + block.len()) as u64;
    }
}

fn are_the_same(one: &Path, other: &Path) -> bool {
    let [mut one, mut other] = [one, other].map(|path| File::open(path).unwrap());
    if one.metadata().unwrap().len() != other.metadata().unwrap().len() {
        return false;
    }
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let read = one.read(&mut left).unwrap();
        other.read_exact(right.get_mut(..read).unwrap()).unwrap();
        if left.get(..read) != right.get(..read) {
            return false;
        }
        if read == 0 {
            return true;
        }
    }
}

/// The messages of a Maildir, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let parts = ["cur", "new"].map(|part| folder.join(part));
    let mut files: Vec<PathBuf> = parts
        .iter()
        .filter_map(|part| fs::read_dir(part).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .collect();
    files.sort();
    files
}
