//! The scenario on real servers, and the answer to an upload lost on each.

use offlineimap_testkit::proxy::{Direction, Proxy, ProxyFault};
use offlineimap_testkit::server::Cut;

use crate::scene::Scene;
use crate::server::Server;

const SERVERS: [fn() -> Server; 3] = [Server::dovecot, Server::cyrus, Server::courier];

#[test]
fn the_scenario_is_synced_in_one_run_on_real_servers() {
    for server in SERVERS {
        Scene::changed(server()).must_recover();
    }
}

#[test]
fn a_conversation_cut_among_the_uploads_is_resumed_on_real_servers() {
    for server in SERVERS {
        let scene = Scene::changed(server());
        let proxy = Proxy::start(scene.server.address()).unwrap();
        // In the middle of a long message that goes up.
        let direction = Direction::ToServer;
        proxy.fail(ProxyFault::Cut { direction, after_bytes: 100_000, cut: Cut::Close });
        let ended = scene.rig.start(&mut scene.command_to(proxy.port(), "")).wait();
        assert_eq!(ended.status, Some(1), "{}", ended.output);
        scene.must_be_unharmed(&ended);
        scene.must_recover();
    }
}
