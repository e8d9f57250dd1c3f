//! Copies in both directions over few and slow connections: neither waits for the other for ever.

use std::time::Duration;

use offlineimap_testkit::proxy::Proxy;
use offlineimap_testkit::server::ImapServer;

use crate::scene::{Home, Place, add, world};

/// More than is uploaded in one batch.
const MESSAGES: usize = 150;

const FOLDERS: [&str; 3] = ["INBOX", "a", "b"];

#[test]
fn few_slow_connections_carry_much_mail_in_both_directions() {
    for (remote_trip, local_trip, connections) in [(20, 0, 1), (0, 20, 1), (10, 10, 2)] {
        let [remote, local] = [(); 2].map(|()| ImapServer::start().unwrap());
        for folder in FOLDERS {
            for (server, side) in [(&remote, "there"), (&local, "here")] {
                server.mail().create(folder);
                for number in 0..MESSAGES {
                    add(server.mail(), folder, &format!("{side} {number}"), &[]);
                }
            }
        }
        let slow = |server: &ImapServer, milliseconds| {
            Proxy::with_round_trip(server.address(), Duration::from_millis(milliseconds)).unwrap()
        };
        let (before_remote, before_local) = (slow(&remote, remote_trip), slow(&local, local_trip));
        let home = Home::new(
            &Place::behind(&remote, before_remote.port()),
            &Place::behind(&local, before_local.port()),
            &format!("maxconnections = {connections}"),
        );
        home.sync();
        let both = world(remote.mail(), '/');
        assert_eq!(both, world(local.mail(), '/'));
        for folder in FOLDERS {
            assert_eq!(both[folder].len(), 2 * MESSAGES, "{folder}");
        }
    }
}
