//! The switch that ends a run at a chosen step.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use offlineimap_core::Steps;
use tokio::sync::watch;

/// What happens from the moment on when the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCut {
    /// Every call of a store on the switch fails at once, as when a connection is lost. State
    /// that others write is not stopped.
    Fail,
    /// Calls never return. A test waits for [`PowerSwitch::wait_until_off`] and drops the run.
    Hang,
    /// The step itself panics, so that also a write of state that it announces is not made.
    Panic,
}

/// Counts steps, and cuts the power just before a chosen one.
///
/// Stores and whoever else writes share a switch by announcing their changes to its
/// [`PowerSwitch::steps`]. Clones are the same switch.
#[derive(Clone)]
pub struct PowerSwitch(Arc<Circuit>);

struct Circuit {
    wiring: Mutex<Wiring>,
    off: watch::Sender<bool>,
}

struct Wiring {
    taken: Vec<String>,
    cut_at: Option<usize>,
    after_cut: AfterCut,
    off: bool,
}

impl Default for PowerSwitch {
    /// A switch that never cuts, and counts.
    fn default() -> Self {
        Self::with(None, AfterCut::Fail)
    }
}

impl PowerSwitch {
    /// A switch that cuts the power just before step number `step`, counted from 1: that step
    /// and all later ones do not happen.
    pub fn cutting_at(step: usize, after_cut: AfterCut) -> Self {
        Self::with(Some(step), after_cut)
    }

    fn with(cut_at: Option<usize>, after_cut: AfterCut) -> Self {
        let wiring = Wiring { taken: Vec::new(), cut_at, after_cut, off: false };
        Self(Arc::new(Circuit { wiring: Mutex::new(wiring), off: watch::Sender::new(false) }))
    }

    /// The witness through which changes are announced.
    pub fn steps(&self) -> Steps {
        let switch = self.clone();
        Steps::witnessed_by(move |what| switch.witness(what))
    }

    /// What was announced while the power was on, in order; the step at which the power was cut
    /// is not among it.
    pub fn taken(&self) -> Vec<String> {
        self.wiring().taken.clone()
    }

    /// Tells whether the power is off.
    pub fn is_off(&self) -> bool {
        self.wiring().off
    }

    /// Cuts the power now.
    pub fn cut(&self) {
        self.wiring().off = true;
        self.0.off.send_replace(true);
    }

    /// Switches the power on again for good.
    pub fn restore(&self) {
        let mut wiring = self.wiring();
        wiring.off = false;
        wiring.cut_at = None;
        self.0.off.send_replace(false);
    }

    /// Waits until the power is cut.
    pub async fn wait_until_off(&self) {
        // The sender lives in this very switch, so waiting cannot fail.
        drop(self.0.off.subscribe().wait_for(|off| *off).await);
    }

    /// `None` while the power is on.
    pub(super) fn state(&self) -> Option<AfterCut> {
        let wiring = self.wiring();
        wiring.off.then_some(wiring.after_cut)
    }

    fn witness(&self, what: &str) {
        let mut wiring = self.wiring();
        if !wiring.off && wiring.cut_at == Some(wiring.taken.len() + 1) {
            wiring.off = true;
            self.0.off.send_replace(true);
        }
        if !wiring.off {
            wiring.taken.push(what.to_owned());
        } else if wiring.after_cut == AfterCut::Panic {
            let step = wiring.taken.len() + 1;
            drop(wiring);
            panic!("the power was cut at step {step}: {what}");
        }
    }

    fn wiring(&self) -> MutexGuard<'_, Wiring> {
        self.0.wiring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PowerSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wiring = self.wiring();
        f.debug_struct("PowerSwitch")
            .field("taken", &wiring.taken.len())
            .field("cut_at", &wiring.cut_at)
            .field("off", &wiring.off)
            .finish_non_exhaustive()
    }
}
