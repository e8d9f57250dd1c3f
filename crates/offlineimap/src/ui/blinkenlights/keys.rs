//! What keys do.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::screen::Screen;
use crate::ui::Request;

/// Reacts to a key; to anything else there is nothing to do.
///
/// While a password is asked for, keys are its letters. Otherwise a digit asks for a sync of the
/// account of that number, and `q` for the end of the run. The terminal does not turn Ctrl-C into a
/// signal while it is read key by key.
#[expect(clippy::wildcard_enum_match_arm, reason = "other keys do nothing")]
pub(super) fn react(screen: &mut Screen, event: &Event) -> Option<Request> {
    let Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else { return None };
    if *kind == KeyEventKind::Release {
        return None;
    }
    let with_control = modifiers.contains(KeyModifiers::CONTROL);
    let answering = screen.is_asking();
    match code {
        KeyCode::Char('c') if with_control => {
            screen.withdraw_question();
            return Some(Request::Interrupt);
        }
        KeyCode::Char('u') if with_control => screen.begin_answer_anew(),
        KeyCode::Char('j' | 'm') if with_control => screen.answer(),
        KeyCode::Char(_) if with_control => {}
        KeyCode::Enter => screen.answer(),
        KeyCode::Backspace => screen.take_back(),
        KeyCode::Char(letter) if answering => screen.type_secretly(*letter),
        KeyCode::Char('q') => return Some(Request::Quit),
        KeyCode::Char(digit) => {
            let number = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
            if let Some(number) = number {
                screen.request_sync(number);
            }
        }
        _ => {}
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, TryRecvError, channel};

    use super::*;
    use crate::ui::{Moment, Question, Thread};

    fn press(screen: &mut Screen, keys: &str) -> Vec<Request> {
        let key = |letter| match letter {
            '\n' => KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE),
            '\u{8}' => KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE),
            '\u{3}' => KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL),
            '\u{15}' => KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL),
            letter => KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE),
        };
        keys.chars().filter_map(|letter| react(screen, &Event::Key(key(letter)))).collect()
    }

    fn asked(screen: &mut Screen) -> Receiver<String> {
        let (reply, answer) = channel();
        let question = Question { thread: Thread::Main, user: "me".into(), refusal: None };
        screen.ask(&question, reply);
        answer
    }

    #[test]
    fn q_asks_for_the_end_and_ctrl_c_interrupts() {
        let mut screen = Screen::new();
        assert_eq!(press(&mut screen, "xq\u{3}"), [Request::Quit, Request::Interrupt]);
    }

    #[test]
    fn a_digit_asks_for_a_sync_of_the_account_of_that_number() {
        let mut screen = Screen::new();
        let account = Moment::ThreadStarted { account: "Test".into() };
        screen.notice(&Thread::account("Test"), &account);
        assert!(press(&mut screen, "019").is_empty());
        assert_eq!(screen.texts(), ["Requested synchronization for acc: Test"]);
    }

    #[test]
    fn keys_are_letters_of_the_password_while_it_is_asked_for() {
        let mut screen = Screen::new();
        let answer = asked(&mut screen);
        assert!(press(&mut screen, "wrong\u{15}q1x\u{8}ü\n").is_empty());
        assert_eq!(answer.recv().unwrap(), "q1ü");
        assert_eq!(press(&mut screen, "q"), [Request::Quit], "the question is over");
        assert!(!screen.texts().concat().contains('ü'));
    }

    #[test]
    fn ctrl_c_withdraws_the_question() {
        let mut screen = Screen::new();
        let answer = asked(&mut screen);
        assert_eq!(press(&mut screen, "secret\u{3}"), [Request::Interrupt]);
        assert_eq!(answer.try_recv(), Err(TryRecvError::Disconnected));
    }
}
