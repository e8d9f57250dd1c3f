//! `[mbnames]`: the same list and the same files as OfflineIMAP makes of the same configuration.

use std::fs;
use std::process::Command;

use crate::elder::{Inheritance, Layout, Naming, contents};

const SECTION: &str = "[mbnames]\nenabled = yes\nfilename = $HOME/mailboxes\n\
     header = \"# m\u{e4}ilboxes \\\\\\n\"\n\
     peritem = \"+%(accountname)s/%(foldername)-20s\" '%(localfolders)s' 100%%\n\
     sep = \" \\\\\\n\"\nfooter = \"\\n# end\\n\"\n";

#[test]
fn the_list_and_its_parts_are_those_of_offlineimap() {
    for (layout, more) in [
        (Layout { server: '/', maildir: '.', naming: Naming::Same }, ""),
        (
            Layout { server: '.', maildir: '/', naming: Naming::Same },
            "folderfilter = lambda account, folder: re.match('INBOX|Lists', folder)\n\
             sort_keyfunc = lambda d: (-len(d['foldername']), d['accountname'])\nincremental = yes\n",
        ),
    ] {
        let mut account = Inheritance::new(layout);
        // One thread, so that the order of folders is not left to chance.
        let rig = account.rig.remote("maxconnections = 1");
        account.rig = rig.section(&format!("{SECTION}{more}"));
        let rig = &account.rig;
        let (parts, list) = (rig.metadata().join("mbnames"), rig.home().join("mailboxes"));
        fs::create_dir_all(&parts).unwrap();
        let other =
            r#"[{"accountname": "Other", "foldername": "INBOX\u00df", "localfolders": null}]"#;
        fs::write(parts.join("Other.json"), other).unwrap();

        account.sync_by_elder();
        let (elder_parts, elder_list) = (contents(&parts), fs::read_to_string(&list).unwrap());
        assert_eq!(elder_parts.len(), 2, "{elder_parts:?}");
        assert!(elder_list.contains("INBOX\u{df}"), "{elder_list}");
        fs::remove_file(parts.join("Test.json")).unwrap();
        fs::remove_file(&list).unwrap();

        rig.sync();
        let text = |octets: Option<&Vec<u8>>| String::from_utf8(octets.unwrap().clone()).unwrap();
        let test = parts.join("Test.json");
        assert_eq!(text(contents(&parts).get(&test)), text(elder_parts.get(&test)), "{layout:?}");
        assert_eq!(contents(&parts), elder_parts, "{layout:?}");
        assert_eq!(fs::read_to_string(&list).unwrap(), elder_list, "{layout:?}");
    }
}

#[test]
fn what_is_pruned_by_either_is_the_same() {
    let account = Inheritance::new(Layout { server: '/', maildir: '.', naming: Naming::Same });
    let rig = account.rig.section(SECTION);
    let parts = rig.metadata().join("mbnames");
    let mut ended = Vec::new();
    for program in ["/usr/bin/offlineimap", env!("CARGO_BIN_EXE_offlineimap")] {
        fs::create_dir_all(&parts).unwrap();
        for gone in ["Gone", "Older"] {
            let part = r#"[{"accountname": "Gone", "foldername": "x", "localfolders": null}]"#;
            fs::write(parts.join(format!("{gone}.json")), part).unwrap();
        }
        let part = r#"[{"accountname": "Test", "foldername": "x", "localfolders": "/m"}]"#;
        fs::write(parts.join("Test.json"), part).unwrap();
        let mut told = Vec::new();
        for _ in 0..2 {
            let output = Command::new(program)
                .env_clear()
                .envs([("HOME", rig.home()), ("PATH", "/usr/bin:/bin".as_ref())])
                .env("LC_ALL", "C.UTF-8")
                .arg("-c")
                .arg(rig.home().join("offlineimaprc"))
                .args(["--mbnames-prune", "-u", "basic"])
                .output()
                .unwrap();
            assert!(output.status.success(), "{output:?}");
            let mut lines: Vec<String> = String::from_utf8(output.stdout)
                .unwrap()
                .lines()
                .filter(|line| line.contains("removed") || line.contains("no cache file"))
                .map(str::to_owned)
                .collect();
            lines.sort();
            told.push(lines);
        }
        let list = fs::read_to_string(rig.home().join("mailboxes")).unwrap();
        ended.push((told, contents(&parts), list));
    }
    assert_eq!(ended.first(), ended.last());
    assert!(!ended.iter().any(|(told, ..)| told.iter().any(Vec::is_empty)), "{ended:?}");
}
