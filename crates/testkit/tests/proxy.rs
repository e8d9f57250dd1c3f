//! The proxy: what it counts, cuts, delays and answers itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use offlineimap_testkit::message;
use offlineimap_testkit::proxy::{Direction, Proxy, ProxyFault, SubstitutedAnswer, Substitution};
use offlineimap_testkit::server::{Cut, ImapServer, Quirk};
use offlineimap_testkit::transcript::Peer;

/// A server that needs no login and greets briefly.
fn server() -> ImapServer {
    let server =
        ImapServer::builder().quirk(Quirk::Preauth).quirk(Quirk::SilentGreeting).start().unwrap();
    server.mail().add("INBOX", message::simple("one")).unwrap();
    server
}

const GREETING: &str = "* PREAUTH ready\r\n";

#[test]
fn octets_and_round_trips_are_counted() {
    let server = server();
    let proxy = Proxy::start(server.address()).unwrap();
    let mut peer = Peer::connect(proxy.address());
    peer.play(
        "S: * PREAUTH ready
         C: a NOOP
         S: a OK...
         C: b NOOP
         S: b OK...",
    );
    let traffic = proxy.take_traffic();
    assert_eq!(traffic.connections, 1);
    assert_eq!(traffic.to_server_bytes, 16);
    assert_eq!(
        traffic.to_client_bytes,
        GREETING.len() as u64 + 2 * "a OK nothing done\r\n".len() as u64
    );
    assert_eq!(traffic.round_trips, 2);
    peer.send("c NOOP\r\nd NOOP");
    peer.lines_until("d OK");
    assert_eq!(proxy.traffic().round_trips, 1);
}

#[test]
fn commands_on_several_connections_at_once_cost_one_round_trip() {
    let server = server();
    let proxy = Proxy::with_round_trip(server.address(), Duration::from_millis(400)).unwrap();
    let mut peers = [Peer::connect(proxy.address()), Peer::connect(proxy.address())];
    for peer in &mut peers {
        peer.play("S: * PREAUTH ready");
    }
    for peer in &mut peers {
        peer.send("a NOOP");
    }
    for peer in &mut peers {
        peer.lines_until("a OK");
    }
    assert_eq!(proxy.take_traffic().round_trips, 1);
}

#[test]
fn a_cut_lets_exactly_the_wanted_octets_reach_the_client() {
    let server = server();
    for wanted in 0..GREETING.len() {
        let proxy = Proxy::start(server.address()).unwrap();
        let (direction, after_bytes) = (Direction::ToClient, wanted as u64);
        proxy.fail(ProxyFault::Cut { direction, after_bytes, cut: Cut::Close });
        let mut peer = Peer::connect(proxy.address());
        assert_eq!(peer.rest().unwrap(), GREETING.get(..wanted).unwrap());
    }
}

#[test]
fn a_cut_lets_exactly_the_wanted_octets_reach_the_server() {
    let server = server();
    let proxy = Proxy::start(server.address()).unwrap();
    let mut peer = Peer::connect(proxy.address());
    peer.play("S: * PREAUTH ready\nC: a NOOP\nS: a OK...");
    let after_bytes = "b NOOP\r\n".len() as u64;
    let direction = Direction::ToServer;
    proxy.fail(ProxyFault::Cut { direction, after_bytes, cut: Cut::Close });
    peer.send("b NOOP\r\nc CREATE box");
    // The answer to what still arrived may or may not win the race against the cut.
    assert!(!peer.rest().unwrap().contains("c "));
    drop(proxy);
    assert_eq!(server.mail().mailboxes(), ["INBOX"]);
}

#[test]
fn a_reset_is_an_error_for_the_client() {
    let server = server();
    let proxy = Proxy::start(server.address()).unwrap();
    let direction = Direction::ToServer;
    proxy.fail(ProxyFault::Cut { direction, after_bytes: 2, cut: Cut::Reset });
    let mut peer = Peer::connect(proxy.address());
    peer.play("S: * PREAUTH ready\nC: a NOOP");
    let error = peer.rest().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a_hanging_connection_stays_open_until_the_proxy_is_dropped() {
    let server = server();
    let proxy = Proxy::start(server.address()).unwrap();
    let direction = Direction::ToServer;
    proxy.fail(ProxyFault::Hang { direction, after_bytes: 0 });
    let mut peer = Peer::connect(proxy.address());
    peer.play("S: * PREAUTH ready\nC: a CREATE box");
    let mut other = Peer::connect(proxy.address());
    other.play("S: * PREAUTH ready\nC: b NOOP\nS: b OK...");
    assert_eq!(server.mail().mailboxes(), ["INBOX"]);
    drop(proxy);
    assert!(peer.rest().map_or(true, |rest| rest.is_empty()));
}

#[test]
fn a_round_trip_takes_at_least_its_time() {
    let server = server();
    let proxy = Proxy::with_round_trip(server.address(), Duration::from_millis(40)).unwrap();
    let mut peer = Peer::connect(proxy.address());
    peer.play("S: * PREAUTH ready");
    let started = Instant::now();
    peer.play("C: a NOOP\nS: a OK...\nC: b NOOP\nS: b OK...");
    assert!(started.elapsed() >= Duration::from_millis(80));
}

#[test]
fn a_command_is_answered_in_place_of_the_server() {
    let server = server();
    let proxy = Proxy::start(server.address()).unwrap();
    let no = |text: &str| SubstitutedAnswer::No(text.to_owned());
    proxy.substitute(Substitution::nth(2, "APPEND", no("full")));
    proxy.substitute(Substitution::nth(1, "uid fetch", no("broken")));
    proxy.substitute(Substitution::nth(3, "APPEND", SubstitutedAnswer::Bad("what".to_owned())));
    let mut peer = Peer::connect(proxy.address());
    peer.play(
        "S: * PREAUTH ready
         C: a APPEND INBOX {13+}
         C: b NOOP {5+}
         C:
         S: a OK...
         C: c APPEND INBOX {13+}
         C: d NOOP {5+}
         C:
         S: c NO full
         C: e APPEND INBOX {12}
         S: e BAD what
         C: f EXAMINE INBOX",
    );
    assert!(peer.lines_until("f ").contains(&"* 2 EXISTS".to_owned()));
    peer.play(
        "C: g UID FETCH 1 (UID)
         S: g NO broken
         C: h UID FETCH 1 (UID)
         S: * 1 FETCH (UID 1)
         S: h OK...",
    );
    assert_eq!(server.log().count("APPEND"), 1);
}

#[test]
fn a_substituted_bye_ends_the_connection() {
    let server = server();
    let proxy = Proxy::start(server.address()).unwrap();
    let bye = SubstitutedAnswer::Bye("maintenance".to_owned());
    proxy.substitute(Substitution::nth(1, "CREATE", bye));
    let mut peer = Peer::connect(proxy.address());
    peer.play("S: * PREAUTH ready\nC: a CREATE box\nS: * BYE maintenance");
    assert_eq!(peer.rest().unwrap(), "");
    assert_eq!(server.mail().mailboxes(), ["INBOX"]);
}
