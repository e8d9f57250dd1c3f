//! A demonstration: an account on an IMAP server inside this process, synced with a Maildir in a
//! temporary directory by the real program, changed on both sides, and synced again.
//!
//! ```sh
//! cargo run --release --example demo
//! ```

#![expect(clippy::print_stdout, reason = "a demonstration prints")]

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use offlineimap_testkit::message;
use offlineimap_testkit::server::{ImapServer, NewMessage};

/// With this argument the demonstration is the program itself: so it runs as it would run
/// installed, in a process of its own, without having to be installed.
const AS_PROGRAM: &str = "--as-the-program";

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == AS_PROGRAM) {
        arguments.remove(1);
        return offlineimap::run(arguments);
    }
    match demonstrate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("\nThe demonstration failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demonstrate() -> Outcome {
    let stage = Stage::build()?;
    stage.fill_the_server()?;

    chapter("An account on a server, and nothing here yet");
    stage.show_server()?;

    chapter("What would a sync do?  (--dry-run)");
    stage.run(&["--dry-run"])?;
    println!("\nThe Maildir exists: {}", stage.maildir().exists());

    chapter("The first sync");
    stage.run(&[])?;
    stage.show_maildir()?;

    chapter("Both sides change");
    stage.change_the_server()?;
    stage.change_the_maildir()?;

    chapter("The second sync carries everything across");
    stage.run(&[])?;
    stage.show_server()?;
    stage.show_maildir()?;

    chapter("The third sync has nothing to do");
    let before = stage.server.log().all().len();
    stage.run(&[])?;
    let commands = stage.server.log().all().split_off(before);
    let changing = commands.iter().filter(|command| command.is_changing()).count();
    println!("\nThe server saw {} commands; {changing} of them could change mail.", commands.len());
    if changing > 0 {
        return Err("a sync without work changed something".into());
    }
    Ok(())
}

/// Everything that the demonstration needs; gone when it ends.
struct Stage {
    server: ImapServer,
    home: tempfile::TempDir,
}

impl Stage {
    fn build() -> Outcome<Self> {
        let stage = Self { server: ImapServer::start()?, home: tempfile::tempdir()? };
        let configuration = format!(
            "[general]\n\
             accounts = Demo\n\
             ui = basic\n\n\
             [Account Demo]\n\
             localrepository = Local\n\
             remoterepository = Remote\n\n\
             [Repository Local]\n\
             type = Maildir\n\
             localfolders = ~/Mail\n\
             sep = /\n\n\
             [Repository Remote]\n\
             type = IMAP\n\
             remotehost = 127.0.0.1\n\
             remoteport = {}\n\
             remoteuser = {}\n\
             remotepass = {}\n\
             ssl = no\n\
             starttls = no\n",
            stage.server.port(),
            stage.server.user(),
            stage.server.password()
        );
        fs::write(stage.home.path().join(".offlineimaprc"), configuration)?;
        Ok(stage)
    }

    fn maildir(&self) -> PathBuf {
        self.home.path().join("Mail")
    }

    fn fill_the_server(&self) -> Outcome {
        let mail = self.server.mail();
        mail.create("Archive");
        mail.create("Archive/2020");
        mail.add("INBOX", message::simple("Lunch on Friday"))?;
        mail.add("INBOX", NewMessage::new(message::simple("Minutes")).with_flags(&["\\Seen"]))?;
        mail.add("INBOX", message::simple("You have won"))?;
        mail.add(
            "Archive/2020",
            NewMessage::new(message::simple("An old friend")).with_flags(&["\\Seen", "\\Flagged"]),
        )?;
        mail.add("Archive/2020", message::random(7, 200_000))?;
        Ok(())
    }

    fn change_the_server(&self) -> Outcome {
        println!("On the server: 'Lunch on Friday' is flagged, 'You have won' is deleted,");
        println!("and 'A new message' arrives.");
        let mail = self.server.mail();
        mail.set_flags("INBOX", 1, &["\\Flagged"])?;
        mail.expunge("INBOX", 3)?;
        mail.add("INBOX", message::simple("A new message"))?;
        Ok(())
    }

    fn change_the_maildir(&self) -> Outcome {
        println!("Here: 'Minutes' is answered, 'An old friend' is deleted, a mail program leaves");
        println!("'My answer' in INBOX, and a folder 'Ideas' is made.");
        let inbox = self.maildir().join("INBOX");
        let minutes = file_of(&inbox.join("cur"), "Minutes")?;
        let answered = minutes.to_string_lossy().replace(":2,S", ":2,RS");
        fs::rename(&minutes, answered)?;
        let archive = self.maildir().join("Archive/2020");
        fs::remove_file(file_of(&archive.join("cur"), "An old friend")?)?;
        let answer = String::from_utf8(message::simple("My answer").to_bytes().to_vec())?;
        fs::write(inbox.join("new/1604312345.1.laptop"), answer.replace("\r\n", "\n"))?;
        for directory in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.maildir().join("Ideas").join(directory))?;
        }
        Ok(())
    }

    /// Runs the program in a process of its own, and shows what it prints.
    fn run(&self, options: &[&str]) -> Outcome {
        println!("$ offlineimap -o {}", options.join(" "));
        let output = Command::new(std::env::current_exe()?)
            .arg(AS_PROGRAM)
            .arg("-o")
            .args(options)
            .env_clear()
            .env("HOME", self.home.path())
            .stdin(Stdio::null())
            .output()?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            println!("  | {line}");
        }
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            println!("  ! {line}");
        }
        if output.status.success() { Ok(()) } else { Err(output.status.to_string().into()) }
    }

    fn show_server(&self) -> Outcome {
        println!("\nOn the server:");
        let mail = self.server.mail();
        for mailbox in mail.mailboxes() {
            println!("  {mailbox}");
            for stored in mail.messages(&mailbox)? {
                let flags: Vec<String> = stored.flags.into_iter().collect();
                let subject = subject(&stored.body.to_bytes());
                println!("    UID {}  {subject}  {}", stored.uid, flags.join(" "));
            }
        }
        Ok(())
    }

    fn show_maildir(&self) -> Outcome {
        println!("\nHere:");
        show_tree(&self.maildir(), 1)
    }
}

fn chapter(title: &str) {
    println!("\n=== {title} ===\n");
}

/// The file in a directory whose message has this subject.
fn file_of(directory: &Path, wanted: &str) -> Outcome<PathBuf> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if subject(&fs::read(&path)?) == wanted {
            return Ok(path);
        }
    }
    Err(format!("no message '{wanted}' in {}", directory.display()).into())
}

fn subject(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let line = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    line.unwrap_or("(no subject)").trim().to_owned()
}

fn show_tree(directory: &Path, depth: usize) -> Outcome {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Outcome<_>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let indent = "  ".repeat(depth);
        if path.is_dir() {
            println!("{indent}{name}/");
            show_tree(&path, depth + 1)?;
        } else if name.contains(",U=") {
            println!("{indent}{name}   <- {}", subject(&fs::read(&path)?));
        } else {
            println!("{indent}{name}");
        }
    }
    Ok(())
}
