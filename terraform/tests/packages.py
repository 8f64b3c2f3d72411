"""Tests what package.py packs and refuses. Also makes the packages in tests/packages, which the
mocked tests plan with.

packages.py          fails if package.py does anything else, or if tests/packages holds other files
packages.py --write  writes tests/packages
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "tests/packages"
MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
problems = []


def main(write):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for architecture, machine in MACHINES.items():
            made = pack(architecture, elf(machine), folder)
            for function in ["signaling", "health"]:
                keep(KEPT / architecture / f"{function}.zip", made, write)
            again = pack(architecture, elf(machine), folder)
            expect(made == again, f"the same binary for {architecture} makes two packages")
            readable(made, machine, folder)
        refused("a binary for another architecture", "x86_64", elf(MACHINES["arm64"]), folder)
        refused(
            "a C library that Lambda does not have",
            "arm64",
            elf(MACHINES["arm64"], glibc=35),
            folder,
        )
        refused("what is no program", "arm64", b"#!/bin/sh\n", folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def keep(path, made, write):
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made)
    expect(
        path.exists() and path.read_bytes() == made,
        f"{path} is stale; run tests/packages.py --write",
    )


def elf(machine, glibc=34):
    """The parts of a Linux program that package.py and Terraform read: 64 bits, little-endian,
    version 1."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    return (
        ident
        + (2).to_bytes(2, "little")
        + machine.to_bytes(2, "little")
        + b"\x01\0\0\0"
        + b"GLIBC_2.%d" % glibc
    )


def pack(architecture, content, folder):
    """The package, or None if it is refused. Each binary is a minute older than the one before."""
    binary, package = folder / "binary", folder / "package.zip"
    binary.write_bytes(content)
    os.utime(binary, (pack.time, pack.time))
    pack.time -= 60
    package.unlink(missing_ok=True)
    command = [sys.executable, ROOT / "package.py", architecture, binary, package]
    done = subprocess.run(command, capture_output=True, check=False)
    return package.read_bytes() if done.returncode == 0 else None


pack.time = 1_700_000_000


def refused(what, architecture, content, folder):
    expect(pack(architecture, content, folder) is None, f"package.py packs {what}")


def readable(package, machine, folder):
    """The package says what it was built for, at the place where modules/package reads it."""
    path = folder / "made.zip"
    path.write_bytes(package)
    with zipfile.ZipFile(path) as archive:
        entry = archive.infolist()[0]
        expect(
            entry.filename == "bootstrap" and entry.external_attr >> 16 == 0o100755,
            "there is no program to start",
        )
        expect(archive.read(entry)[:4] == b"\x7fELF", "the program is another than was packed")
    expect(
        package[57:59] == machine.to_bytes(2, "little"),
        "Terraform cannot read what the package was built for",
    )


def expect(condition, problem):
    if not condition:
        problems.append(problem)


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv))
