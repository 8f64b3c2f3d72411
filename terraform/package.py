"""Packs a function's binary as Lambda expects it: a zip with `bootstrap` in it.

    package.py ARCHITECTURE BINARY ZIP

The same binary makes the same zip: it contains no time, owner or name of this machine. The binary
is stored, not compressed, so that Terraform can read from its header which architecture it was
built for (modules/package), and so that the zip does not depend on the version of zlib.

A binary that would not start is refused: one for another architecture, or one that needs a newer C
library than Amazon Linux 2023 has.
"""

import hashlib
import re
import sys
import zipfile
from pathlib import Path

MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
GLIBC = 34  # of 2.34


def main(architecture, binary, package):
    content = Path(binary).read_bytes()
    reject(binary, content, MACHINES[architecture])
    Path(package).parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(package, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
        entry.create_system = 3  # Unix, for the mode
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_STORED
        archive.writestr(entry, content)
    packed = Path(package).read_bytes()
    print(f"{package}: {len(packed) / 1e6:.1f} MB")
    print(f"  binary sha256 {hashlib.sha256(content).hexdigest()}")
    print(f"  zip    sha256 {hashlib.sha256(packed).hexdigest()}")


def reject(binary, content, machine):
    if content[:4] != b"\x7fELF":
        sys.exit(f"{binary} is not a Linux program")
    if int.from_bytes(content[18:20], "little") != machine:
        sys.exit(f"{binary} was built for another architecture")
    wanted = max((int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", content)), default=0)
    if wanted > GLIBC:
        sys.exit(
            f"{binary} needs glibc 2.{wanted}, and Lambda has 2.{GLIBC}: this machine is too new.\n"
            "Cross-compile for it instead: terraform/build ARCHITECTURE cross"
        )
    home = str(Path.home()).encode()
    if len(home) > 1 and home + b"/" in content:
        sys.exit(
            f"{binary} contains the path {Path.home()}: built elsewhere, it would have other bytes"
        )


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in MACHINES:
        sys.exit("usage: package.py arm64|x86_64 BINARY ZIP")
    main(*sys.argv[1:])
