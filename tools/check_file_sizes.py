"""Check that no tracked file is larger than 300 kB.

Files stay in the history for good, so those that were larger before this rule may stay
only as they are: a changed one is refused like a new one.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

MAX_SIZE = 300_000  # bytes
LARGER = {  # SHA-256 of the content
    "benchmarks/report/results/runs.json.gz": (
        "2957d359d14680894a7a7f5c6bb1b59c5411ef3fa5f7abe6131051e187eb24cd"
    ),
}


def main():
    """Exit with a message that names the files that are too large."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], check=True, capture_output=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if Path(name).is_file()]
    refused = [name for name in names if is_too_large(name)]
    for name in refused:
        size = Path(name).stat().st_size
        print(f"{name} has {size} bytes, and at most {MAX_SIZE} are allowed")
    sys.exit(bool(refused))


def is_too_large(name):
    """Tell whether a file is larger than allowed and not one of the older files."""
    if Path(name).stat().st_size <= MAX_SIZE:
        return False
    return hashlib.sha256(Path(name).read_bytes()).hexdigest() != LARGER.get(name)


if __name__ == "__main__":
    main()
