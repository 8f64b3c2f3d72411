//! The state that everything shares.

use std::sync::{Arc, Mutex};

use crate::bill::Meter;
use crate::clock::Clock;
use crate::faults::Dice;
use crate::ids::Ids;
use crate::secrets::Secrets;
use crate::table::Table;
use crate::tasks::{Pending, Tasks, locked};

/// The state that the front, the functions and the table share.
pub(crate) struct Site {
    pub(crate) clock: Arc<Clock>,
    pub(crate) meter: Meter,
    pub(crate) dice: Dice,
    pub(crate) ids: Ids,
    pub(crate) table: Table,
    pub(crate) secrets: Secrets,
    pub(crate) logs: Logs,
    pub(crate) tasks: Tasks,
    pub(crate) pending: Pending,
}

/// The output of the functions, line by line.
pub(crate) struct Logs {
    lines: Mutex<Vec<String>>,
    pass: bool,
}

impl Logs {
    pub(crate) fn new(pass: bool) -> Self {
        Self { lines: Mutex::default(), pass }
    }

    pub(crate) fn write(&self, line: String) {
        if self.pass {
            eprintln!("{line}");
        }
        locked(&self.lines).push(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        locked(&self.lines).clone()
    }
}
