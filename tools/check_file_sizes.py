"""Check that no tracked file is larger than 300 kB: files stay in the history."""

import subprocess
import sys
from pathlib import Path

MAX_SIZE = 300_000  # bytes


def main():
    """Exit with a message that names the files that are too large."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], check=True, capture_output=True, text=True
    )
    sizes = {
        name: Path(name).stat().st_size
        for name in listed.stdout.split("\0")
        if Path(name).is_file()
    }
    refused = {name: size for name, size in sizes.items() if size > MAX_SIZE}
    for name, size in refused.items():
        print(f"{name} has {size} bytes, and at most {MAX_SIZE} are allowed")
    sys.exit(bool(refused))


if __name__ == "__main__":
    main()
