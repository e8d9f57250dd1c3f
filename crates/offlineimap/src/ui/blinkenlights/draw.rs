//! Drawing the screen: the banner at the top, the rows of the accounts at the bottom, the log
//! between them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::screen::{Banner, Colour, Light, LogLine, Row, Screen, State};

/// How many rows stay for the log, if there are that many.
const LOG_AT_LEAST: u16 = 3;

/// How wide the names of accounts are.
const NAME_WIDTH: usize = 12;

/// Draws all of it.
pub(super) fn draw(screen: &Screen, frame: &mut Frame<'_>) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, Style::new().fg(Color::Gray).bg(Color::Black));
    let Some(below) = area.height.checked_sub(1) else { return };
    frame.render_widget(banner(&screen.banner, area.width), Rect { height: 1, ..area });

    let all_rows = u16::try_from(screen.rows.len()).unwrap_or(u16::MAX);
    let rows = all_rows.min(below.saturating_sub(LOG_AT_LEAST).max(1)).min(below);
    for (up, (number, row)) in (1..=rows).zip(screen.rows.iter().enumerate()) {
        let y = area.bottom().saturating_sub(up);
        frame.render_widget(account(number, row), Rect { y, height: 1, ..area });
    }

    let log = Rect { y: area.y.saturating_add(1), height: below - rows, ..area };
    let lines = last_lines(screen, log);
    // The newest line is at the bottom, right above the rows.
    for (up, line) in (1..=log.height).zip(lines.iter().rev()) {
        let y = log.bottom().saturating_sub(up);
        frame.render_widget(line, Rect { y, height: 1, ..log });
    }
    if screen.is_asking()
        && let Some(line) = lines.last()
        && log.height > 0
    {
        let width = u16::try_from(line.width()).unwrap_or(u16::MAX);
        let x = log.x.saturating_add(width.min(log.width.saturating_sub(1)));
        frame.set_cursor_position((x, log.bottom().saturating_sub(1)));
    }
}

fn banner(banner: &Banner, width: u16) -> Line<'_> {
    let style = Style::new().fg(Color::Gray).bg(Color::Blue).add_modifier(Modifier::BOLD);
    let [left, right] = [&banner.left, &banner.right].map(Span::raw);
    let space = usize::from(width).saturating_sub(left.width() + right.width()).max(1);
    Line::from(vec![left, Span::raw(" ".repeat(space)), right]).style(style)
}

fn account(number: usize, row: &Row) -> Line<'_> {
    let key = if number < 10 { number.to_string() } else { " ".to_owned() };
    let state = match row.state {
        State::Active => "active",
        State::Done => "  done",
    };
    let name: String = row.name.chars().take(NAME_WIDTH).collect();
    let mut spans = vec![Span::raw(format!("{key}: [{state}] {name:>NAME_WIDTH$}: "))];
    spans.extend(row.lights.iter().map(|light| match light {
        Light::Off => Span::styled("@", style(Colour::Black)),
        Light::On(colour) => Span::styled("@", style(*colour)),
    }));
    Line::from(spans)
}

/// The end of the log, as far as there is place for it.
fn last_lines(screen: &Screen, place: Rect) -> Vec<Line<'_>> {
    let height = usize::from(place.height);
    let mut lines = Vec::new();
    for LogLine { colour, text } in screen.log.iter().rev() {
        if lines.len() >= height {
            break;
        }
        let pieces = wrapped(text, usize::from(place.width).max(1));
        lines.extend(pieces.into_iter().rev().map(|piece| Line::styled(piece, style(*colour))));
    }
    lines.truncate(height);
    lines.reverse();
    lines
}

/// A text in pieces that are not wider than this.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let letter_width = Span::raw(letter.to_string()).width();
        if used + letter_width > width && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            used = 0;
        }
        piece.push(letter);
        used += letter_width;
    }
    pieces.push(piece);
    pieces
}

fn style(colour: Colour) -> Style {
    let plain = |color| Style::new().fg(color);
    match colour {
        Colour::Black => plain(Color::Black),
        Colour::Red => plain(Color::Red),
        Colour::BoldRed => plain(Color::Red).add_modifier(Modifier::BOLD),
        Colour::White => plain(Color::Gray),
        Colour::Magenta => plain(Color::Magenta),
        Colour::Blue => plain(Color::Blue),
        Colour::Cyan => plain(Color::Cyan),
        Colour::Green => plain(Color::Green),
        Colour::Yellow => plain(Color::Yellow),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use insta::assert_snapshot;
    use offlineimap_core::MailboxName;
    use offlineimap_engine::FolderLabel;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::ui::{Level, Message, Moment, Question, Thread};

    fn drawn(screen: &Screen, width: u16, height: u16) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(screen, frame)).unwrap();
        terminal
    }

    fn colour_at(terminal: &Terminal<TestBackend>, x: u16, y: u16) -> Color {
        terminal.backend().buffer().cell((x, y)).unwrap().fg
    }

    fn inbox() -> Thread {
        Thread::folder("INBOX", "Test")
    }

    fn label() -> FolderLabel {
        FolderLabel { repository: "Remote".into(), kind: "IMAP", folder: MailboxName::new("INBOX") }
    }

    fn started(screen: &mut Screen, thread: &Thread, account: &str) {
        screen.notice(thread, &Moment::ThreadStarted { account: account.into() });
    }

    fn say(screen: &mut Screen, level: Level, thread: &Thread, text: &str) {
        screen.show(&Message::new(level, thread.clone(), text));
    }

    /// Two accounts, one of them with a folder that is being copied.
    fn at_work() -> Screen {
        let mut screen = Screen::new();
        screen.present("offlineimap 1.0\n  Licensed under the MIT license");
        for account in ["Test", "A long name of mine"] {
            let thread = Thread::account(account);
            started(&mut screen, &thread, account);
            screen.notice(&thread, &Moment::AccountStarted { account: account.into() });
            say(&mut screen, Level::Info, &thread, &format!("*** Processing account {account}"));
        }
        started(&mut screen, &inbox(), "Test");
        let copying = Moment::Copying { number: "1".into(), from: label(), to: label() };
        screen.notice(&inbox(), &copying);
        let text = "Copy message UID 1 (1/3) Remote:INBOX -> Local:INBOX";
        say(&mut screen, Level::Info, &inbox(), text);
        screen
    }

    #[test]
    fn the_log_is_between_the_banner_and_a_row_for_each_account() {
        assert_snapshot!(drawn(&at_work(), 60, 9).backend());
    }

    #[test]
    fn lights_and_lines_have_the_colour_of_what_is_done() {
        let terminal = drawn(&at_work(), 60, 9);
        let lights = [(26, 8), (26, 7), (27, 7), (26, 6)];
        assert_eq!(
            lights.map(|(x, y)| colour_at(&terminal, x, y)),
            [Color::Red, Color::Magenta, Color::Yellow, Color::Magenta]
        );
        assert_eq!(
            [3, 4, 5].map(|y| colour_at(&terminal, 0, y)),
            [Color::Magenta, Color::Magenta, Color::Yellow]
        );
        let banner = terminal.backend().buffer().cell((0, 0)).unwrap();
        assert_eq!((banner.bg, banner.modifier), (Color::Blue, Modifier::BOLD));
    }

    #[test]
    fn a_light_goes_out_with_its_thread_and_is_used_again() {
        let mut screen = at_work();
        screen.notice(&Thread::Main, &Moment::ThreadEnded { thread: inbox().name().into() });
        assert_eq!(colour_at(&drawn(&screen, 60, 9), 27, 7), Color::Black);
        let work = Thread::folder("Work", "Test");
        started(&mut screen, &work, "Test");
        screen.notice(&work, &Moment::Listing(label()));
        assert_eq!(colour_at(&drawn(&screen, 60, 9), 27, 7), Color::Green);
        assert_eq!(screen.rows[1].lights.len(), 2);
    }

    #[test]
    fn a_warning_is_bold_red_and_an_error_keeps_the_colour() {
        let mut screen = at_work();
        say(&mut screen, Level::Error, &inbox(), "ERROR: no");
        assert_eq!(colour_at(&drawn(&screen, 60, 9), 0, 5), Color::Yellow);
        say(&mut screen, Level::Warning, &inbox(), "not quite");
        let terminal = drawn(&screen, 60, 9);
        let cell = terminal.backend().buffer().cell((0, 5)).unwrap();
        assert_eq!((cell.fg, cell.modifier), (Color::Red, Modifier::BOLD));
    }

    #[test]
    fn long_lines_are_wrapped_and_control_characters_are_not_sent() {
        let mut screen = at_work();
        say(
            &mut screen,
            Level::Info,
            &inbox(),
            "a \u{1b}[2Jserver\tsays: 日本語日本語日本語\nand more",
        );
        assert_snapshot!(drawn(&screen, 24, 9).backend());
    }

    #[test]
    fn a_question_is_at_the_end_of_the_log_and_the_cursor_behind_it() {
        let mut screen = at_work();
        let question =
            Question { thread: Thread::Main, user: "me".into(), refusal: Some("wrong".into()) };
        screen.ask(&question, channel().0);
        screen.type_secretly('x');
        let mut terminal = drawn(&screen, 60, 9);
        assert_snapshot!(terminal.backend());
        let cursor = terminal.get_cursor_position().unwrap();
        assert_eq!((cursor.x, cursor.y), (42, 5));
    }

    #[test]
    fn an_account_that_is_done_says_so() {
        let mut screen = at_work();
        let done = Moment::AccountFinished { account: "Test".into() };
        screen.notice(&Thread::account("Test"), &done);
        let shown = drawn(&screen, 60, 9).backend().to_string();
        assert!(shown.contains("1: [  done]         Test: @@"), "{shown}");
    }

    #[test]
    fn no_screen_is_too_small() {
        let mut screen = at_work();
        screen
            .ask(&Question { thread: Thread::Main, user: "me".into(), refusal: None }, channel().0);
        for (width, height) in [(1, 1), (1, 9), (60, 1), (60, 2), (60, 3), (3, 4)] {
            drawn(&screen, width, height);
        }
    }
}
