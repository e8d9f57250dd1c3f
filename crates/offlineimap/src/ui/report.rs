//! What is said at the end if something went wrong (`spec/ui.md` §7).

use super::Failure;

/// The paragraphs of the report; none if nothing went wrong.
pub(super) fn paragraphs(failures: &[Failure], validity_problems: usize) -> Vec<String> {
    let mut paragraphs = Vec::new();
    if !failures.is_empty() {
        paragraphs.push("ERROR: Exceptions occurred during the run!".to_owned());
        paragraphs.extend(failures.iter().map(|failure| format!("{failure}\n")));
    }
    if validity_problems > 0 {
        paragraphs.push("At least one folder skipped due to UID validity problem".to_owned());
    }
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_run_ends_in_silence() {
        assert!(paragraphs(&[], 0).is_empty());
    }

    #[test]
    fn every_error_is_repeated_with_its_context() {
        let failures = [
            Failure { context: Some("copying message 7".into()), text: "no such message".into() },
            Failure { context: None, text: "lonely".into() },
        ];
        assert_eq!(
            paragraphs(&failures, 1),
            [
                "ERROR: Exceptions occurred during the run!",
                "ERROR: copying message 7\n  no such message\n",
                "ERROR: lonely\n",
                "At least one folder skipped due to UID validity problem",
            ]
        );
    }
}
