//! The offlineimaprc language: sections, options, interpolation, diagnostics with positions.
