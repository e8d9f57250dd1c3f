//! One message that the server does not give out, or of which nobody knows whether it was stored.

use offlineimap_testkit::server::{
    Breakage, Capability, Cut, Fault, ImapServer, ImapServerBuilder, Misbehaviour, Quirk,
};

use crate::cases::play;
use crate::rig::summary;
use crate::scene::{Scene, body};
use crate::server::Server;

#[test]
fn a_message_that_cannot_be_fetched_stops_no_other() {
    let cases = [
        Breakage::RefuseContent,
        Breakage::OmitContent,
        Breakage::NilContent,
        Breakage::EmptyContent,
        Breakage::Omit,
    ];
    play(0, &cases, |breakage| {
        let scene = Scene::changed(Server::embedded());
        let server = scene.server.as_embedded();
        let uid = scene.server.uid(&scene.rig, "INBOX", "r1");
        server.mail().break_message("INBOX", uid, *breakage).unwrap();
        for _ in 0..2 {
            let ended = scene.rig.run(&[]);
            assert_eq!(ended.status, Some(1), "{}", ended.output);
            assert!(ended.output.contains("ERROR"), "{}", ended.output);
            scene.must_be_unharmed(&ended);
            // A message that is left out even of the list of all makes the list unbelievable, and
            // the folder is left alone.
            if *breakage == Breakage::Omit {
                continue;
            }
            assert!(scene.server.world(&scene.rig) == scene.outcome(), "{}", ended.output);
            let mut here = scene.local_world();
            // Nobody knows what the message is that the server does not show: it may be the one
            // that was deleted, in a new place. That deletion waits.
            if matches!(breakage, Breakage::RefuseContent | Breakage::OmitContent) {
                assert!(ended.output.contains("1 deletions in Local:INBOX wait"));
                here.get_mut("INBOX").unwrap().retain(|mail| mail.subject() != "b2");
            }
            let mut expected = scene.outcome();
            expected.get_mut("INBOX").unwrap().retain(|mail| mail.subject() != "r1");
            assert_eq!(summary(&here), summary(&expected), "{}", ended.output);
        }
        server.mail().mend("INBOX").unwrap();
        scene.must_recover();
    });
}

#[test]
fn an_answer_without_the_messages_asked_for_deletes_nothing() {
    // Of listings and of contents alike: the first fetches of a run list, later ones fetch.
    let cases: Vec<u64> = (1..=8).collect();
    play(0, &cases, |number| {
        let scene = Scene::changed(Server::embedded());
        let server = scene.server.as_embedded();
        server.fail(Fault::on("UID FETCH").from_nth(*number).then(Misbehaviour::Empty));
        let ended = scene.rig.run(&[]);
        server.clear_faults();
        scene.must_be_unharmed(&ended);
        scene.must_recover();
    });
}

/// What differs between servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ordinary,
    Minimal,
    WithoutUidplus,
    WithoutLiteralPlus,
    LiteralMinus,
    WithoutAppendUid,
    WithoutUidNext,
    LaggingIndex,
    DropsPipeline,
    UidsDoNotLast,
    WithoutPermanentFlags,
    UidLast,
    OfFewWords,
    ListsAtSelect,
    LikesLiterals,
    LowerCase,
    WithoutHierarchy,
}

impl Kind {
    /// Those between which uploads and deletions differ.
    const CHANGES: [Self; 8] = [
        Self::Ordinary,
        Self::Minimal,
        Self::WithoutUidplus,
        Self::WithoutLiteralPlus,
        Self::LiteralMinus,
        Self::WithoutAppendUid,
        Self::WithoutUidNext,
        Self::LaggingIndex,
    ];

    /// The others.
    const WORDS: [Self; 9] = [
        Self::DropsPipeline,
        Self::UidsDoNotLast,
        Self::WithoutPermanentFlags,
        Self::UidLast,
        Self::OfFewWords,
        Self::ListsAtSelect,
        Self::LikesLiterals,
        Self::LowerCase,
        Self::WithoutHierarchy,
    ];

    fn start(self) -> Server {
        let it = ImapServer::builder();
        let it = match self {
            Self::Ordinary => it,
            Self::Minimal => ImapServerBuilder::minimal(),
            Self::WithoutUidplus => it.without(Capability::Uidplus),
            Self::WithoutLiteralPlus => it.without(Capability::LiteralPlus),
            Self::LiteralMinus => {
                it.without(Capability::LiteralPlus).with(Capability::LiteralMinus)
            }
            Self::WithoutAppendUid => it.quirk(Quirk::NoAppendUid),
            Self::WithoutUidNext => it.quirk(Quirk::NoUidNext),
            Self::LaggingIndex => it.quirk(Quirk::HeaderSearchFindsNothing),
            Self::DropsPipeline => it.quirk(Quirk::DropsPipelineAfterLogin),
            Self::UidsDoNotLast => it.quirk(Quirk::UidNotSticky),
            Self::WithoutPermanentFlags => it.quirk(Quirk::NoPermanentFlags),
            Self::UidLast => it.quirk(Quirk::UidLast),
            Self::OfFewWords => it.quirk(Quirk::NoTextAfterOk).quirk(Quirk::SilentGreeting),
            Self::ListsAtSelect => it.quirk(Quirk::ListOnSelect).quirk(Quirk::SilentLogin),
            Self::LikesLiterals => it.quirk(Quirk::LiteralNames).quirk(Quirk::AlertOnLogin),
            Self::LowerCase => it.quirk(Quirk::LowerCaseAttributes),
            Self::WithoutHierarchy => it.quirk(Quirk::NilDelimiter),
        };
        Server::Embedded(it.start().unwrap())
    }
}

#[test]
fn every_kind_of_server_is_synced_in_one_run() {
    let kinds = [&Kind::CHANGES[..], &Kind::WORDS[..]].concat();
    play(0, &kinds, |kind| {
        Scene::changed(kind.start()).must_recover();
    });
}

#[test]
fn an_upload_whose_answer_is_lost_is_found_again_on_every_kind_of_server() {
    let mut cases = Vec::new();
    for kind in Kind::CHANGES {
        // A short message in a new folder, and two in a folder with others.
        for number in 1..=3 {
            cases.push((kind, number));
        }
    }
    play(0, &cases, |(kind, number)| {
        let scene = Scene::changed(kind.start());
        let server = scene.server.as_embedded();
        let lost = Misbehaviour::ExecuteThenCut(Cut::Reset);
        server.fail(Fault::on("APPEND").nth(*number).then(lost));
        let ended = scene.rig.run(&[]);
        server.clear_faults();
        scene.must_be_unharmed(&ended);
        scene.must_recover();
    });
}

#[test]
fn a_refused_literal_does_not_spoil_the_connection() {
    play(0, &Kind::CHANGES[..5], |kind| {
        let scene = Scene::changed(kind.start());
        let server = scene.server.as_embedded();
        let size = format!("{{{}", body("l2").len());
        let refusal = Misbehaviour::RefuseLiteral("[TOOBIG] no".to_owned());
        server.fail(Fault::on("APPEND").containing(&size).then(refusal));
        let ended = scene.rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        scene.must_be_unharmed(&ended);
        scene.must_recover();
    });
}

#[test]
fn a_deletion_whose_answer_is_lost_is_finished() {
    let mut cases = Vec::new();
    for kind in &Kind::CHANGES[..3] {
        for verb in ["UID STORE", "UID EXPUNGE", "EXPUNGE", "CREATE"] {
            cases.push((kind, verb));
        }
    }
    play(0, &cases, |(kind, verb)| {
        let scene = Scene::changed(kind.start());
        let server = scene.server.as_embedded();
        let from_first = Fault::on(verb).from_nth(1);
        server.fail(from_first.then(Misbehaviour::ExecuteThenCut(Cut::Close)));
        let ended = scene.rig.run(&[]);
        server.clear_faults();
        scene.must_be_unharmed(&ended);
        scene.must_recover();
    });
}
