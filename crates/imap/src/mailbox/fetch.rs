//! Fetching whole messages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU32;

use offlineimap_core::{Fetched, InternalDate, Key, Receiver, StoreError, StoreErrorKind};
use offlineimap_imap_proto::command::{Command, FetchItem, Messages};
use offlineimap_imap_proto::response::{BodyForm, BodyStart, Fetch, Section, Untagged};
use offlineimap_imap_proto::session::Outcome;
use offlineimap_imap_proto::uid_set::{Uid, UidSet};
use tokio::time::sleep;

use crate::connection::{Conversation, Happening, Ticket, accepted};
use crate::mailbox::stream::{Ending, Incoming};
use crate::mailbox::{ImapMailbox, batches};
use crate::pool::Attempts;
use crate::translate::{date, uid, uid_set};

/// Fetches messages, going on after a lost connection with those that are left. A message at which
/// the connection breaks again and again is given up, and the others are not.
pub(super) async fn fetch(
    mailbox: &ImapMailbox,
    keys: &[Key],
    receiver: &mut dyn Receiver,
) -> Result<(), StoreError> {
    let mut left = BTreeSet::new();
    for key in keys {
        match uid(key, &mailbox.name) {
            Ok(uid) => drop(left.insert(uid)),
            Err(error) => receiver.failed(key, error),
        }
    }
    let config = mailbox.pool.config();
    let mut attempts = Attempts::new(config);
    let mut breaks = Breaks::new(config.fetch_attempts);
    while !left.is_empty() {
        let before = left.len();
        let ended = Fetching::run(mailbox, &mut left, receiver).await;
        if left.len() < before {
            // Servers that close every now and then are got through all the same.
            attempts = Attempts::new(config);
            breaks.row = 0;
        }
        match ended {
            Ok(()) => {}
            Err(End::Receiver(error)) => return Err(error),
            Err(End::Store(error)) => {
                if !attempts.again(&error).await {
                    return Err(error);
                }
            }
            Err(End::Lost { error, uid }) => match breaks.note(uid) {
                Verdict::Again => {
                    tracing::info!("{error}; trying again");
                    sleep(config.retry_pause).await;
                }
                Verdict::GiveUp { times } => {
                    let what = format!("was not fetched: each of {times} attempts failed: {error}");
                    left.remove(&uid);
                    receiver.failed(&Key::number(uid), mailbox.message_error(uid, &what));
                }
                Verdict::Hopeless => return Err(error),
            },
        }
    }
    Ok(())
}

/// At which messages the connection broke.
struct Breaks {
    /// How often a message is tried.
    attempts: NonZeroU32,
    /// At which one it broke last, and how often.
    last: Option<(Uid, u32)>,
    /// How many messages were given up since one was received.
    row: usize,
}

/// What follows from a connection that broke at a message.
enum Verdict {
    Again,
    GiveUp {
        times: u32,
    },
    /// It is not the messages.
    Hopeless,
}

impl Breaks {
    fn new(attempts: NonZeroU32) -> Self {
        Self { attempts, last: None, row: 0 }
    }

    fn note(&mut self, uid: Uid) -> Verdict {
        let before = self.last.filter(|(last, _)| *last == uid).map_or(0, |(_, times)| times);
        let times = before + 1;
        self.last = Some((uid, times));
        if times < self.attempts.get() {
            return Verdict::Again;
        }
        self.row += 1;
        if self.row > GIVEN_UP_IN_A_ROW { Verdict::Hopeless } else { Verdict::GiveUp { times } }
    }
}

/// Why fetching ended early.
enum End {
    /// The receiver wants no more.
    Receiver(StoreError),
    /// The connection or the mailbox failed.
    Store(StoreError),
    /// The connection broke while this message was due.
    Lost { error: StoreError, uid: Uid },
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A command that is to be sent, or is.
struct Request {
    uids: UidSet,
    form: Form,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Messages with their dates.
    Whole,
    /// One message of which all but the body is known already.
    BodyAlone(Option<InternalDate>),
    /// What a message of which the body came empty is said to be like.
    Size,
}

/// Fetching over one connection.
struct Fetching<'a> {
    mailbox: &'a ImapMailbox,
    left: &'a mut BTreeSet<Uid>,
    receiver: &'a mut dyn Receiver,
    waiting: VecDeque<Request>,
    under_way: BTreeMap<Ticket, Request>,
    /// How many commands may be under way: while one is answered, the next ones are at the server.
    window: usize,
    /// Messages whose body was passed over because UID or date came behind it, or because it was
    /// empty; their turn comes again.
    postponed: BTreeSet<Uid>,
    /// The message whose body is being received.
    receiving: Option<Uid>,
    /// What the body that came last was worth.
    last_body: LastBody,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LastBody {
    /// There is none, or it was received.
    Settled,
    /// It was passed over: the FETCH line will say whose it was.
    PassedOver,
    /// It had no octets.
    Empty,
    /// It was NIL: the server has the message and not its body.
    Nil,
}

impl<'a> Fetching<'a> {
    async fn run(
        mailbox: &'a ImapMailbox,
        left: &'a mut BTreeSet<Uid>,
        receiver: &'a mut dyn Receiver,
    ) -> Result<(), End> {
        let mut lease = mailbox.enter().await?;
        let mut conversation = lease.converse()?;
        let waiting = batches(left.iter().copied(), BATCH)
            .into_iter()
            .map(|uids| Request { uids, form: Form::Whole })
            .collect();
        let mut fetching = Self {
            mailbox,
            left,
            receiver,
            waiting,
            under_way: BTreeMap::new(),
            window: WINDOW,
            postponed: BTreeSet::new(),
            receiving: None,
            last_body: LastBody::Settled,
        };
        match fetching.go(&mut conversation).await {
            Err(End::Store(error)) if error.kind() == StoreErrorKind::ConnectionLost => {
                Err(match fetching.due() {
                    Some(uid) => End::Lost { error, uid },
                    None => End::Store(error),
                })
            }
            ended => ended,
        }
    }

    /// The message that the server was to give next: answers come in the order of questions.
    fn due(&self) -> Option<Uid> {
        let asked = self.under_way.values().flat_map(|request| request.uids.iter());
        self.receiving.or_else(|| {
            asked.into_iter().find(|uid| self.left.contains(uid) && !self.postponed.contains(uid))
        })
    }

    async fn go(&mut self, conversation: &mut Conversation<'_>) -> Result<(), End> {
        loop {
            while self.under_way.len() < self.window
                && let Some(request) = self.waiting.pop_front()
            {
                let ticket = conversation.submit(request.command());
                self.under_way.insert(ticket, request);
            }
            if conversation.open() == 0 {
                return Ok(());
            }
            match conversation.next().await? {
                Happening::BodyStart { ticket, start } => {
                    self.take_body(conversation, ticket, start).await?;
                }
                Happening::Untagged(Untagged::Fetch(fetch)) => self.take_fetch(&fetch),
                Happening::Completed { ticket, outcome, .. } => self.complete(ticket, &outcome),
                Happening::Untagged(_) | Happening::BodyChunk(_) | Happening::BodyEnd => {}
            }
        }
    }

    /// Hands a body to the receiver, if it is known whose it is; otherwise passes it over.
    async fn take_body(
        &mut self,
        conversation: &mut Conversation<'_>,
        ticket: Option<Ticket>,
        start: BodyStart,
    ) -> Result<(), End> {
        let mut body = Incoming::new(conversation, start.size_bytes);
        let request = ticket.and_then(|ticket| self.under_way.get(&ticket));
        let asked = request.filter(|request| request.uids.len() == 1);
        let owner = start.uid.or_else(|| asked.and_then(|request| request.uids.first()));
        let known_date = match asked {
            Some(Request { form: Form::BodyAlone(date), .. }) => Some(*date),
            _ => start.internal_date.map(|wire| Some(date(wire))),
        };
        let confirmed_empty = matches!(asked, Some(Request { form: Form::BodyAlone(_), .. }));
        if owner.is_none() {
            self.become_careful();
        }
        self.last_body = match start {
            BodyStart { section: Section::Other(_), .. } => LastBody::Settled,
            BodyStart { form: BodyForm::Nil, .. } => LastBody::Nil,
            BodyStart { size_bytes: 0, .. } if !confirmed_empty => LastBody::Empty,
            _ => LastBody::PassedOver,
        };
        if let (LastBody::PassedOver, Some(uid), Some(date)) = (self.last_body, owner, known_date)
            && self.left.contains(&uid)
        {
            self.last_body = LastBody::Settled;
            let message = Fetched { key: Key::number(uid), date };
            self.receiving = Some(uid);
            let received = self.receiver.receive(message, &mut body).await;
            let broken = body.is_broken();
            match received {
                // The receiver gave the message back: it is asked for again.
                Err(error) if broken && error.kind() == StoreErrorKind::ConnectionLost => {
                    return Err(End::Store(error));
                }
                Err(error) => return Err(End::Receiver(error)),
                Ok(()) => drop(self.left.remove(&uid)),
            }
            self.receiving = None;
        }
        match body.skip().await? {
            Ending::Complete => Ok(()),
            Ending::Broken => Err(End::Store(conversation.lost())),
        }
    }

    /// Learns whose the last body was, if it was passed over.
    fn take_fetch(&mut self, fetch: &Fetch) {
        let last_body = std::mem::replace(&mut self.last_body, LastBody::Settled);
        let Some(uid) = fetch.uid.filter(|uid| self.left.contains(uid)) else { return };
        let size = self.under_way.values().any(|request| {
            request.form == Form::Size && request.uids.contains(uid) && fetch.size_bytes.is_some()
        });
        let date = fetch.internal_date.map(date);
        match last_body {
            LastBody::Settled if size && fetch.size_bytes == Some(0) => {
                self.postpone(uid, Form::BodyAlone(date));
            }
            LastBody::Settled if size => self.fail(uid, "has a body that the server does not give"),
            LastBody::Settled => {}
            LastBody::PassedOver => self.postpone(uid, Form::BodyAlone(date)),
            // An empty message is rare, a server that cannot give a body is not: ask.
            LastBody::Empty => self.postpone(uid, Form::Size),
            LastBody::Nil => self.fail(uid, "has no body that the server could give"),
        }
    }

    fn complete(&mut self, ticket: Ticket, outcome: &Outcome) {
        let Some(request) = self.under_way.remove(&ticket) else { return };
        let unanswered: Vec<Uid> = request
            .uids
            .iter()
            .filter(|uid| self.left.contains(uid) && !self.postponed.remove(uid))
            .collect();
        match accepted(outcome) {
            Ok(()) => {
                for uid in unanswered {
                    self.fail(uid, "is listed, but the server does not have it");
                }
            }
            Err(refusal) if request.uids.len() == 1 => {
                for uid in unanswered {
                    self.fail(uid, &format!("cannot be fetched: {refusal}"));
                }
            }
            // One message can spoil a batch: find out which.
            Err(_) => self.waiting.extend(
                unanswered
                    .into_iter()
                    .map(|uid| Request { uids: uid_set([uid]), form: request.form }),
            ),
        }
    }

    /// Goes on message by message: this server tells the UID behind the body, so that only the
    /// question can tell whose a body is.
    fn become_careful(&mut self) {
        self.window = 1;
        self.waiting = self
            .waiting
            .drain(..)
            .flat_map(|Request { uids, form }| {
                batches(uids.iter(), 1).into_iter().map(move |uids| Request { uids, form })
            })
            .collect();
    }

    fn postpone(&mut self, uid: Uid, form: Form) {
        if self.postponed.insert(uid) {
            self.waiting.push_back(Request { uids: uid_set([uid]), form });
        }
    }

    fn fail(&mut self, uid: Uid, what: &str) {
        if self.left.remove(&uid) {
            let error = self.mailbox.message_error(uid, what);
            self.receiver.failed(&Key::number(uid), error);
        }
    }
}

impl Request {
    fn command(&self) -> Command {
        let items: &[FetchItem] = match self.form {
            Form::Whole => &[FetchItem::Uid, FetchItem::InternalDate, FetchItem::Body],
            Form::BodyAlone(_) => &[FetchItem::Uid, FetchItem::Body],
            Form::Size => &[FetchItem::Uid, FetchItem::InternalDate, FetchItem::Size],
        };
        Command::fetch(Messages::Uids(self.uids.clone()), items)
    }
}

/// How many messages may be given up without one being received between them. At the next one it is
/// the server that fails, and not the messages.
const GIVEN_UP_IN_A_ROW: usize = 3;

/// How many messages are asked for at once: enough to forget the round trips.
const BATCH: usize = 150;

/// How many commands are under way at servers that tell whose a body is.
const WINDOW: usize = 8;
