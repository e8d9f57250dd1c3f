//! Which command may be sent when.
