//! Dicts and sets: in order of insertion, found by key.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::budget::Budget;
use super::super::error::{Outcome, PythonError, type_error};
use super::Value;
use super::object::ObjectKind;

/// A `dict`.
#[derive(Debug, Clone, Default)]
pub struct Dict {
    entries: Vec<(Value, Value)>,
    places: BTreeMap<Key, usize>,
}

impl Dict {
    /// A dict of entries; a later one replaces the value of an earlier one with an equal key.
    ///
    /// # Errors
    ///
    /// `TypeError` for a key that cannot be hashed.
    pub fn new(entries: impl IntoIterator<Item = (Value, Value)>) -> Result<Self, PythonError> {
        let budget = Budget::new();
        let mut dict = Self::default();
        for (key, value) in entries {
            dict.insert(key, value, &budget)?;
        }
        Ok(dict)
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// `TypeError` for a key that cannot be hashed.
    pub fn get(&self, key: &Value) -> Result<Option<&Value>, PythonError> {
        self.find(key, &Budget::new())
    }

    /// The entries, in order of insertion.
    pub fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(in super::super) fn find(&self, key: &Value, budget: &Budget) -> Outcome<Option<&Value>> {
        let place = self.places.get(&Key::of(key, budget)?);
        Ok(place.and_then(|&place| self.entries.get(place)).map(|(_, value)| value))
    }

    pub(in super::super) fn insert(
        &mut self,
        key: Value,
        value: Value,
        budget: &Budget,
    ) -> Outcome<()> {
        let place = self.places.entry(Key::of(&key, budget)?).or_insert(self.entries.len());
        match self.entries.get_mut(*place) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key, value)),
        }
        budget.spend_length(self.entries.len().min(16))
    }
}

/// A `set` or `frozenset`.
#[derive(Debug, Clone, Default)]
pub struct Set {
    items: Vec<Value>,
    places: BTreeMap<Key, usize>,
}

impl Set {
    /// A set of items; of equal ones the first counts.
    ///
    /// # Errors
    ///
    /// `TypeError` for an item that cannot be hashed.
    pub fn new(items: impl IntoIterator<Item = Value>) -> Result<Self, PythonError> {
        let budget = Budget::new();
        let mut set = Self::default();
        for item in items {
            set.insert(item, &budget)?;
        }
        Ok(set)
    }

    /// The items, in order of insertion.
    pub fn items(&self) -> &[Value] {
        &self.items
    }

    /// Whether it has no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(in super::super) fn insert(&mut self, item: Value, budget: &Budget) -> Outcome<()> {
        let key = Key::of(&item, budget)?;
        if !self.places.contains_key(&key) {
            self.places.insert(key, self.items.len());
            self.items.push(item);
        }
        budget.spend(1)
    }

    pub(in super::super) fn contains(&self, item: &Value, budget: &Budget) -> Outcome<bool> {
        // A set is found in a set of frozen sets, though it cannot be hashed.
        let key = match item {
            Value::Set(set) => Key::Set(set.places.keys().cloned().collect()),
            _ => Key::of(item, budget)?,
        };
        Ok(self.places.contains_key(&key))
    }

    pub(in super::super) fn is_subset(&self, other: &Self) -> bool {
        self.places.keys().all(|key| other.places.contains_key(key))
    }
}

/// What Python's hash and equality see of a value: equal keys are the same entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    None,
    Int(i64),
    Float(u64),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    Tuple(Vec<Key>),
    Set(Vec<Key>),
    Range(Option<(i64, i64, i64)>),
    /// By name: builtins and modules; by address: everything else.
    Named(String),
    Address(usize),
}

impl Key {
    fn of(value: &Value, budget: &Budget) -> Outcome<Self> {
        budget.spend(1)?;
        Ok(match value {
            Value::None => Self::None,
            Value::Bool(value) => Self::Int(i64::from(*value)),
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => integral(*value).map_or(Self::Float(value.to_bits()), Self::Int),
            Value::Str(text) => Self::Str(Arc::clone(text)),
            Value::Bytes(bytes) => Self::Bytes(Arc::clone(bytes)),
            Value::Tuple(items) => Self::Tuple(
                items.iter().map(|item| Self::of(item, budget)).collect::<Outcome<_>>()?,
            ),
            Value::FrozenSet(set) => Self::Set(set.places.keys().cloned().collect()),
            Value::List(_) | Value::Dict(_) | Value::Set(_) => return Err(unhashable(value)),
            Value::External(object) => Self::Named(format!("external {}", object.handle)),
            Value::Object(object) => match object.kind() {
                ObjectKind::Builtin(name) | ObjectKind::Module(name) => {
                    Self::Named((*name).to_owned())
                }
                ObjectKind::Range(range) => Self::Range(range.key()),
                ObjectKind::View(view) if !view.is_hashable() => return Err(unhashable(value)),
                _ => Self::Address(object.address()),
            },
        })
    }
}

/// The integer that a float equals.
#[expect(clippy::cast_possible_truncation, reason = "the bounds are checked before")]
#[expect(clippy::cast_precision_loss, reason = "2^63 is a float")]
pub(super) fn integral(value: f64) -> Option<i64> {
    let bound = -(i64::MIN as f64);
    (value.fract() == 0.0 && value >= -bound && value < bound).then_some(value as i64)
}

fn unhashable(value: &Value) -> PythonError {
    type_error(format!("unhashable type: '{}'", value.type_name()))
}
