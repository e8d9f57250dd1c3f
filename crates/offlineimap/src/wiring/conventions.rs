//! How an account wants its message files written.

use offlineimap_config as config;
use offlineimap_maildir::{Conventions, Dating, DirectoryTimes, InfoMark, KeywordLetters};

/// Gathers what the sections of an account and of its Maildir say.
pub(super) fn conventions(
    account: &config::Account,
    maildir: &config::MaildirRepository,
) -> Conventions {
    let dating = |by_header| if by_header { Dating::Header } else { Dating::Arrival };
    Conventions {
        info_mark: if account.windows_compatible_names {
            InfoMark::ExclamationMark
        } else {
            InfoMark::Colon
        },
        name_dating: dating(maildir.header_dates.in_names),
        directory_times: if maildir.restore_access_times {
            DirectoryTimes::PutBack
        } else {
            DirectoryTimes::Left
        },
        keywords: KeywordLetters::new(maildir.custom_flags.clone()),
        file_dating: dating(maildir.header_dates.of_files),
    }
}
