//! `[Account X]` and the choice of its two repositories.

use super::general::Loaded;
use super::period::{self, Clauses};
use super::reader::{Presence, Reader};
use super::selection::find_section;
use super::{ACCOUNT, REPOSITORY, imap, maildir};
use crate::diagnostics::Excerpt;
use crate::document::Section;
use crate::options::{Place, nearest};
use crate::source::strip;
use crate::{
    Account, Diagnostic, Diagnostics, Document, Environment, FolderEncoding, FolderNames,
    HeaderDates, ImapFlavor, ImapRepository, LocalRepository, MaildirFlavor, Quick, Setting,
    SyncHooks, value,
};

/// Loads the account of that name, which exists. `None`, or errors among the problems, mean that it
/// cannot be synced.
pub(super) fn load(
    document: &Document,
    name: &str,
    general: &Loaded,
    environment: &Environment<'_>,
    problems: &mut Diagnostics,
) -> Option<Account> {
    let section = find_section(document, ACCOUNT, name)?;
    let mut reader = Reader::new(document, &section.name, &[Place::Account], environment, problems);
    reader.report_unsupported();
    refuse_status_backend(&mut reader);
    let delete_limit = reader.parsed("deletelimit", value::limit).unwrap_or(general.delete_limit);
    let filter_headers = value::list(&reader.text("filterheaders")).map(str::to_owned).collect();
    let windows_compatible_names = reader.bool("maildir-windows-compatible");
    let hooks = hooks(&mut reader);
    let quick = reader.parsed("quick", value::int).map(Quick::of).unwrap_or_default();
    let max_size = max_size(&mut reader);
    let max_age = period::max_age(&mut reader);
    let utf8 = reader.bool("utf8foldernames");
    let utf8_excerpt = reader.name_excerpt("utf8foldernames", "").filter(|_| utf8);
    let here = repository(&mut reader, document, name, "localrepository");
    let there = repository(&mut reader, document, name, "remoterepository");

    let header_dates = general.header_dates;
    let mut context = Context { document, environment, header_dates, problems };
    let local = here.and_then(|section| context.local(section));
    let remote = there.and_then(|section| context.remote(section));
    let (here, there) = (here?, there?);
    let (remote, mut local) = (remote?, local?);
    let folder_encoding = context.folder_encoding(name, utf8_excerpt, (there, &remote), &local);
    context.follow_renames(&remote, here, &mut local);
    let clauses =
        Clauses { document, account: &section.name, local: &here.name, remote: &there.name };
    clauses.check(&local, problems);
    let mut reader = Reader::new(document, &section.name, &[Place::Account], environment, problems);
    refuse_itself(&mut reader, &remote, &local);
    Some(Account {
        name: name.to_owned(),
        remote,
        local,
        delete_limit,
        windows_compatible_names,
        filter_headers,
        folder_encoding,
        hooks,
        quick,
        max_size,
        max_age,
    })
}

struct Context<'a> {
    document: &'a Document,
    environment: &'a Environment<'a>,
    header_dates: HeaderDates,
    problems: &'a mut Diagnostics,
}

/// What the `type` of a repository says.
#[derive(Clone, Copy)]
enum Kind {
    Imap(ImapFlavor),
    Maildir(MaildirFlavor),
}

impl Kind {
    const NAMES: [&'static str; 4] = ["IMAP", "Gmail", "Maildir", "GmailMaildir"];

    fn by_name(name: &str) -> Option<Self> {
        match name {
            "IMAP" => Some(Self::Imap(ImapFlavor::Generic)),
            "Gmail" => Some(Self::Imap(ImapFlavor::Gmail)),
            "Maildir" => Some(Self::Maildir(MaildirFlavor::Plain)),
            "GmailMaildir" => Some(Self::Maildir(MaildirFlavor::Gmail)),
            _ => None,
        }
    }
}

impl Context<'_> {
    fn local(&mut self, section: &Section) -> Option<LocalRepository> {
        match self.kind(section)? {
            Kind::Maildir(flavor) => {
                let header_dates = self.header_dates;
                let mut reader = self.reader(section, &[Place::Repository, Place::Maildir]);
                maildir::load(&mut reader, name_of(section), flavor, header_dates)
                    .map(|maildir| LocalRepository::Maildir(Box::new(maildir)))
            }
            Kind::Imap(flavor) => {
                let mut reader = self.reader(section, &[Place::Repository, Place::Imap]);
                let imap = imap::load(&mut reader, name_of(section), flavor)?;
                Some(LocalRepository::Imap(Box::new(imap)))
            }
        }
    }

    fn remote(&mut self, section: &Section) -> Option<ImapRepository> {
        match self.kind(section)? {
            Kind::Imap(flavor) => {
                let mut reader = self.reader(section, &[Place::Repository, Place::Imap]);
                imap::load(&mut reader, name_of(section), flavor)
            }
            Kind::Maildir(flavor) => {
                let kind = match flavor {
                    MaildirFlavor::Plain => "Maildir",
                    MaildirFlavor::Gmail => "GmailMaildir",
                };
                self.refuse_kind(
                    section,
                    &format!("'{kind}' repository not supported for 'remote' repositories"),
                    "a remote repository is of type IMAP or Gmail",
                );
                None
            }
        }
    }

    /// How names of folders are spelt. `utf8` is where `utf8foldernames` stands, if it is on.
    fn folder_encoding(
        &mut self,
        account: &str,
        utf8: Option<Excerpt>,
        (section, remote): (&Section, &ImapRepository),
        local: &LocalRepository,
    ) -> FolderEncoding {
        let mut reader = self.reader(section, &[Place::Repository, Place::Imap]);
        if !reader.bool("decodefoldernames") {
            return if utf8.is_some() { FolderEncoding::Utf8 } else { FolderEncoding::AsOnServer };
        }
        let excerpt = reader.name_excerpt("decodefoldernames", "");
        let (problem, encoding) = if let Some(utf8) = utf8 {
            let message = format!(
                "configuration mismatch in account '{account}': 'utf8foldernames' and \
                 'decodefoldernames' cannot be used together"
            );
            let problem = Diagnostic::error(message).at(utf8);
            let help = format!("remove 'decodefoldernames' from [{}]", section.name);
            (problem.help(help), FolderEncoding::Utf8)
        } else if matches!(local, LocalRepository::Imap(_)) {
            let message = "'decodefoldernames' has no effect between two servers";
            let help = "names are spelt alike on both of them";
            (Diagnostic::warning(message).help(help), FolderEncoding::AsOnServer)
        } else if matches!(remote.folders.names, FolderNames::Renamed(_)) {
            let message = "'decodefoldernames' and 'renamefolders' cannot be used together";
            let help = "set 'utf8foldernames' in the section of the account instead";
            (Diagnostic::error(message).help(help), FolderEncoding::DecodedAfterRules)
        } else {
            return FolderEncoding::DecodedAfterRules;
        };
        reader.problems.push(match excerpt {
            Some(excerpt) => problem.at(excerpt),
            None => problem,
        });
        encoding
    }

    /// The local repository reads the table of the remote one backwards, and has none of its own.
    fn follow_renames(
        &mut self,
        remote: &ImapRepository,
        section: &Section,
        local: &mut LocalRepository,
    ) {
        let option = match (&remote.folders.names, &local.folders().names) {
            (_, FolderNames::Renamed(_)) => "renamefolders",
            (FolderNames::Renamed(_), FolderNames::Translated(_)) => "nametrans",
            (FolderNames::Renamed(table), _) => {
                let restored = FolderNames::Restored(table.clone());
                match local {
                    LocalRepository::Maildir(maildir) => maildir.folders.names = restored,
                    LocalRepository::Imap(imap) => imap.folders.names = restored,
                }
                return;
            }
            (FolderNames::Same | FolderNames::Translated(_) | FolderNames::Restored(_), _) => {
                return;
            }
        };
        let reader = self.reader(section, &[Place::Repository]);
        let message = match option {
            "nametrans" => format!(
                "'nametrans' in [{}] is in the way of 'renamefolders' in the remote repository",
                section.name
            ),
            _ => format!("'renamefolders' has no place in the local repository '{}'", local.name()),
        };
        let mut problem = Diagnostic::error(message);
        if let Some(excerpt) = reader.name_excerpt(option, "") {
            problem = problem.at(excerpt);
        }
        let help = "write 'renamefolders' into the section of the remote repository; the local one \
                    reads it backwards, and needs no rule of its own";
        reader.problems.push(problem.help(help));
    }

    fn kind(&mut self, section: &Section) -> Option<Kind> {
        let mut reader = self.reader(section, &[Place::Repository]);
        let text = reader.required_text("type", "IMAP")?;
        let kind = Kind::by_name(&text);
        if kind.is_none() {
            let lower = text.to_lowercase();
            let near = Kind::NAMES
                .into_iter()
                .find(|name| nearest(&lower, [name.to_lowercase().as_str()]).is_some());
            let help = match near {
                Some(near) => format!("did you mean {near}? case counts"),
                None => format!("choose one of: {}", Kind::NAMES.join(", ")),
            };
            if let Some(reading) = reader.reading("type") {
                reader.complain(&reading, "not a type of repository", Some(help));
            }
        }
        kind
    }

    fn refuse_kind(&mut self, section: &Section, message: &str, help: &str) {
        let mut reader = self.reader(section, &[Place::Repository]);
        let Some(reading) = reader.reading("type") else { return };
        let message = format!("{message}: repository '{}'", name_of(section));
        let problem = Diagnostic::error(message).at(reader.excerpt(&reading)).help(help);
        self.problems.push(problem);
    }

    fn reader<'r>(&'r mut self, section: &'r Section, places: &'r [Place]) -> Reader<'r> {
        Reader::new(self.document, &section.name, places, self.environment, self.problems)
    }
}

/// The section of the repository that an option of an account names.
fn repository<'a>(
    reader: &mut Reader<'_>,
    document: &'a Document,
    account: &str,
    option: &str,
) -> Option<&'a Section> {
    let name = reader.required_text(option, "NAME")?;
    let section = find_section(document, REPOSITORY, &name);
    if section.is_none() {
        let message = format!(
            "could not find section 'Repository {name}' in configuration, required for account \
             '{account}'"
        );
        let known: Vec<&str> = document
            .section_names()
            .filter_map(|section| section.strip_prefix(REPOSITORY).map(strip))
            .collect();
        let help = match nearest(&name, known) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("add a section [Repository {name}]"),
        };
        if let Some(reading) = reader.reading(option) {
            let problem = Diagnostic::error(message).at(reader.excerpt(&reading)).help(help);
            reader.problems.push(problem);
        }
    }
    section
}

fn max_size(reader: &mut Reader<'_>) -> Option<u64> {
    if reader.presence("maxsize") == Presence::Absent {
        return None;
    }
    reader.parsed("maxsize", |text| value::int_within(text, 0, i64::MAX.unsigned_abs()))
}

fn hooks(reader: &mut Reader<'_>) -> SyncHooks {
    let mut hook = |option| Some(reader.text(option)).filter(|command| !command.is_empty());
    SyncHooks { before: hook("presynchook"), after: hook("postsynchook") }
}

/// `status_backend = sqlite` is in many old files and does no harm; anything else asked for a state
/// that is not kept any more.
fn refuse_status_backend(reader: &mut Reader<'_>) {
    if reader.presence("status_backend") == Presence::Absent {
        return;
    }
    let Some(reading) = reader.reading("status_backend") else { return };
    if !strip(&reading.text).eq_ignore_ascii_case("sqlite") {
        let help = "remove the option; the state is always kept by sqlite".to_owned();
        reader.complain(&reading, "not a state that is supported", Some(help));
    }
}

/// Mail that is kept the same as itself would be copied again and again.
fn refuse_itself(reader: &mut Reader<'_>, remote: &ImapRepository, local: &LocalRepository) {
    let LocalRepository::Imap(local) = local else { return };
    let same_host = match (&local.host, &remote.host) {
        (Setting::Given(local), Setting::Given(remote)) => local.eq_ignore_ascii_case(remote),
        (local, remote) => local == remote,
    };
    let same_user = match (&local.identity, &remote.identity) {
        (None, None) => local.user == remote.user,
        (local, remote) => local == remote,
    };
    let is_same = same_host && local.port == remote.port && same_user;
    if !is_same {
        return;
    }
    let message = format!(
        "the repositories '{}' and '{}' are the same user on the same server",
        local.name, remote.name
    );
    let mut problem = Diagnostic::error(message);
    for option in ["localrepository", "remoterepository"] {
        if let Some(excerpt) = reader.name_excerpt(option, "") {
            problem = problem.at(excerpt);
        }
    }
    reader.problems.push(problem.help("keep an account the same as another one, or a Maildir"));
}

fn name_of(section: &Section) -> &str {
    strip(section.name.strip_prefix(REPOSITORY).unwrap_or(&section.name))
}
