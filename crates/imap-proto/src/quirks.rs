//! What servers were seen to do against the standard, and what is done about it.
