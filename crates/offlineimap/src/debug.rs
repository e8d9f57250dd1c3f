//! `-d`: what happens inside, and what the layers below warn of.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

use crate::ui::{Level, Message, Ui};

/// What can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// The dialogue with the server.
    Imap,
    /// The work on files.
    Maildir,
    /// Which part of the work begins when.
    Thread,
    /// Everything else about a sync.
    Other,
}

impl Type {
    const ALL: [Self; 3] = [Self::Imap, Self::Maildir, Self::Thread];

    fn name(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Maildir => "maildir",
            Self::Thread => "thread",
            Self::Other => "",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Imap => "IMAP protocol debugging",
            Self::Maildir => "Maildir repository debugging",
            Self::Thread => "Threading debugging",
            Self::Other => "Other offlineimap related sync messages",
        }
    }

    /// The type to which the words of a module belong.
    fn of(metadata: &Metadata<'_>) -> Self {
        let crate_name = metadata.target().split("::").next().unwrap_or_default();
        match crate_name {
            "offlineimap_imap" | "offlineimap_imap_proto" => Self::Imap,
            "offlineimap_maildir" => Self::Maildir,
            _ => Self::Other,
        }
    }
}

/// The argument of `-d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The types that are words of it, and the one that needs none.
    pub(crate) types: Vec<Type>,
    /// Words that are no type.
    pub(crate) invalid: Vec<String>,
    /// Whether `thread` is among the words: otherwise one thing is done after the other, which is
    /// easier to read.
    pub(crate) keeps_concurrency: bool,
}

impl Selection {
    /// Understands the argument.
    pub(crate) fn parse(argument: &str) -> Self {
        let argument =
            if argument.eq_ignore_ascii_case("all") { "imap,maildir,thread" } else { argument };
        let mut selection = Self {
            types: vec![Type::Other],
            invalid: Vec::new(),
            keeps_concurrency: argument.split(',').any(|word| word == Type::Thread.name()),
        };
        for word in argument.split(',').map(str::trim) {
            match Type::ALL.into_iter().find(|known| known.name() == word) {
                Some(known) => selection.types.push(known),
                None => selection.invalid.push(word.to_owned()),
            }
        }
        selection
    }

    /// What is said of each type at the beginning, by its name.
    pub(crate) fn announcements(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        self.types
            .iter()
            .map(|it| (it.name(), format!("Now debugging for {}: {}", it.name(), it.description())))
    }
}

/// Shows what the layers below say: warnings always, everything else as far as it is selected.
pub(crate) fn listen(ui: Arc<Ui>, selection: Option<&Selection>) {
    let types = selection.map(|selection| selection.types.clone()).unwrap_or_default();
    let layer = Listener { ui }.with_filter(Wanted { types });
    // Somebody else listens only where the program runs twice in one process, as in tests.
    drop(Registry::default().with(layer).try_init());
}

struct Wanted {
    types: Vec<Type>,
}

impl<S: Subscriber> Filter<S> for Wanted {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        let level = *metadata.level();
        let ours = metadata.target().starts_with("offlineimap");
        ours && (level <= tracing::Level::WARN
            || (metadata.is_event() && self.types.contains(&Type::of(metadata))))
    }

    fn max_level_hint(&self) -> Option<tracing_subscriber::filter::LevelFilter> {
        use tracing_subscriber::filter::LevelFilter;
        Some(if self.types.is_empty() { LevelFilter::WARN } else { LevelFilter::TRACE })
    }
}

struct Listener {
    ui: Arc<Ui>,
}

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let metadata = event.metadata();
        let (level, text) = if *metadata.level() <= tracing::Level::WARN {
            (Level::Warning, words.in_order())
        } else {
            (Level::Debug, format!("[{}]: {}", Type::of(metadata).name(), words.in_order()))
        };
        self.ui.tell(Message::main(level, text));
    }
}

/// The message of an event, and its fields.
#[derive(Debug, Default)]
struct Words {
    message: String,
    fields: String,
}

impl Words {
    fn in_order(self) -> String {
        match (self.message.is_empty(), self.fields.is_empty()) {
            (_, true) => self.message,
            (true, false) => self.fields,
            (false, false) => format!("{} ({})", self.message, self.fields),
        }
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            let separator = if self.fields.is_empty() { "" } else { ", " };
            write!(self.fields, "{separator}{}: {value:?}", field.name())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_means_every_type_and_keeps_concurrency() {
        let all = Selection::parse("ALL");
        assert_eq!(all.types, [Type::Other, Type::Imap, Type::Maildir, Type::Thread]);
        assert!(all.keeps_concurrency && all.invalid.is_empty());
    }

    #[test]
    fn unknown_types_are_kept_for_a_warning() {
        let some = Selection::parse("imap, nope");
        assert_eq!(some.types, [Type::Other, Type::Imap]);
        assert_eq!(some.invalid, ["nope"]);
        assert!(!some.keeps_concurrency);
    }
}
