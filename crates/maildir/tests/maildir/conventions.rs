//! What users can choose about the names of message files.

use offlineimap_core::{Applied, Binding, FlagChange, Flags};
use offlineimap_maildir::{Conventions, InfoMark};

use crate::fixture::{HASH, Inbox, key, uid};

async fn inbox_with(info_mark: InfoMark) -> Inbox {
    Inbox::with_conventions(Conventions { info_mark }).await
}

async fn set(inbox: &Inbox, message: &str, add: &str) {
    let change = FlagChange { add: Flags::from_letters(add), remove: Flags::default() };
    let done = inbox.mailbox.change_flags(vec![(key(message), change)]).await.remove(0);
    assert_eq!(done.unwrap(), Applied::Done(()));
}

#[tokio::test]
async fn new_messages_get_the_configured_mark() {
    for (mark, text) in [(InfoMark::Colon, ":2,"), (InfoMark::ExclamationMark, "!2,")] {
        let inbox = inbox_with(mark).await;
        inbox.deliver(5, "FS", b"mail").await;
        let files = inbox.files();
        assert!(files[0].ends_with(&format!(",U=5,FMD5={HASH}{text}FS")), "{files:?}");
        assert_eq!(inbox.observed().await[0].1, "FS");
    }
}

#[tokio::test]
async fn flags_are_read_from_either_form_and_change_into_the_configured_one() {
    for (mark, before, after) in [
        (InfoMark::Colon, "cur/1.h!2,Sa", "cur/1.h:2,RSa"),
        (InfoMark::Colon, "cur/1.h:2,Sa", "cur/1.h:2,RSa"),
        (InfoMark::ExclamationMark, "cur/1.h!2,Sa", "cur/1.h!2,RSa"),
        (InfoMark::ExclamationMark, "cur/1.h:2,Sa", "cur/1.h!2,RSa"),
        (InfoMark::ExclamationMark, "cur/1.h:2,S,W=3", "cur/1.h!2,RS,W=3"),
    ] {
        let inbox = inbox_with(mark).await;
        inbox.put(before, "mail");
        assert_eq!(inbox.observed().await, [(key("1.h"), "S".to_owned())], "{before}");
        assert_eq!(inbox.files(), [before], "looking renames nothing");
        set(&inbox, "1.h", "S").await;
        assert_eq!(inbox.files(), [before], "a flag that is there already renames nothing");
        set(&inbox, "1.h", "R").await;
        assert_eq!(inbox.files(), [after], "{mark:?}");
    }
}

#[tokio::test]
async fn a_bound_message_gets_the_configured_mark_and_one_that_was_bound_keeps_its_name() {
    let inbox = inbox_with(InfoMark::ExclamationMark).await;
    inbox.put("cur/1.h:2,Sa", "mail");
    let bound = format!("1_0.2.vm,U=7,FMD5={HASH}");
    inbox.put(&format!("cur/{bound}:2,S"), "bound");
    let bind = |message: &str, to| Binding { key: key(message), counterpart: uid(to) };
    let bindings = vec![bind("1.h", 5), bind("1_0.2.vm,U=7/", 7)];
    for done in inbox.mailbox.bind(bindings).await {
        assert!(matches!(done.unwrap(), Applied::Done(_)));
    }
    let files = inbox.files();
    assert!(files.contains(&format!("cur/{bound}:2,S")), "{files:?}");
    assert!(files.iter().any(|it| it.ends_with(&format!(",U=5,FMD5={HASH}!2,Sa"))), "{files:?}");
}
