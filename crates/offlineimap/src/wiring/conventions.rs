//! How an account wants its message files written.

use offlineimap_config as config;
use offlineimap_maildir::{Conventions, InfoMark};

/// Gathers what the sections of an account and of its Maildir say.
pub(super) fn conventions(account: &config::Account) -> Conventions {
    Conventions {
        info_mark: if account.windows_compatible_names {
            InfoMark::ExclamationMark
        } else {
            InfoMark::Colon
        },
    }
}
