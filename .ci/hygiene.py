"""What must not stand in the repository: hosts of package registries, paths of one machine, big files.

The hosts are put together from parts here, so that this file passes its own check.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
LIMIT = 2_000_000  # bytes of one file; data belongs into data/, which git ignores

REGISTRIES = ("pypi" + r"\.org", "python" + r"hosted\.org", "npmjs" + r"\.(org|com)", "crates" + r"\.io")
FORBIDDEN = {
    "host of a package registry": re.compile("|".join(REGISTRIES)),
    "path of one machine": re.compile(r"(?<![\w.])/(work|root|home|Users|opt/wheels|opt/pypi)" + r"/\w"),
}
LOCK_FORBIDDEN = {
    "address or index option in the lock file": re.compile(r"://|--(extra-)?index-url|--find-links|file:"),
}


def problems(name: str, text: str) -> list[str]:
    """The lines of one file that must not stand there, as ``name:line: what``."""
    rules = FORBIDDEN | (LOCK_FORBIDDEN if name == "requirements.lock" else {})
    return [
        f"{name}:{number}: {what}"
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in rules.items()
        if pattern.search(line)
    ]


def main() -> int:
    """Check every file that git tracks or would track; 1 when something was found."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    found: list[str] = []
    for name in sorted(set(filter(None, listing.stdout.decode().split("\0")))):
        path = REPOSITORY / name
        if not path.is_file():
            continue
        content = path.read_bytes()
        if len(content) > LIMIT:
            found.append(f"{name}: {len(content):,} bytes, more than {LIMIT:,}")
        if b"\0" not in content:
            found.extend(problems(name, content.decode("utf-8", errors="replace")))
    for line in found:
        print(line, file=sys.stderr)
    print(f"hygiene: {len(found)} problem(s)" if found else "hygiene: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
