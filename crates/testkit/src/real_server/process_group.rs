use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process_group};

/// A process with its descendants; dropping it kills them all.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    leader: Child,
}

impl ProcessGroup {
    /// Starts a program as the leader of a group of its own.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        Ok(Self { leader: command.process_group(0).spawn()? })
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        // The leader is our child and not yet waited for, so its number is still its own.
        if let Some(group) = i32::try_from(self.leader.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        drop(self.leader.wait());
    }
}
