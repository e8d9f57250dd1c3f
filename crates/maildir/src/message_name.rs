//! The file name of a message: what it says, and how it is built (`spec/ondisk.md` §8.3 to 8.5).

use std::fmt;
use std::num::NonZeroU32;

use md5::{Digest as _, Md5};
use offlineimap_core::{Flags, Key};

use crate::config::Conventions;

/// What stands before the flags in the names of message files. Both forms are read; new names get
/// the configured one (`maildir-windows-compatible`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InfoMark {
    /// `:2,`, as everywhere.
    #[default]
    Colon,
    /// `!2,`, for file systems that allow no colon.
    ExclamationMark,
}

impl InfoMark {
    const ALL: [Self; 2] = [Self::Colon, Self::ExclamationMark];

    fn text(self) -> &'static str {
        match self {
            Self::Colon => ":2,",
            Self::ExclamationMark => "!2,",
        }
    }

    /// Returns where the first mark of either form begins.
    fn find(name: &[u8]) -> Option<usize> {
        let marks = Self::ALL.map(|mark| mark.text().as_bytes());
        name.windows(3).position(|window| marks.contains(&window))
    }
}

/// The hash by which a folder marks the names of its messages: `FMD5` (`spec/ondisk.md` §8.4).
#[derive(Clone, PartialEq, Eq)]
pub struct FolderHash {
    /// `,FMD5=` and 32 lower-case hexadecimal digits.
    suffix: String,
}

impl FolderHash {
    /// Hashes the name under which the other side sees the folder (the local `nametrans` applied
    /// to the local name). A name that is just the separator counts as empty.
    pub fn of(visible: &str, separator: char) -> Self {
        let mut buffer = [0; 4];
        let hashed = if visible == separator.encode_utf8(&mut buffer) { "" } else { visible };
        let mut suffix = String::from(",FMD5=");
        for byte in Md5::digest(hashed) {
            for digit in [byte >> 4, byte & 15] {
                suffix.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        Self { suffix }
    }

    /// Returns `,FMD5=<hash>` as it stands in file names.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }
}

impl fmt::Debug for FolderHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FolderHash({})", self.suffix)
    }
}

/// Splits a file name into the base name, which identifies the message, and the rest, which is
/// empty or begins with an [`InfoMark`].
pub(crate) fn split(name: &[u8]) -> (&[u8], &[u8]) {
    name.split_at(InfoMark::find(name).unwrap_or(name.len()))
}

/// Returns the UID of the counterpart that a file name carries. It counts only in a name with the
/// folder's own hash: a file that was copied from elsewhere is a new message.
pub(crate) fn hint(name: &[u8], hash: &FolderHash) -> Option<NonZeroU32> {
    position(name, hash.suffix.as_bytes())?;
    first_uid(name)
}

/// Returns the number behind the first `,U=` that has one, whoever wrote it.
pub(crate) fn first_uid(name: &[u8]) -> Option<NonZeroU32> {
    const UID: &[u8] = b",U=";
    let digits = name
        .windows(UID.len())
        .enumerate()
        .filter(|(_, window)| *window == UID)
        .filter_map(|(at, _)| name.get(at + UID.len()..))
        .find(|rest| rest.first().is_some_and(u8::is_ascii_digit))?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    std::str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}

/// Stands in a key for the folder's own `,FMD5=<hash>` at its end. No file name contains it.
const OWN_HASH: u8 = b'/';

/// Returns the key of a message: its base name, with the folder's own hash at the end abbreviated,
/// because there can be 200,000 of them in memory.
pub(crate) fn key(base: &[u8], hash: &FolderHash) -> Key {
    match base.strip_suffix(hash.suffix.as_bytes()) {
        Some(short) => {
            let mut name = Vec::with_capacity(short.len() + 1);
            name.extend_from_slice(short);
            name.push(OWN_HASH);
            Key::name(name)
        }
        None => Key::name(base),
    }
}

/// Returns the base name behind a key. `None` if [`key`] cannot have made the key: it must never
/// lead out of the directory.
pub(crate) fn base(key: &Key, hash: &FolderHash) -> Option<Vec<u8>> {
    let name = key.as_name()?;
    let base = match name.strip_suffix(&[OWN_HASH]) {
        Some(short) => [short, hash.suffix.as_bytes()].concat(),
        None => name.to_vec(),
    };
    let possible = !matches!(base.first(), None | Some(b'.'))
        && !base.iter().any(|byte| matches!(byte, b'/' | 0))
        && InfoMark::find(&base).is_none();
    possible.then_some(base)
}

/// The part of a file name that changes with the flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Info<'a> {
    /// The letters, known ones and others.
    letters: &'a [u8],
    /// What somebody wrote behind the letters.
    tail: &'a [u8],
}

impl<'a> Info<'a> {
    /// Reads what [`split`] returned.
    pub(crate) fn parse(info: &'a [u8]) -> Self {
        let marks = InfoMark::ALL.map(|mark| mark.text().as_bytes());
        let rest = marks.iter().find_map(|mark| info.strip_prefix(*mark)).unwrap_or_default();
        let end = rest.iter().position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'));
        let (letters, tail) = rest.split_at(end.unwrap_or(rest.len()));
        Self { letters, tail }
    }

    /// Returns the flags among the letters.
    pub(crate) fn flags(&self, conventions: &Conventions) -> Flags {
        conventions.keywords.flags(self.letters)
    }

    /// Returns the info part with other flags. Letters that stand for nothing known stay (B9), and
    /// so does what is behind the letters.
    pub(crate) fn with_flags(&self, flags: &Flags, conventions: &Conventions) -> Vec<u8> {
        let Conventions { info_mark, keywords, .. } = conventions;
        let mut letters: Vec<u8> = self
            .letters
            .iter()
            .copied()
            .filter(|letter| !keywords.is_known(*letter))
            .chain(keywords.letters(flags))
            .collect();
        letters.sort_unstable();
        letters.dedup();
        [info_mark.text().as_bytes(), &letters, self.tail].concat()
    }
}

/// Builds a base name of ours.
pub(crate) fn own_base(unique: &str, uid: Option<NonZeroU32>, hash: &FolderHash) -> Vec<u8> {
    let uid = uid.map(|uid| format!(",U={uid}")).unwrap_or_default();
    // A slash in any part would be a directory.
    format!("{unique}{uid}{}", hash.suffix).replace('/', "-").into_bytes()
}

/// A name of the form that this program gives to its files, of whatever folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnName<'a> {
    pub(crate) seconds: u64,
    pub(crate) pid: u32,
    pub(crate) host: &'a str,
}

impl<'a> OwnName<'a> {
    /// Reads `<seconds>_<seq>.<pid>.<host>[,U=<uid>],FMD5=<hash>:2,<flags>`, with either mark;
    /// `None` for any other name.
    pub(crate) fn parse(name: &'a str) -> Option<Self> {
        let (base, _) = name.split_at_checked(InfoMark::find(name.as_bytes())?)?;
        let (base, hash) = base.rsplit_once(",FMD5=")?;
        let is_hash =
            hash.len() == 32 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let base = match base.rsplit_once(",U=") {
            Some((base, uid)) if number::<u32>(uid).is_some() => base,
            _ => base,
        };
        let (seconds, rest) = base.split_once('_')?;
        let (sequence, rest) = rest.split_once('.')?;
        let (pid, host) = rest.split_once('.')?;
        number::<u64>(sequence)?;
        (is_hash && !host.is_empty()).then_some(Self {
            seconds: number(seconds)?,
            pid: number(pid)?,
            host,
        })
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyword_letters::KeywordLetters;
    use proptest::prelude::*;

    const INBOX: &str = "7e33429f656f1e6e9d79b29c3f82c57e";

    fn marked(info_mark: InfoMark) -> Conventions {
        Conventions { info_mark, ..Conventions::default() }
    }

    fn colon() -> Conventions {
        marked(InfoMark::Colon)
    }

    fn inbox() -> FolderHash {
        FolderHash::of("INBOX", '.')
    }

    #[test]
    fn a_folder_is_hashed_by_its_visible_name() {
        for (visible, separator, hash) in [
            ("INBOX", '.', INBOX),
            ("Lists.rust", '.', "91747d9579ef8845a1c434991635c77a"),
            ("INBOX/Lists/rust", '/', "f3eeaec84c0e90a5b23962c08fd24c60"),
            ("INBOX.Lists.rust", '/', "bc595836021fa3a8725e1ef51a85844c"),
            ("", '.', "d41d8cd98f00b204e9800998ecf8427e"),
            (".", '.', "d41d8cd98f00b204e9800998ecf8427e"),
            ("/", '/', "d41d8cd98f00b204e9800998ecf8427e"),
            ("Sent Mail", '.', "af48cce153be383d91f6c4a7c19fe087"),
            ("G&AOQ-ste", '.', "81dfa59b41e8307865c55e2250d1a7f9"),
            ("Gäste", '.', "6e0a3a1e0ece32ec07dc2eeed2140578"),
            ("[Gmail].All Mail", '.', "844bb96d088d057aa1b32ac1fbc67b56"),
        ] {
            assert_eq!(
                FolderHash::of(visible, separator).suffix(),
                format!(",FMD5={hash}"),
                "{visible:?}"
            );
        }
    }

    #[test]
    fn a_uid_counts_only_beside_the_hash_of_the_folder() {
        let upper = INBOX.to_uppercase();
        for (name, uid) in [
            (format!("1_0.2.vm,U=17,FMD5={INBOX}:2,S"), Some(17)),
            (format!("1_0.2.vm,FMD5={INBOX},U=17"), Some(17)),
            (format!("1_0.2.vm,U=x,U=0017y,U=3,FMD5={INBOX}0:2,"), Some(17)),
            (format!("1_0.2.vm,U=17:2,S,FMD5={INBOX}"), Some(17)),
            (format!("1_0.2.vm,U=17,FMD5={upper}:2,S"), None),
            (format!("1_0.2.vm,U=17,fmd5={INBOX}:2,S"), None),
            (format!("1_0.2.vm,U=17,{INBOX}:2,S"), None),
            ("1_0.2.vm,U=17,FMD5=d41d8cd98f00b204e9800998ecf8427e:2,".into(), None),
            (format!("1_0.2.vm,FMD5={INBOX}:2,"), None),
            (format!("1_0.2.vm,U=0,FMD5={INBOX}:2,"), None),
            (format!("1_0.2.vm,U=4294967296,FMD5={INBOX}:2,"), None),
            (format!("1_0.2.vm,U=-1,FMD5={INBOX}:2,"), None),
            (format!(",FMD5={INBOX}:2,,U="), None),
            (String::new(), None),
        ] {
            assert_eq!(hint(name.as_bytes(), &inbox()).map(NonZeroU32::get), uid, "{name}");
        }
    }

    #[test]
    fn flags_are_the_letters_behind_the_first_info_mark() {
        for (name, base, flags) in [
            ("1.host:2,FS", "1.host", "FS"),
            ("1.host:2,SFabP", "1.host", "FS"),
            ("1.host:2,", "1.host", ""),
            ("1.host", "1.host", ""),
            ("1.host:1,FS", "1.host:1,FS", ""),
            ("1.host!2,FS", "1.host", "FS"),
            ("1.host!2,S:2,F", "1.host", "S"),
            ("1.host:2,S!2,F", "1.host", "S"),
            ("1.host!1,FS", "1.host!1,FS", ""),
            ("1.host:2,S,W=5:2,F", "1.host", "S"),
            ("1.host:2,,S", "1.host", ""),
            (":2,S", "", "S"),
        ] {
            let (found, info) = split(name.as_bytes());
            assert_eq!(found, base.as_bytes(), "{name}");
            assert_eq!(Info::parse(info).flags(&colon()).letters(), flags, "{name}");
        }
    }

    #[test]
    fn unknown_letters_and_what_follows_them_survive_other_flags() {
        for (info, flags, expected) in [
            ("", "", ":2,"),
            ("", "SF", ":2,FS"),
            (":2,SbPa", "R", ":2,PRab"),
            (":2,FSb9_", "", ":2,9_b"),
            (":2,FFS,W=3", "F", ":2,F,W=3"),
        ] {
            let flags = Flags::from_letters(flags);
            let built = Info::parse(info.as_bytes()).with_flags(&flags, &colon());
            assert_eq!(String::from_utf8_lossy(&built), expected, "{info} with {flags}");
            let windows = info.replace(':', "!");
            let built = Info::parse(windows.as_bytes()).with_flags(&flags, &colon());
            assert_eq!(String::from_utf8_lossy(&built), expected, "{windows} with {flags}");
            let built =
                Info::parse(info.as_bytes()).with_flags(&flags, &marked(InfoMark::ExclamationMark));
            let expected = expected.replace(':', "!");
            assert_eq!(String::from_utf8_lossy(&built), expected, "{info} with {flags}");
        }
    }

    #[test]
    fn letters_with_a_keyword_change_and_others_stay() {
        let keywords = KeywordLetters::new([('a', "Work".to_owned()), ('b', "Home".to_owned())]);
        let conventions = Conventions { keywords, ..Conventions::default() };
        for (info, flags, keyword, expected) in [
            (":2,Sax", "S", "work", ":2,Sax"),
            (":2,Sax", "S", "HOME", ":2,Sbx"),
            (":2,abPz", "", "Other", ":2,Pz"),
            ("", "F", "Home", ":2,Fb"),
        ] {
            let flags = Flags::from_letters(flags).with_keyword(keyword);
            let built = Info::parse(info.as_bytes()).with_flags(&flags, &conventions);
            assert_eq!(String::from_utf8_lossy(&built), expected, "{info} with {flags}");
        }
        assert_eq!(Info::parse(b":2,SPab").flags(&conventions).to_string(), "S{Home}{Work}");
    }

    #[test]
    fn the_own_hash_is_abbreviated_in_keys() {
        let own = format!("1_0.2.vm,U=17,FMD5={INBOX}");
        assert_eq!(key(own.as_bytes(), &inbox()), Key::name(*b"1_0.2.vm,U=17/"));
        assert_eq!(base(&key(own.as_bytes(), &inbox()), &inbox()), Some(own.into_bytes()));
        assert_eq!(key(b"1.host", &inbox()), Key::name(*b"1.host"));
    }

    #[test]
    fn no_key_leads_out_of_the_directory() {
        for name in ["", ".", "..", "../x", "a/b", "/", ".hidden", "a\0", "a:2,S", "a!2,S", "a//"] {
            let made = base(&Key::name(name.as_bytes()), &inbox());
            // The lone mark stands for a file named just by the hash, which is possible.
            assert_eq!(made.is_some(), name == "/", "{name:?}");
        }
        assert_eq!(base(&Key::number(NonZeroU32::MIN), &inbox()), None);
    }

    #[test]
    fn names_are_built_as_offlineimap_builds_them() {
        let base = own_base("1795336557_0.17441.vm", NonZeroU32::new(1), &inbox());
        let expected = format!("1795336557_0.17441.vm,U=1,FMD5={INBOX}");
        assert_eq!(String::from_utf8_lossy(&base), expected);
    }

    #[test]
    fn own_names_are_told_from_others() {
        let own = OwnName { seconds: 1_795_336_557, pid: 17441, host: "vm.example" };
        for name in [
            format!("1795336557_0.17441.vm.example,U=1,FMD5={INBOX}:2,S"),
            format!("1795336557_12.17441.vm.example,FMD5={INBOX}:2,"),
            format!("1795336557_12.17441.vm.example,FMD5={INBOX}!2,F"),
        ] {
            assert_eq!(OwnName::parse(&name), Some(own), "{name}");
        }
        for name in [
            "1795336557.M1P2.vm:2,S".into(),
            format!("1795336557_0.17441.vm,U=1,FMD5={INBOX}"),
            format!("1795336557_0.17441.,U=1,FMD5={INBOX}:2,"),
            format!("1795336557_0.x.vm,U=1,FMD5={INBOX}:2,"),
            format!("+5_0.1.vm,U=1,FMD5={INBOX}:2,"),
            format!("5_0.1.vm,U=1,FMD5={INBOX}0:2,"),
            "5_0.1.vm,U=1:2,".into(),
        ] {
            assert_eq!(OwnName::parse(&name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn keys_give_their_base_names_back(start in "[a-zA-Z0-9,=_:!][ -.0-~]{0,20}", own in any::<bool>()) {
            let name = if own { format!("{start}{}", inbox().suffix()) } else { start };
            let (name, _) = split(name.as_bytes());
            prop_assume!(!name.is_empty());
            prop_assert_eq!(base(&key(name, &inbox()), &inbox()), Some(name.to_vec()));
        }

        #[test]
        fn what_is_built_is_read_back(seconds: u64, sequence: u64, pid: u32, host in "[a-z.]{1,9}", uid: NonZeroU32, letters in "[DFRST]{0,5}", windows: bool) {
            let base = own_base(&format!("{seconds}_{sequence}.{pid}.{host}"), Some(uid), &inbox());
            let flags = Flags::from_letters(&letters);
            let how = marked(if windows { InfoMark::ExclamationMark } else { InfoMark::Colon });
            let name = [base.clone(), Info::parse(b"").with_flags(&flags, &how)].concat();
            prop_assert_eq!(hint(&name, &inbox()), Some(uid));
            let (split_base, info) = split(&name);
            prop_assert_eq!(split_base, base.as_slice());
            prop_assert_eq!(Info::parse(info).flags(&how), flags);
            let text = String::from_utf8(name).unwrap();
            prop_assert_eq!(OwnName::parse(&text), Some(OwnName { seconds, pid, host: &host }));
        }

        #[test]
        fn any_octets_can_be_a_name(name: Vec<u8>) {
            let (base, info) = split(&name);
            prop_assert_eq!([base, info].concat(), name.clone());
            let flags = Info::parse(info).flags(&colon());
            let (again, rebuilt) = (Info::parse(info).with_flags(&flags, &colon()), hint(&name, &inbox()));
            prop_assert_eq!(Info::parse(&again).flags(&colon()), flags);
            prop_assert_eq!(rebuilt, None);
        }
    }
}
