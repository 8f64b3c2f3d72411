//! Files with keys and certificates, named by the operator.
//!
//! Only regular files and links to them are read (Kubernetes creates such links). A pipe or a
//! device may never end, and a server that waits for one reacts neither to SIGHUP nor to SIGTERM.
//! The open file is checked, not the path, so that nothing can be put in its place in between.
//! Opening does not wait for the other end of a pipe.

use std::fs::{FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// The largest file we read. No key or certificate needs more.
const MAX_BYTES: u64 = 1024 * 1024;

/// The content of the file.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    let found = file.metadata()?.file_type();
    if !found.is_file() {
        let kind = kind(found);
        return Err(invalid(format!("expected a regular file, or a link to one, found {kind}")));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid(format!("expected at most {MAX_BYTES} bytes, found more")));
    }
    Ok(bytes)
}

/// The content of the file, as text.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(bytes(path)?).map_err(|_| invalid("expected text in UTF-8".into()))
}

fn kind(found: FileType) -> &'static str {
    match found {
        it if it.is_dir() => "a directory",
        it if it.is_fifo() => "a named pipe",
        it if it.is_char_device() || it.is_block_device() => "a device",
        _ => "something else",
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
