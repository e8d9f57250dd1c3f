//! The program is killed at random moments, many times in a row, and then left in peace.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use offlineimap_testkit::dovecot::Dovecot;
use offlineimap_testkit::message::random;

use crate::rig::{Imap, Mail, Rig, World, lf};

/// Kills in a row.
const KILLS: usize = 15;
/// Messages on the server before the first sync; half as many are in the Maildir.
const MESSAGES: u64 = 400;
/// A variable that repeats a run that failed.
const SEED: &str = "OFFLINEIMAP_TEST_SEED";

/// What is needed of chance: the same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

#[test]
fn a_sync_that_is_killed_again_and_again_loses_nothing() {
    let seed = std::env::var(SEED).ok().map(|seed| seed.parse().unwrap());
    let seed = seed.unwrap_or_else(|| {
        u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos())
    });
    eprintln!("repeat this with {SEED}={seed}");
    let mut chance = Chance(seed);
    let server = Dovecot::start().unwrap();
    let rig = Rig::of(server.endpoint());
    let mut expected = fill(&rig);
    interrupt(&rig, &mut chance);
    finish(&rig, &expected, &format!("first sync, seed {seed}"));
    change(&rig, &mut expected, &mut chance);
    interrupt(&rig, &mut chance);
    finish(&rig, &expected, &format!("changes, seed {seed}"));
}

/// Messages by number.
type Expected = BTreeMap<u64, Mail>;

fn mail(number: u64, flags: &str) -> Mail {
    let content = lf(&random(number, 600 + number * 37 % 9_000).to_bytes());
    Mail { content, flags: flags.to_owned() }
}

fn octets(number: u64) -> Vec<u8> {
    random(number, 600 + number * 37 % 9_000).to_bytes().to_vec()
}

fn subject(number: u64) -> String {
    format!("generated message {number}")
}

/// Puts mail on both sides.
fn fill(rig: &Rig) -> Expected {
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    maildir.create("INBOX");
    let mut expected = Expected::new();
    for number in 0..MESSAGES {
        let flags = if number % 3 == 0 { "S" } else { "" };
        imap.append("INBOX", flags, &octets(number));
        expected.insert(number, mail(number, flags));
    }
    for number in MESSAGES..MESSAGES * 3 / 2 {
        let flags = if number % 3 == 0 { "FS" } else { "" };
        maildir.deliver("INBOX", flags, &lf(&octets(number)));
        expected.insert(number, mail(number, flags));
    }
    expected
}

/// Changes both sides at random.
fn change(rig: &Rig, expected: &mut Expected, chance: &mut Chance) {
    let (mut imap, maildir) = (rig.imap(), rig.maildir());
    let uids = uids(&mut imap);
    let files: BTreeMap<String, std::path::PathBuf> =
        maildir.messages("INBOX").into_iter().map(|it| (it.subject(), it.path)).collect();
    let numbers: Vec<u64> = expected.keys().copied().collect();
    for number in numbers {
        let uid = *uids.get(&subject(number)).unwrap();
        let file = files.get(&subject(number)).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let base = name.split(":2,").next().unwrap();
        let change = chance.below(8);
        match change {
            0 => imap.remove("INBOX", &uid.to_string()),
            1 => std::fs::remove_file(file).unwrap(),
            2 => imap.set_flags("INBOX", uid, "RS"),
            3 => {
                let target = maildir.folder("INBOX").join(format!("cur/{base}:2,DS"));
                std::fs::rename(file, target).unwrap();
            }
            _ => {}
        }
        match change {
            0 | 1 => drop(expected.remove(&number)),
            2 => drop(expected.insert(number, mail(number, "RS"))),
            3 => drop(expected.insert(number, mail(number, "DS"))),
            _ => {}
        }
    }
    for number in MESSAGES * 2..MESSAGES * 2 + 80 {
        if number % 2 == 0 {
            imap.append("INBOX", "", &octets(number));
        } else {
            maildir.deliver("INBOX", "", &lf(&octets(number)));
        }
        expected.insert(number, mail(number, ""));
    }
}

fn uids(imap: &mut Imap) -> BTreeMap<String, u32> {
    imap.messages("INBOX").iter().map(|it| (it.subject(), it.uid)).collect()
}

/// Starts the program many times, and kills it each time after a while.
fn interrupt(rig: &Rig, chance: &mut Chance) {
    for _ in 0..KILLS {
        let running = rig.start(&mut rig.command());
        sleep(Duration::from_millis(10 + chance.below(190)));
        running.kill();
        rig.wait_for_hangup();
    }
}

fn finish(rig: &Rig, expected: &Expected, when: &str) {
    let ended = rig.run(&[]);
    assert_eq!(ended.status, Some(0), "{when}: {}", ended.output);
    let mut mails: Vec<Mail> = expected.values().cloned().collect();
    mails.sort();
    let world = rig.same_mail(when);
    assert!(world == World::from([("INBOX".to_owned(), mails)]), "{when}: {world:#?}");
    rig.does_nothing(when);
}
