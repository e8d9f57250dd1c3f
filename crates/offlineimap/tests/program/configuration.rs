//! Configuration files, good and bad.

use insta::assert_snapshot;
use offlineimap_testkit::message;
use offlineimap_testkit::server::ImapServer;

use crate::sandbox::{Sandbox, account};

#[test]
fn a_missing_file_is_named() {
    let sandbox = Sandbox::empty();
    assert_snapshot!(sandbox.run(&["-o"]));
    assert_snapshot!(sandbox.run(&["-o", "-c", "~/elsewhere"]));
}

#[test]
fn an_account_that_does_not_exist_ends_everything() {
    let server = ImapServer::start().unwrap();
    let sandbox = Sandbox::with_account(&server);
    assert_snapshot!(sandbox.run(&["-o", "-a", "Test,Work"]));
    assert!(server.log().all().is_empty(), "the account that exists is not synced");
}

#[test]
fn accounts_that_do_not_exist_are_reported_when_there_are_none_at_all() {
    assert_snapshot!(Sandbox::configured("[general]\naccounts = Work\n").run(&["-o"]));
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let sandbox = Sandbox::configured("[general]\naccounts = Test\nmetadata\n");
    assert_snapshot!(sandbox.run(&["-o"]));
}

#[test]
fn an_account_with_a_mistake_does_not_keep_the_other_from_being_synced() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", message::simple("hello")).unwrap();
    let sandbox = Sandbox::configured(&format!(
        "[general]\naccounts = Broken, Test\nui = basic\n\n\
         [Account Broken]\nlocalrepository = Local\n\n{}",
        account("Test", &server)
    ));
    assert_snapshot!(sandbox.run(&["-o"]));
    assert_eq!(sandbox.subjects("INBOX"), ["hello"]);
}

#[test]
fn an_option_that_does_not_work_yet_is_warned_of() {
    let server = ImapServer::start().unwrap();
    server.mail().add("INBOX", message::simple("hello")).unwrap();
    let configuration = account("Test", &server)
        .replace("[Account Test]\n", "[Account Test]\nautorefresh = 5\nautorefesh = 5\n");
    let sandbox = Sandbox::configured(&format!("[general]\naccounts = Test\n\n{configuration}"));
    assert_snapshot!(sandbox.run(&["-u", "quiet"]));
}
