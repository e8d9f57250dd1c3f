//! Measures this program beside mbsync and OfflineIMAP against the same server.

fn main() {}
