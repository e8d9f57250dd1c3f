//! Situations of expressions.
