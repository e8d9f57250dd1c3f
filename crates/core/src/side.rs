//! The two sides of an account.

use std::fmt;

/// One of the two stores that an account keeps the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The repository named by `remoterepository`.
    Remote,
    /// The repository named by `localrepository`.
    Local,
}

impl Side {
    /// Both sides, in the order in which conflicts are settled: the remote's changes first.
    pub const BOTH: [Self; 2] = [Self::Remote, Self::Local];

    /// Returns the opposite side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Remote => Self::Local,
            Self::Local => Self::Remote,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Remote => "remote",
            Self::Local => "local",
        })
    }
}

/// A value for each side. Two values of one type travel in this, never in a tuple, so that they
/// cannot be exchanged by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerSide<T> {
    /// The remote side's value.
    pub remote: T,
    /// The local side's value.
    pub local: T,
}

impl<T> PerSide<T> {
    /// Builds both values with one function.
    pub fn from_fn(mut make: impl FnMut(Side) -> T) -> Self {
        Self { remote: make(Side::Remote), local: make(Side::Local) }
    }

    /// Borrows the value of one side.
    pub fn get(&self, side: Side) -> &T {
        match side {
            Side::Remote => &self.remote,
            Side::Local => &self.local,
        }
    }

    /// Borrows the value of one side for changing it.
    pub fn get_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Remote => &mut self.remote,
            Side::Local => &mut self.local,
        }
    }

    /// Borrows both values.
    pub fn as_ref(&self) -> PerSide<&T> {
        PerSide { remote: &self.remote, local: &self.local }
    }

    /// Applies a function to both values.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> PerSide<U> {
        PerSide { remote: f(self.remote), local: f(self.local) }
    }

    /// Exchanges the sides: the value of the remote becomes the local's.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self { remote: self.local, local: self.remote }
    }
}
