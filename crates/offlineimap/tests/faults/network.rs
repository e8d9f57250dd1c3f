//! Connections that are cut, at any octet and in any direction, or that fall silent.

use std::time::{Duration, Instant};

use offlineimap_testkit::proxy::{Direction, Proxy, ProxyFault};
use offlineimap_testkit::server::Cut;

use crate::cases::{Seeded, play};
use crate::scene::Scene;
use crate::server::Server;

const DIRECTIONS: [Direction; 2] = [Direction::ToServer, Direction::ToClient];

/// The program's patience with a silent server, and how long a run may last that meets one: the
/// silence is waited for, and then twice more on fresh connections at most.
const PATIENCE: &str = "socktimeout = 2";
const LONGEST_SILENT_RUN: Duration = Duration::from_secs(20);

/// How many octets the scenario's conversation has in one direction.
fn conversation_bytes(server: Server, direction: Direction) -> u64 {
    let scene = Scene::changed(server);
    let proxy = Proxy::start(scene.server.address()).unwrap();
    let ended = scene.rig.start(&mut scene.command_to(proxy.port(), "")).wait();
    assert_eq!(ended.status, Some(0), "{}", ended.output);
    scene.must_agree(&ended);
    match direction {
        Direction::ToServer => proxy.traffic().to_server_bytes,
        Direction::ToClient => proxy.traffic().to_client_bytes,
    }
}

/// Cuts and silences over the whole conversation.
fn faults(seeded: &mut Seeded, count: u64, server: fn() -> Server) -> Vec<ProxyFault> {
    let mut faults = Vec::new();
    for direction in DIRECTIONS {
        // Every fault happens: no conversation is shorter by more than this.
        let len = conversation_bytes(server(), direction) * 19 / 20;
        // The long messages are most of the conversation; what is said around them matters more.
        let (at_large, in_the_words) = (count / 2, count - count / 2);
        let mut places = seeded.spread(at_large, len);
        places.extend(seeded.spread(in_the_words, 3000));
        for after_bytes in places {
            let cut = if seeded.below(2) == 0 { Cut::Close } else { Cut::Reset };
            faults.push(ProxyFault::Cut { direction, after_bytes, cut });
        }
    }
    faults
}

fn survives(scene: &Scene, fault: ProxyFault, general: &str) {
    let proxy = Proxy::start(scene.server.address()).unwrap();
    proxy.fail(fault);
    let ended = scene.rig.start(&mut scene.command_to(proxy.port(), general)).wait();
    let traffic = proxy.traffic();
    let happened = match fault {
        ProxyFault::Cut { direction, after_bytes, .. }
        | ProxyFault::Hang { direction, after_bytes } => match direction {
            Direction::ToServer => traffic.to_server_bytes > after_bytes,
            Direction::ToClient => traffic.to_client_bytes > after_bytes,
        },
    };
    assert!(happened, "there were only {traffic:?}: {}", ended.output);
    scene.must_be_unharmed(&ended);
    scene.must_recover();
}

#[test]
fn a_cut_anywhere_in_the_conversation_loses_and_doubles_nothing() {
    let mut seeded = Seeded::or(1);
    let cases = faults(&mut seeded, 24, Server::embedded);
    play(seeded.seed, &cases, |fault| {
        survives(&Scene::changed(Server::embedded()), *fault, "");
    });
}

#[test]
fn a_cut_of_the_first_sync_loses_and_doubles_nothing() {
    let mut seeded = Seeded::or(2);
    let cases: Vec<ProxyFault> =
        (0..12).map(|_| ProxyFault::seeded_cut(seeded.below(1 << 32), 4000)).collect();
    play(seeded.seed, &cases, |fault| {
        let scene = Scene::new(Server::embedded());
        let proxy = Proxy::start(scene.server.address()).unwrap();
        proxy.fail(*fault);
        let ended = scene.rig.start(&mut scene.command_to(proxy.port(), "")).wait();
        assert!(matches!(ended.status, Some(0 | 1)), "{}", ended.output);
        scene.rig.sync();
        scene.change();
        scene.must_recover();
    });
}

#[test]
fn a_cut_in_front_of_dovecot_loses_and_doubles_nothing() {
    let mut seeded = Seeded::or(3);
    let cases = faults(&mut seeded, 6, Server::dovecot);
    play(seeded.seed, &cases, |fault| {
        survives(&Scene::changed(Server::dovecot()), *fault, "");
    });
}

#[test]
fn a_server_that_falls_silent_is_given_up_in_time() {
    let mut seeded = Seeded::or(4);
    let mut cases = Vec::new();
    for (direction, within_bytes) in [
        (Direction::ToServer, 1500),
        (Direction::ToServer, 150_000),
        (Direction::ToClient, 3000),
        (Direction::ToClient, 150_000),
    ] {
        for after_bytes in seeded.spread(2, within_bytes) {
            cases.push(ProxyFault::Hang { direction, after_bytes });
        }
    }
    play(seeded.seed, &cases, |fault| {
        let scene = Scene::changed(Server::embedded());
        let begun = Instant::now();
        survives(&scene, *fault, PATIENCE);
        let lasted = begun.elapsed();
        assert!(lasted < LONGEST_SILENT_RUN, "{lasted:?}");
    });
}
