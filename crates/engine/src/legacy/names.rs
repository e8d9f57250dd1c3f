//! How OfflineIMAP named its files after folders (`spec/ondisk.md` §2).

/// Returns the file name for a folder under its own store's name and separator, as `FolderValidity`
/// and `UIDMapping` use it. Different folders can share one (`a/b` and `a.b`).
pub(super) fn file_name(name: &str, separator: Option<char>) -> String {
    let is_root = separator.is_some_and(|separator| name.chars().eq([separator]));
    let name = if is_root { "" } else { name };
    match name.replace('/', ".").as_str() {
        "" | "." => "dot".to_owned(),
        flat => flat.to_owned(),
    }
}

/// Returns the file name of a folder's status, from the name under which the folder is visible to
/// the other side and the separator of its own side.
pub(super) fn status_file_name(visible: &str, separator: Option<char>) -> String {
    match separator {
        Some(separator) => file_name(&visible.replace(separator, "."), Some('.')),
        None => file_name(visible, Some('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_separators_are_replaced() {
        for (name, separator, expected) in [
            ("Lists/rust", '/', "Lists.rust"),
            ("[Gmail]/All Mail", '/', "[Gmail].All Mail"),
            ("sp ace/su{b", '/', "sp ace.su{b"),
            ("q\"x", '/', "q\"x"),
            ("back\\slash", '/', "back\\slash"),
            ("pct%40", '.', "pct%40"),
            ("G&AOQ-ste", '.', "G&AOQ-ste"),
            (".Sent", '.', ".Sent"),
            ("", '.', "dot"),
            (".", '.', "dot"),
            ("/", '/', "dot"),
        ] {
            assert_eq!(file_name(name, Some(separator)), expected, "{name}");
        }
        assert_eq!(file_name("a.b", None), "a.b");
    }

    #[test]
    fn a_status_is_named_after_the_visible_name_with_dots() {
        for (visible, separator, expected) in [
            ("Lists/rust", Some('/'), "Lists.rust"),
            ("Lists^rust", Some('^'), "Lists.rust"),
            ("Lists^rust", None, "Lists^rust"),
            (".", Some('.'), "dot"),
            (".Sent", Some('.'), ".Sent"),
            ("a/b", Some('.'), "a.b"),
        ] {
            assert_eq!(status_file_name(visible, separator), expected, "{visible}");
        }
    }
}
