//! The reference page in `docs/` against the table of options.

use std::path::Path;

#[test]
fn the_reference_page_is_that_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/options.md");
    let page = offlineimap_config::options::reference_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("docs/options.md can be written");
    }
    let written = std::fs::read_to_string(&path).expect("docs/options.md is there");
    assert!(
        written == page,
        "docs/options.md is not up to date; its first lines say how to make it"
    );
}
