//! Where the messages of an open folder were last seen.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher as _};

use offlineimap_core::Key;

use crate::folder::Subdir;

/// Where a message was seen: the directory and the info part of its name. With the base name,
/// which its key tells, that is its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// `Cur` is greater than `New`: a message seen in both was on its way from `new` to `cur`.
    pub(crate) subdir: Subdir,
    pub(crate) info: InfoId,
}

/// A number for an info part. A folder has few different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct InfoId(u32);

/// The info parts that occur in a folder.
#[derive(Debug, Default)]
pub(crate) struct Infos {
    numbers: BTreeMap<Box<[u8]>, InfoId>,
    texts: Vec<Box<[u8]>>,
}

impl Infos {
    /// Returns the number of an info part.
    pub(crate) fn number(&mut self, info: &[u8]) -> InfoId {
        if let Some(id) = self.numbers.get(info) {
            return *id;
        }
        // A file name has at most 255 octets and a directory fewer than 2^32 entries.
        let id = InfoId(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.numbers.insert(info.into(), id);
        self.texts.push(info.into());
        id
    }

    /// Iterates over the info parts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (InfoId, &[u8])> {
        self.numbers.iter().map(|(info, id)| (*id, &**info))
    }

    /// Returns an info part by its number.
    pub(crate) fn text(&self, id: InfoId) -> &[u8] {
        usize::try_from(id.0).ok().and_then(|at| self.texts.get(at)).map_or(&[], |text| text)
    }
}

/// Remembers for each key where its file was. It is a guess: whoever uses it must find out whether
/// the file is still there, and have the folder scanned if it is not.
///
/// Keys are remembered by a hash of theirs, to have 200,000 of them in a few megabytes. Two keys
/// with the same hash make the guess wrong, which is then found out like any other wrong guess.
#[derive(Debug, Default)]
pub(crate) struct Index {
    places: HashMap<u64, Place>,
    infos: Infos,
    filled: bool,
}

impl Index {
    /// Forgets everything and remembers a scan.
    pub(crate) fn fill<'a>(&mut self, seen: impl Iterator<Item = (&'a Key, Place)>, infos: Infos) {
        self.places.clear();
        self.places.extend(seen.map(|(key, place)| (hash(key), place)));
        self.infos = infos;
        self.filled = true;
    }

    /// Tells whether a scan was ever remembered.
    pub(crate) fn is_filled(&self) -> bool {
        self.filled
    }

    /// Returns where a message may be.
    pub(crate) fn guess(&self, key: &Key) -> Option<(Subdir, Vec<u8>)> {
        let place = self.places.get(&hash(key))?;
        Some((place.subdir, self.infos.text(place.info).to_vec()))
    }

    /// Remembers where a message is now.
    pub(crate) fn put(&mut self, key: &Key, subdir: Subdir, info: &[u8]) {
        let info = self.infos.number(info);
        self.places.insert(hash(key), Place { subdir, info });
    }

    /// Forgets a message.
    pub(crate) fn forget(&mut self, key: &Key) {
        self.places.remove(&hash(key));
    }
}

/// Always the same for the same key, within one run of the program.
pub(crate) fn hash(value: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
