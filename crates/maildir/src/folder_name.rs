//! Which folder names a Maildir can hold (`spec/ondisk.md` §8.2).

use std::path::{Path, PathBuf};

/// What file systems allow for one component of a path.
const LONGEST_COMPONENT_OCTETS: usize = 255;

/// The directories of a folder; no folder can have such a name.
const RESERVED: [&str; 3] = ["cur", "new", "tmp"];

/// Tells whether a Maildir with this separator can hold a folder of this name, or why not. The
/// empty name is the root itself.
///
/// # Errors
///
/// The reason, in words for the user.
pub fn check_name(name: &str, separator: char) -> Result<(), String> {
    if name.is_empty() {
        return Ok(());
    }
    if name.contains('\0') {
        return Err("it contains a NUL character".into());
    }
    if name.starts_with('/') {
        return Err("it begins with a slash".into());
    }
    if separator != '/' && name.contains('/') {
        return Err("it contains a slash, which is not the separator of the Maildir".into());
    }
    for component in name.split('/') {
        if component.is_empty() {
            return Err("it has an empty component".into());
        }
        if component == "." || component == ".." {
            return Err(format!("the component {component:?} leads to another directory"));
        }
        if RESERVED.contains(&component) {
            return Err(format!("{component:?} is a directory inside a Maildir folder"));
        }
        if component.len() > LONGEST_COMPONENT_OCTETS {
            return Err(format!("a component is longer than {LONGEST_COMPONENT_OCTETS} octets"));
        }
    }
    Ok(())
}

/// Tells whether a directory entry is one of the directories of a folder.
pub(crate) fn is_reserved(entry: &str) -> bool {
    RESERVED.contains(&entry)
}

/// Returns the directory of a folder whose name was checked.
pub(crate) fn directory(root: &Path, name: &str) -> PathBuf {
    if name.is_empty() { root.into() } else { root.join(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_maildir_can_hold() {
        for (name, separator) in [
            ("", '.'),
            ("", '/'),
            ("INBOX", '.'),
            (".Lists.rust", '.'),
            ("Lists/rust", '/'),
            ("Gäste & [x] ..", '.'),
            ("...", '/'),
            ("curious/newer", '/'),
            ("a\\b", '\\'),
        ] {
            assert_eq!(check_name(name, separator), Ok(()), "{name:?} with {separator}");
        }
    }

    #[test]
    fn names_that_would_leave_or_break_the_maildir() {
        let long = "x".repeat(256);
        for (name, separator) in [
            ("../x", '/'),
            ("a/../b", '/'),
            ("..", '.'),
            (".", '.'),
            ("/etc", '/'),
            ("/etc", '.'),
            ("a//b", '/'),
            ("a/", '/'),
            ("a/cur", '/'),
            ("new/a", '/'),
            ("tmp", '/'),
            ("tmp", '.'),
            ("a/b", '.'),
            ("a\0", '.'),
            (long.as_str(), '.'),
        ] {
            assert!(check_name(name, separator).is_err(), "{name:?} with {separator}");
        }
    }
}
