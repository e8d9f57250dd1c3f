//! A server that refuses a command, whichever it is, and however it says so.

use std::collections::BTreeMap;

use offlineimap_testkit::proxy::{Proxy, SubstitutedAnswer, Substitution};
use offlineimap_testkit::server::Fault;

use crate::cases::play;
use crate::scene::{Scene, body};
use crate::server::Server;

#[derive(Clone, Copy, Debug)]
enum Answer {
    No,
    Bad,
    Bye,
}

const ANSWERS: [Answer; 3] = [Answer::No, Answer::Bad, Answer::Bye];

/// One command that is refused.
#[derive(Debug)]
struct Refusal {
    verb: String,
    number: u64,
    answer: Answer,
}

impl Refusal {
    /// Each of the first three commands of each name is refused in each way.
    fn all() -> Vec<Self> {
        let mut refusals = Vec::new();
        for (verb, count) in verbs() {
            for number in 1..=count.min(3) {
                for answer in ANSWERS {
                    refusals.push(Self { verb: verb.clone(), number, answer });
                }
            }
        }
        refusals
    }

    fn on_the_embedded_server(&self) -> Fault {
        let trigger = Fault::on(&self.verb).nth(self.number);
        match self.answer {
            Answer::No => trigger.then_no("not today"),
            Answer::Bad => trigger.then_bad("not understood"),
            Answer::Bye => trigger.then_bye("going down"),
        }
    }

    fn in_front_of_a_server(&self) -> Substitution {
        let answer = match self.answer {
            Answer::No => SubstitutedAnswer::No("not today".to_owned()),
            Answer::Bad => SubstitutedAnswer::Bad("not understood".to_owned()),
            Answer::Bye => SubstitutedAnswer::Bye("going down".to_owned()),
        };
        Substitution::nth(self.number, &self.verb, answer)
    }
}

/// The commands that the scenario needs, and how often.
fn verbs() -> BTreeMap<String, u64> {
    let scene = Scene::changed(Server::embedded());
    let log = scene.server.as_embedded().log().clone();
    log.clear();
    scene.rig.sync();
    let mut verbs = BTreeMap::new();
    for command in log.all() {
        *verbs.entry(command.verb()).or_default() += 1;
    }
    for needed in ["LIST", "SELECT", "UID FETCH", "UID STORE", "UID EXPUNGE", "APPEND", "CREATE"] {
        assert!(verbs.contains_key(needed), "the scenario has no {needed}: {verbs:?}");
    }
    verbs
}

#[test]
fn a_refused_command_costs_at_most_the_run() {
    play(0, &Refusal::all(), |refusal| {
        let scene = Scene::changed(Server::embedded());
        scene.server.as_embedded().fail(refusal.on_the_embedded_server());
        let ended = scene.rig.run(&[]);
        scene.server.as_embedded().clear_faults();
        scene.must_be_unharmed(&ended);
        scene.must_recover();
    });
}

#[test]
fn a_command_refused_in_front_of_dovecot_costs_at_most_the_run() {
    let refusals: Vec<Refusal> = [
        ("LIST", 1, Answer::Bad),
        ("SELECT", 2, Answer::Bye),
        ("UID FETCH", 3, Answer::No),
        ("UID STORE", 1, Answer::Bye),
        ("UID EXPUNGE", 1, Answer::No),
        ("APPEND", 1, Answer::Bad),
        ("APPEND", 2, Answer::Bye),
        ("CREATE", 1, Answer::No),
    ]
    .map(|(verb, number, answer)| Refusal { verb: verb.to_owned(), number, answer })
    .into();
    play(0, &refusals, |refusal| {
        let scene = Scene::changed(Server::dovecot());
        let proxy = Proxy::start(scene.server.address()).unwrap();
        proxy.substitute(refusal.in_front_of_a_server());
        let ended = scene.rig.start(&mut scene.command_to(proxy.port(), "")).wait();
        assert!(ended.status == Some(1) || matches!(refusal.answer, Answer::Bye));
        scene.must_be_unharmed(&ended);
        scene.must_recover();
    });
}

#[test]
fn a_refused_list_is_an_error_and_creates_nothing() {
    let cases = ANSWERS.map(|answer| Refusal { verb: "LIST".to_owned(), number: 1, answer });
    play(0, &cases, |refusal| {
        let scene = Scene::changed(Server::embedded());
        let before = (scene.server.world(&scene.rig), scene.local_world());
        let server = scene.server.as_embedded();
        server.log().clear();
        let trigger = Fault::on("LIST").every_time();
        server.fail(match refusal.answer {
            Answer::No => trigger.then_no("Lists \"injected\" {5}"),
            Answer::Bad => trigger.then_bad("what \"/\" is that"),
            Answer::Bye => trigger.then_bye("no lists"),
        });
        let ended = scene.rig.run(&[]);
        server.clear_faults();
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        assert!(ended.output.contains("ERROR"), "{}", ended.output);
        assert_eq!(server.log().changing(), Vec::<String>::new(), "{}", ended.output);
        let after = (scene.server.world(&scene.rig), scene.local_world());
        assert!(before == after, "something changed: {}", ended.output);
        scene.must_recover();
    });
}

#[test]
fn a_refused_upload_is_offered_again_and_stops_no_other() {
    let scene = Scene::changed(Server::embedded());
    let server = scene.server.as_embedded();
    let size = format!("{{{}", body("l1").len());
    server.fail(Fault::on("APPEND").containing(&size).every_time().then_no("too ugly"));
    for _ in 0..2 {
        server.log().clear();
        let ended = scene.rig.run(&[]);
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        assert!(ended.output.contains("too ugly"), "{}", ended.output);
        assert!(server.log().lines().iter().any(|it| it.contains(&size)), "{}", ended.output);
        scene.must_be_unharmed(&ended);
        let mut expected = scene.outcome();
        expected.get_mut("INBOX").unwrap().retain(|mail| mail.subject() != "l1");
        assert!(scene.server.world(&scene.rig) == expected, "{}", ended.output);
        assert!(scene.local_world() == scene.outcome(), "{}", ended.output);
    }
    server.clear_faults();
    scene.must_recover();
}

#[test]
fn a_folder_that_cannot_be_opened_stops_no_other() {
    let scene = Scene::changed(Server::embedded());
    let server = scene.server.as_embedded();
    server.fail(Fault::on("SELECT").containing("Archive").every_time().then_no("not yours"));
    let ended = scene.rig.run(&[]);
    server.clear_faults();
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("Archive"), "{}", ended.output);
    scene.must_be_unharmed(&ended);
    let without_archive = |mut world: crate::rig::World| {
        world.remove("Archive");
        world
    };
    let expected = without_archive(scene.outcome());
    assert!(without_archive(scene.server.world(&scene.rig)) == expected, "{}", ended.output);
    assert!(without_archive(scene.local_world()) == expected, "{}", ended.output);
    scene.must_recover();
}

#[test]
fn refused_credentials_are_told_once_and_change_nothing() {
    let scene = Scene::changed(Server::embedded());
    let before = (scene.server.world(&scene.rig), scene.local_world());
    let server = scene.server.as_embedded();
    for verb in ["LOGIN", "AUTHENTICATE"] {
        server.fail(Fault::on(verb).every_time().then_no("[AUTHENTICATIONFAILED] who are you"));
    }
    let ended = scene.rig.run(&[]);
    server.clear_faults();
    assert_eq!(ended.status, Some(1), "{}", ended.output);
    assert!(ended.output.contains("who are you"), "{}", ended.output);
    assert!(!ended.output.contains("secret"), "the password is told: {}", ended.output);
    assert!(before == (scene.server.world(&scene.rig), scene.local_world()));
    scene.must_recover();
}
