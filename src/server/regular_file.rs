//! Files that an operator names, with keys and certificates in them.
//!
//! Only regular files are read, and links to them (Kubernetes makes such links). A pipe or a device
//! may never come to an end, and whoever waits for it can be told nothing: neither to read again
//! nor to stop. What is opened is looked at, not the path, so that nothing can be put in its place
//! in between; and opening does not wait for the other end of a pipe.

use std::fs::{FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// No key or certificate needs more.
const MAX_BYTES: u64 = 1024 * 1024;

/// All that is in the file.
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

/// All that is in the file, as text.
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
