//! Opaque names that stores give to messages and to states of a mailbox.

use std::fmt;
use std::num::NonZeroU32;

/// The name that a store gives to one message of one mailbox within one [`Epoch`].
///
/// A store that numbers its messages makes keys with [`Key::number`], one that names them with
/// [`Key::name`]. Only the store that made a key looks inside; everybody else compares, orders,
/// stores and returns it. Numbers order by value, names by bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Repr);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Number(NonZeroU32),
    Name(Box<[u8]>),
}

impl Key {
    /// Makes the key of a numbered message.
    pub fn number(number: NonZeroU32) -> Self {
        Self(Repr::Number(number))
    }

    /// Makes the key of a named message. The bytes need not be text.
    pub fn name(name: impl Into<Box<[u8]>>) -> Self {
        Self(Repr::Name(name.into()))
    }

    /// Returns the number, if this key was made from one.
    pub fn as_number(&self) -> Option<NonZeroU32> {
        match &self.0 {
            Repr::Number(number) => Some(*number),
            Repr::Name(_) => None,
        }
    }

    /// Returns the name, if this key was made from one.
    pub fn as_name(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::Number(_) => None,
            Repr::Name(name) => Some(name),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Number(number) => write!(f, "{number}"),
            Repr::Name(name) => f.write_str(&String::from_utf8_lossy(name)),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

macro_rules! opaque_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Wraps the text that the store chose.
            pub fn new(text: impl Into<Box<str>>) -> Self {
                Self(text.into())
            }

            /// Returns the text, to store it or to hand it back to the store that made it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

opaque_text! {
    /// The era in which a mailbox's keys mean what they mean: UIDVALIDITY (RFC 9051 §2.3.1.1), or
    /// the identity of a directory. Keys of different epochs must never be compared; equal text
    /// is the only relation between epochs.
    Epoch
}

opaque_text! {
    /// A promise about the future of a mailbox: every message stored after the frontier was read
    /// has a key at or beyond it (UIDNEXT, RFC 9051 §2.3.1.1). An upload whose answer was lost is
    /// looked for from here on.
    Frontier
}

opaque_text! {
    /// A stamp of a mailbox's state. Equal stamps mean that nothing has changed in between;
    /// unequal ones mean nothing.
    Token
}
