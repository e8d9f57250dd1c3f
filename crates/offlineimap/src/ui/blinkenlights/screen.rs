//! What is on the screen: a log, and for each account a row with a light for each of its threads.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::Sender;

use crate::ui::{Level, Message, Moment, Question, Thread};

/// How many lines of the log are kept: more than any screen shows.
const KEPT_LINES: usize = 500;

/// Who speaks for the program itself.
const CONTROL: &str = "*Control";

/// The contents of the screen.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) banner: Banner,
    pub(super) log: VecDeque<LogLine>,
    /// The program itself, and then the accounts in the order of their first activity.
    pub(super) rows: Vec<Row>,
    /// Where the lights of the threads are.
    places: BTreeMap<String, Place>,
    question: Option<Asked>,
}

/// The two ends of the first line.
#[derive(Debug, Default)]
pub(super) struct Banner {
    pub(super) left: String,
    pub(super) right: String,
}

/// A line of the log, as long as it may be.
#[derive(Debug)]
pub(super) struct LogLine {
    pub(super) colour: Colour,
    pub(super) text: String,
}

/// The row of an account.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) lights: Vec<Light>,
}

/// How an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is at work.
    Active,
    /// It was synced, and will not be again in this run.
    Done,
}

/// The light of a thread. It is given to another one when its thread has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Light {
    Off,
    On(Colour),
}

/// What a thread did last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Black,
    Red,
    BoldRed,
    White,
    Magenta,
    Blue,
    Cyan,
    Green,
    Yellow,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    row: usize,
    light: usize,
}

/// A question that waits for its answer.
struct Asked {
    answer: String,
    reply: Sender<String>,
}

impl Screen {
    /// A screen on which nothing has happened.
    pub(super) fn new() -> Self {
        let mut screen = Self {
            banner: Banner::default(),
            log: VecDeque::new(),
            rows: Vec::new(),
            places: BTreeMap::new(),
            question: None,
        };
        screen.light_up(&Thread::Main, CONTROL, Colour::Red);
        screen
    }

    /// Puts the first line of a text at the left of the top, and what follows at the right.
    pub(super) fn present(&mut self, text: &str) {
        let (left, right) = text.split_once('\n').unwrap_or((text, ""));
        self.banner = Banner { left: left.trim().to_owned(), right: right.trim().to_owned() };
    }

    /// Lets a moment change the lights.
    #[expect(clippy::wildcard_enum_match_arm, reason = "other moments change colours only")]
    pub(super) fn notice(&mut self, thread: &Thread, moment: &Moment) {
        match moment {
            Moment::ThreadStarted { account } => self.light_up(thread, account, Colour::Black),
            Moment::ThreadEnded { thread } => self.put_out(thread),
            Moment::AccountStarted { account } => self.set_state(account, State::Active),
            Moment::AccountFinished { account } => self.set_state(account, State::Done),
            _ => {}
        }
        if let Some(colour) = colour(moment) {
            self.set_colour(thread, colour);
        }
    }

    /// Adds a message to the log.
    pub(super) fn show(&mut self, message: &Message) {
        if message.level == Level::Warning {
            self.set_colour(&message.thread, Colour::BoldRed);
        }
        self.log(self.colour(&message.thread), &message.text);
    }

    /// Asks for a password. The reply is dropped if there is none.
    pub(super) fn ask(&mut self, question: &Question, reply: Sender<String>) {
        let Question { user, refusal, .. } = question;
        if let Some(refusal) = refusal {
            self.log(Colour::BoldRed, &format!("{user}: {refusal}"));
        }
        self.log(Colour::BoldRed, " *** Input Required");
        let text = format!(" *** Please enter password for user '{user}': ");
        self.log(Colour::BoldRed, &text);
        self.question = Some(Asked { answer: String::new(), reply });
    }

    /// Tells whether a password is asked for.
    pub(super) fn is_asking(&self) -> bool {
        self.question.is_some()
    }

    /// Adds a letter to the answer, which is not shown.
    pub(super) fn type_secretly(&mut self, letter: char) {
        if let Some(question) = &mut self.question {
            question.answer.push(letter);
        }
    }

    /// Takes the last letter of the answer back.
    pub(super) fn take_back(&mut self) {
        if let Some(question) = &mut self.question {
            question.answer.pop();
        }
    }

    /// Takes all letters of the answer back.
    pub(super) fn begin_answer_anew(&mut self) {
        if let Some(question) = &mut self.question {
            question.answer.clear();
        }
    }

    /// The answer is complete.
    pub(super) fn answer(&mut self) {
        if let Some(Asked { answer, reply }) = self.question.take() {
            // Who asked may have been interrupted.
            drop(reply.send(answer));
        }
    }

    /// There will be no answer.
    pub(super) fn withdraw_question(&mut self) {
        self.question = None;
    }

    /// Notes that the user wants the account of this number to be synced.
    pub(super) fn request_sync(&mut self, number: usize) {
        if let Some(row) = self.rows.get(number).filter(|row| row.name != CONTROL) {
            let text = format!("Requested synchronization for acc: {}", row.name);
            self.log(self.colour(&Thread::Main), &text);
        }
    }

    fn log(&mut self, colour: Colour, text: &str) {
        for line in text.split('\n') {
            self.log.push_back(LogLine { colour, text: line.replace('\t', " ") });
        }
        while self.log.len() > KEPT_LINES {
            self.log.pop_front();
        }
    }

    fn light_up(&mut self, thread: &Thread, account: &str, colour: Colour) {
        let row = self.rows.iter().position(|row| row.name == account).unwrap_or_else(|| {
            self.rows.push(Row {
                name: account.to_owned(),
                state: State::Active,
                lights: Vec::new(),
            });
            self.rows.len() - 1
        });
        let Some(Row { lights, .. }) = self.rows.get_mut(row) else { return };
        let light = lights.iter().position(|light| *light == Light::Off).unwrap_or(lights.len());
        match lights.get_mut(light) {
            Some(free) => *free = Light::On(colour),
            None => lights.push(Light::On(colour)),
        }
        self.places.insert(thread.name().to_owned(), Place { row, light });
    }

    fn put_out(&mut self, thread: &str) {
        if let Some(place) = self.places.remove(thread)
            && let Some(light) = self.light(place)
        {
            *light = Light::Off;
        }
    }

    fn set_colour(&mut self, thread: &Thread, colour: Colour) {
        if let Some(place) = self.places.get(thread.name())
            && let Some(light) = self.light(*place)
        {
            *light = Light::On(colour);
        }
    }

    /// What a thread says has the colour of its light. White is for those that have none.
    fn colour(&self, thread: &Thread) -> Colour {
        let place = self.places.get(thread.name());
        let light = place.and_then(|place| self.rows.get(place.row)?.lights.get(place.light));
        match light {
            // It could not be read.
            Some(Light::On(Colour::Black) | Light::Off) | None => Colour::White,
            Some(Light::On(colour)) => *colour,
        }
    }

    fn light(&mut self, place: Place) -> Option<&mut Light> {
        self.rows.get_mut(place.row)?.lights.get_mut(place.light)
    }

    fn set_state(&mut self, account: &str, state: State) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == account) {
            row.state = state;
        }
    }

    /// The lines of the log.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<&str> {
        self.log.iter().map(|line| line.text.as_str()).collect()
    }
}

/// The colour that a moment gives to the thread in whose name it is told.
fn colour(moment: &Moment) -> Option<Colour> {
    Some(match moment {
        Moment::Connecting { .. } | Moment::Hook { .. } => Colour::White,
        Moment::AccountStarted { .. } => Colour::Magenta,
        Moment::FoldersStarted(_) | Moment::CopiesStarted { .. } | Moment::ChangingFlags { .. } => {
            Colour::Blue
        }
        Moment::FolderStarted(_) => Colour::Cyan,
        Moment::Listing(_) => Colour::Green,
        Moment::Copying { .. } => Colour::Yellow,
        Moment::Deleting { .. } => Colour::Red,
        Moment::ValidityProblem { .. } => Colour::BoldRed,
        Moment::Banner
        | Moment::Remark
        | Moment::Activity
        | Moment::Debugging { .. }
        | Moment::ThreadStarted { .. }
        | Moment::ThreadEnded { .. }
        | Moment::AccountFinished { .. }
        | Moment::Listed { .. } => return None,
    })
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The answer is a secret.
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}
