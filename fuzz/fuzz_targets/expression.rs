//! Any text: no panic and an end, whether it is refused, raises, or has a value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use offlineimap_config::expression::{Expression, Scope, Value};

fuzz_target!(|text: &str| {
    let Ok(expression) = Expression::parse(text, Scope::folder_option()) else { return };
    let Ok(value) = expression.evaluate(&()) else { return };
    let _text = value.repr();
    if value.is_callable() {
        for name in ["INBOX", "Entwürfe/a.b 𝄞\n", ""] {
            let _result = value.call(&[Value::text(name)], &()).map(|value| value.repr());
        }
    }
});
