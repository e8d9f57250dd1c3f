//! Any file: no panic and an end, whether it is understood or every mistake is told with its place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use offlineimap_config::{Color, Environment, Request, load};

fuzz_target!(|data: &[u8]| {
    let environment = Environment::new(Some("/home/joe".into()), |_| None);
    match load(&Request::new("rc", data), &environment) {
        Ok(config) => {
            let _text = config.warnings.render(Color::Never);
            for account in config.refused {
                assert!(account.problems.has_errors());
                let _text = account.problems.render(Color::Never);
            }
        }
        Err(problems) => {
            assert!(problems.has_errors());
            let _text = problems.render(Color::Never);
        }
    }
});
