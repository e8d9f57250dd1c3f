//! `copy_ignore_eval` and `newmail_hook`: what OfflineIMAP does, this program goes on with.

use std::fs;

use crate::elder::{Inheritance, ORDINARY, message};
use crate::rig::Ended;

fn ignored(ended: &Ended) -> Vec<&str> {
    ended.output.lines().filter(|line| line.contains("IGNORED")).map(str::trim).collect()
}

#[test]
fn an_ignored_message_stays_ignored_and_new_mail_is_told_alike() {
    let mut account = Inheritance::new(ORDINARY);
    account.rig = account
        .rig
        .remote("copy_ignore_eval = lambda foldername: {'INBOX': [8]}.get(foldername)")
        .remote("newmail_hook = lambda: __import__(\"os\").system(\"echo called >> calls\")");
    let calls = || fs::read_to_string(account.rig.home().join("calls")).unwrap_or_default();
    let arrive = |subject, flags| account.imap().append("INBOX", flags, &message(subject));
    let local = || account.maildir().messages("INBOX").len();

    assert_eq!([arrive("seven", ""), arrive("eight", "")], [7, 8]);
    let elder = account.sync_by_elder();
    assert_eq!(ignored(&elder).len(), 1, "{}", elder.output);
    assert_eq!((calls().lines().count(), local()), (1, 7), "{}", elder.output);

    let ended = account.rig.sync();
    assert_eq!(ignored(&ended), ignored(&elder), "{}", ended.output);
    assert_eq!((calls().lines().count(), local()), (1, 7), "{}", ended.output);

    arrive("nine", "S");
    arrive("ten", "");
    account.rig.sync();
    assert_eq!((calls().lines().count(), local()), (2, 9));
    account.rig.does_nothing("with an ignored message");

    account.export();
    let elder = account.sync_by_elder();
    assert_eq!(ignored(&elder), ignored(&ended), "{}", elder.output);
    assert_eq!((calls().lines().count(), local()), (2, 9), "{}", elder.output);
    assert_eq!(account.imap().messages("INBOX").len(), 10);
}
