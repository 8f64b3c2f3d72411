//! Tables of (room, event) -> exactly these effects.

use super::*;
