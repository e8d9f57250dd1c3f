//! Vocabulary, pure planner and the store contract of a mail synchroniser.
