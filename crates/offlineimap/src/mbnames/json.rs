//! The form in which OfflineIMAP keeps the mailboxes of an account: that of Python's `json.dump`.

use std::fmt::Write as _;

use anyhow::Context as _;
use offlineimap_config::ListedMailbox;
use serde_json::{Map, Value as Json};

/// Writes mailboxes, octet for octet as OfflineIMAP does.
pub(super) fn encode(mailboxes: &[ListedMailbox]) -> String {
    let items: Vec<String> = mailboxes.iter().map(item).collect();
    format!("[{}]", items.join(", "))
}

/// Reads mailboxes.
///
/// # Errors
///
/// What is wrong with the text.
pub(super) fn decode(text: &[u8]) -> anyhow::Result<Vec<ListedMailbox>> {
    let items: Vec<Map<String, Json>> = serde_json::from_slice(text)?;
    items.iter().map(mailbox).collect()
}

fn item(mailbox: &ListedMailbox) -> String {
    let root = mailbox.local_folders.as_deref().map_or_else(|| "null".to_owned(), string);
    let (account, folder) = (string(&mailbox.account), string(&mailbox.folder));
    format!(r#"{{"accountname": {account}, "foldername": {folder}, "localfolders": {root}}}"#)
}

/// A string in ASCII.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            ' '..='~' => quoted.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(quoted, "\\u{unit:04x}");
                }
            }
        }
    }
    quoted.push('"');
    quoted
}

fn mailbox(item: &Map<String, Json>) -> anyhow::Result<ListedMailbox> {
    let text = |key: &str| {
        let value = item.get(key).and_then(Json::as_str).map(str::to_owned);
        value.with_context(|| format!("a mailbox has no '{key}'"))
    };
    let local_folders = match item.get("localfolders") {
        None | Some(Json::Null) => None,
        Some(_) => Some(text("localfolders")?),
    };
    Ok(ListedMailbox { account: text("accountname")?, folder: text("foldername")?, local_folders })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(folder: &str, root: Option<&str>) -> ListedMailbox {
        let (account, folder) = ("Test".to_owned(), folder.to_owned());
        ListedMailbox { account, folder, local_folders: root.map(str::to_owned) }
    }

    #[test]
    fn mailboxes_are_written_as_python_does_and_read_again() {
        let mailboxes = [
            mailbox("Gr\u{fc}n \u{1f600} \u{7f}", Some("/home/u/Mail")),
            mailbox("a\"b\\c\td\u{1}/", None),
        ];
        let text = encode(&mailboxes);
        assert_eq!(
            text,
            r#"[{"accountname": "Test", "foldername": "Gr\u00fcn \ud83d\ude00 \u007f", "localfolders": "/home/u/Mail"}, "#
                .to_owned()
                + r#"{"accountname": "Test", "foldername": "a\"b\\c\td\u0001/", "localfolders": null}]"#
        );
        assert_eq!(decode(text.as_bytes()).unwrap(), mailboxes);
        assert_eq!(encode(&[]), "[]");
    }

    #[test]
    fn what_is_no_list_of_mailboxes_is_told() {
        for (text, complaint) in [
            ("", "EOF while parsing"),
            ("[{\"accountname\"", "EOF while parsing"),
            ("{}", "expected a sequence"),
            ("[{\"accountname\": \"A\"}]", "a mailbox has no 'foldername'"),
            ("[{\"accountname\": 1, \"foldername\": \"f\"}]", "a mailbox has no 'accountname'"),
        ] {
            let error = decode(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(complaint), "{text}: {error}");
        }
    }
}
