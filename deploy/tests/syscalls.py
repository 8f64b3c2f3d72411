"""The system calls that strace saw, against the SystemCallFilter of a unit."""

import re
import subprocess
import sys

traced, unit = sys.argv[1:]


def members(name):
    """The calls of a name, which may be a group of systemd's."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True).stdout
    names = [line.strip() for line in text.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*map(members, names))


allowed = members("@default")
for line in open(unit):
    if found := re.match(r"SystemCallFilter=(~?)(.*)", line):
        named = set().union(*map(members, found[2].split()))
        allowed = allowed - named if found[1] else allowed | named

# What runs before the program itself is systemd's.
made = {found[1] for line in open(traced) if (found := re.match(r"\d+ +([a-z_0-9]+)\(", line))}
assert len(made) > 20, f"strace saw only {sorted(made)}"
refused = made - allowed
assert refused <= {"prlimit64", "setrlimit"}, f"the unit refuses {sorted(refused)}"
print(f"the server makes {len(made)} different system calls; refused: {', '.join(sorted(refused)) or 'none'}")
