//! Killed at every step, the next run completes the work: nothing is lost, nothing is there twice.

use offlineimap_testkit::server::{ImapServer, ImapServerBuilder};

use crate::scene::{Home, Place, add, uid, world};

/// Two servers with changes that wait for a sync.
struct Changed {
    remote: ImapServer,
    local: ImapServer,
    home: Home,
}

impl Changed {
    fn new(kind: fn() -> ImapServerBuilder) -> Self {
        let [remote, local] = [(); 2].map(|()| kind().start().unwrap());
        for subject in ["gone there", "gone here", "read there", "read here"] {
            add(remote.mail(), "INBOX", subject, &[]);
        }
        let home = Home::new(&Place::of(&remote), &Place::of(&local), "maxconnections = 1");
        home.sync();
        for (server, side) in [(&remote, "there"), (&local, "here")] {
            let mail = server.mail();
            mail.expunge("INBOX", uid(mail, "INBOX", &format!("gone {side}"))).unwrap();
            mail.set_flags("INBOX", uid(mail, "INBOX", &format!("read {side}")), &["\\Seen"])
                .unwrap();
            add(mail, "INBOX", &format!("new {side}"), &["\\Flagged"]);
            mail.create(side);
            add(mail, side, &format!("first {side}"), &[]);
        }
        Self { remote, local, home }
    }

    fn assert_settled(&self, when: &str) {
        let both = world(self.remote.mail(), '/');
        assert_eq!(both, world(self.local.mail(), '/'), "{when}");
        let lines: Vec<&str> =
            both["INBOX"].iter().map(|line| line.rsplit_once(", ").unwrap().0).collect();
        assert_eq!(
            lines,
            [
                "new here, \\Flagged",
                "new there, \\Flagged",
                "read here, \\Seen",
                "read there, \\Seen"
            ],
            "{when}"
        );
        assert_eq!((both["here"].len(), both["there"].len()), (1, 1), "{when}");
    }
}

fn sweep(kind: fn() -> ImapServerBuilder) {
    let mut step = 0;
    loop {
        step += 1;
        let when = format!("killed at step {step}");
        let scene = Changed::new(kind);
        let ended = scene.home.run(&["--crash-at-step", &step.to_string()]);
        if ended.signal.is_none() {
            assert_eq!(ended.status, Some(0), "{}", ended.output);
            scene.assert_settled("not killed");
            break;
        }
        assert_eq!(ended.signal, Some(9), "{when}");
        scene.home.sync();
        scene.assert_settled(&when);
        scene.remote.log().clear();
        scene.local.log().clear();
        scene.home.sync();
        let changing = [scene.remote.log().changing(), scene.local.log().changing()].concat();
        assert!(changing.is_empty(), "{when}: {changing:?}");
    }
    assert!(step > 20, "only {step} steps were taken");
}

#[test]
fn killed_at_every_step_between_ordinary_servers() {
    sweep(ImapServer::builder);
}

#[test]
fn killed_at_every_step_between_servers_that_tell_no_uids() {
    sweep(ImapServerBuilder::minimal);
}
