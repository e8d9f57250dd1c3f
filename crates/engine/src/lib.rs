//! Observe, plan, review, journal, execute; the state database and the scheduler.
