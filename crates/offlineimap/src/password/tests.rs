use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;
use crate::pythonfile::PythonFile;
use crate::ui::{Console, Records, Verbosity};

fn first_line_of(content: &str) -> Option<String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let secret = runtime.block_on(first_line(file.path().to_owned())).unwrap();
    secret.map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn the_first_line_of_a_file_is_the_password() {
    assert_eq!(first_line_of(" open sesame \r\nsecond\n").as_deref(), Some("open sesame"));
    assert_eq!(first_line_of("no line break").as_deref(), Some("no line break"));
}

#[test]
fn an_empty_first_line_counts_as_no_password() {
    assert_eq!(first_line_of("\nsecond\n"), None);
    assert_eq!(first_line_of(""), None);
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(first_line("/nonexistent/pass".into())).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the password in '/nonexistent/pass'");
}

/// A console that remembers what it was to show, and cannot ask.
struct Notebook(Arc<Mutex<String>>);

impl Console for Notebook {
    fn lowest(&self) -> Level {
        Level::Info
    }

    fn show(&mut self, message: &Message) -> io::Result<()> {
        let mut shown = self.0.lock().unwrap();
        shown.push_str(&message.text);
        shown.push('\n');
        Ok(())
    }
}

/// A keyring in memory.
#[derive(Default)]
struct Drawer {
    content: Mutex<Option<String>>,
    broken: Option<fn() -> KeyringError>,
    asked: AtomicUsize,
}

impl Drawer {
    fn holding(password: &str) -> Self {
        Self { content: Mutex::new(Some(password.to_owned())), ..Self::default() }
    }

    fn broken(error: fn() -> KeyringError) -> Self {
        Self { broken: Some(error), ..Self::default() }
    }

    fn content(&self) -> Option<String> {
        self.content.lock().unwrap().clone()
    }
}

#[async_trait]
impl Keyring for Drawer {
    async fn password(&self, login: &Login) -> Result<Option<SecretString>, KeyringError> {
        assert_eq!((&*login.host, &*login.user), ("imap.example.org", "joe"));
        self.asked.fetch_add(1, Ordering::SeqCst);
        match self.broken {
            Some(error) => Err(error()),
            None => Ok(self.content().map(SecretString::from)),
        }
    }

    async fn store(&self, _login: &Login, password: &SecretString) -> Result<(), KeyringError> {
        if let Some(error) = self.broken {
            return Err(error());
        }
        *self.content.lock().unwrap() = Some(password.expose_secret().to_owned());
        Ok(())
    }
}

/// A password from this source or this keyring, and what is shown meanwhile.
struct Scene {
    password: Password,
    drawer: Arc<Drawer>,
    shown: Arc<Mutex<String>>,
}

impl Scene {
    fn new(configured: PasswordSource, drawer: Drawer, keyring_use: KeyringUse) -> Self {
        let (shown, drawer) = (Arc::default(), Arc::new(drawer));
        let console = Box::new(Notebook(Arc::clone(&shown)));
        let nothing = PythonFile::new(None, "python3".into(), Duration::ZERO, Arc::new(|_| ()));
        let password = Password::new(Sources {
            configured,
            login: Login { host: "imap.example.org".into(), user: "joe".into() },
            netrc: NetrcFiles::nowhere(),
            keyring: Arc::clone(&drawer) as _,
            keyring_use,
            port: 993,
            repository: "Remote".into(),
            thread: Thread::Main,
            ui: Arc::new(Ui::new(console, Records::default(), Verbosity::Ordinary)),
            evaluator: Arc::new(Evaluator::new(nothing)),
        });
        Self { password, drawer, shown }
    }

    async fn secret(&self) -> Result<String, String> {
        match self.password.secret().await {
            Ok(secret) => Ok(secret.expose_secret().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }
}

const ASKED: KeyringUse = KeyringUse { is_asked: true, is_updated: false };
const UPDATED: KeyringUse = KeyringUse { is_asked: true, is_updated: true };
const IGNORED: KeyringUse = KeyringUse { is_asked: false, is_updated: false };

const ANNOUNCEMENT: &str = "Establishing connection to imap.example.org:993 (Remote)\n";

const NO_PROMPT: &str = "Prompting for a password is not supported in this UI backend.";

#[tokio::test]
async fn the_keyring_is_asked_when_nothing_else_has_a_password() {
    let scene = Scene::new(PasswordSource::Ask, Drawer::holding("sesame"), ASKED);
    assert_eq!(scene.secret().await.as_deref(), Ok("sesame"));
    let scene = Scene::new(PasswordSource::Given("open".into()), Drawer::holding("sesame"), ASKED);
    assert_eq!(scene.secret().await.as_deref(), Ok("open"));
    assert_eq!(scene.drawer.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_keyring_that_is_to_be_ignored_is_not_asked() {
    let scene = Scene::new(PasswordSource::Ask, Drawer::holding("sesame"), IGNORED);
    assert_eq!(scene.secret().await, Err(NO_PROMPT.to_owned()));
    assert_eq!(scene.drawer.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_keyring_that_is_of_no_use_leads_to_the_prompt() {
    for (error, told) in [
        (Some((|| KeyringError::Absent("no bus".into())) as fn() -> _), ""),
        (Some(|| KeyringError::Locked), "the system keyring is locked"),
        (None, ""),
    ] {
        let drawer = error.map_or_else(Drawer::default, Drawer::broken);
        let scene = Scene::new(PasswordSource::Ask, drawer, ASKED);
        assert_eq!(scene.secret().await, Err(NO_PROMPT.to_owned()));
        assert_eq!(scene.drawer.asked.load(Ordering::SeqCst), 1);
        assert!(scene.shown().contains(told) && scene.shown().is_empty() == told.is_empty());
    }
}

#[tokio::test]
async fn a_password_goes_to_the_keyring_when_the_server_has_accepted_it_and_not_before() {
    let scene = Scene::new(PasswordSource::Given("open".into()), Drawer::default(), UPDATED);
    scene.secret().await.unwrap();
    assert_eq!(scene.drawer.content(), None);
    scene.password.accepted().await;
    assert_eq!(scene.drawer.content().as_deref(), Some("open"));

    let scene = Scene::new(PasswordSource::Given("open".into()), Drawer::default(), ASKED);
    scene.secret().await.unwrap();
    scene.password.accepted().await;
    assert_eq!(scene.drawer.content(), None, "nobody asked for it to be stored");
}

#[tokio::test]
async fn a_password_that_cannot_be_stored_is_told_and_not_shown() {
    let drawer = Drawer::broken(|| KeyringError::Locked);
    let scene = Scene::new(PasswordSource::Given("open sesame".into()), drawer, UPDATED);
    scene.secret().await.unwrap();
    scene.password.accepted().await;
    let shown = scene.shown();
    assert!(shown.contains("'joe' at 'imap.example.org' was not stored"), "{shown}");
    assert!(!shown.contains("sesame"), "{shown}");
}

#[tokio::test]
async fn a_refused_password_is_not_replaced_where_nobody_can_be_asked() {
    for (configured, told) in [
        (PasswordSource::Given("open".into()), ""),
        (PasswordSource::Ask, "joe: wrong (the password is that of the system keyring)\n"),
    ] {
        let scene = Scene::new(configured, Drawer::holding("sesame"), ASKED);
        scene.secret().await.unwrap();
        assert!(scene.password.other_secret("wrong").await.unwrap().is_none());
        assert_eq!(scene.shown().replace(ANNOUNCEMENT, ""), told);
    }
}
