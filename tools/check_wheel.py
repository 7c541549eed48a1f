"""Check a wheel: size, headers, and tests under every Python that may install it.

Called as ``check_wheel.py WHEEL ARGUMENTS``: with these arguments a Python runs
pytest. It does so in a fresh virtual environment for each CPython on the path or under
pyenv, and in one more with the oldest dependencies that the wheel allows.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement

LARGEST = 1_300_000  # bytes

# A free-threaded build cannot load modules of the stable ABI.
MINOR_VERSION = """
import sys, sysconfig
if sys.implementation.name == "cpython" and sys.version_info.major == 3:
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        print(sys.version_info.minor)
"""


def main(wheel, *test):
    """Check the wheel and say how it fared; exit where it fails."""
    check_size(wheel)
    check_headers(wheel)
    (package,) = distributions(path=[wheel])
    pythons = find_pythons()
    oldest = [pin_to_minimum(requirement) for requirement in package.requires]
    cases = [(minor, []) for minor in sorted(pythons)] + [(min(pythons), oldest)]
    results = []
    for minor, pins in cases:
        title = f"Python 3.{minor} {' '.join(pins)}"
        print(f"\n{title}", flush=True)
        # Old releases use what newer ones of their own dependencies deprecate.
        tolerance = ["-W", "default::DeprecationWarning"] if pins else []
        passed = passes(pythons[minor], wheel, pins, [*test, *tolerance])
        results.append(f"{'passed' if passed else 'FAILED'}: {title}")
    print("", *results, sep="\n")
    if any(result.startswith("FAILED") for result in results):
        sys.exit(1)


def check_size(wheel):
    """List what is in the wheel; exit if it is too large."""
    with ZipFile(wheel) as archive:
        for member in archive.infolist():
            print(f"{member.file_size:>9} {member.compress_size:>9} {member.filename}")
    size = Path(wheel).stat().st_size
    print(f"{size:>19} {Path(wheel).name}")
    if size > LARGEST:
        sys.exit(f"the wheel has more than {LARGEST} bytes")


def check_headers(wheel):
    """Exit unless all is there that others need to compile against the package."""
    root = Path(__file__).parent.parent
    needed = {f"cymlp/{path.name}" for path in root.glob("src/cymlp/*.pxd")}
    needed |= {
        f"cymlp/include/cymlp/{path.name}" for path in root.glob("include/*/*.h")
    }
    with ZipFile(wheel) as archive:
        if missing := needed - set(archive.namelist()):
            sys.exit(f"the wheel lacks {sorted(missing)}")


def find_pythons():
    """Find an interpreter of each version from 3.11 on, as minor version to path."""
    on_path = [shutil.which(f"python3.{minor}") for minor in range(11, 30)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    pythons = {}
    for python in filter(None, [*on_path, *pyenv.glob("versions/*/bin/python")]):
        # Not every file of that name works: pyenv's own may only complain.
        answer = subprocess.run(
            [python, "-c", MINOR_VERSION], capture_output=True, text=True
        )
        minor = int(answer.stdout or 0)
        if minor >= 11:
            pythons.setdefault(minor, python)
    return pythons


def pin_to_minimum(requirement):
    """Turn a requirement such as ``numpy>=1.24`` into ``numpy==1.24``."""
    requirement = Requirement(requirement)
    (minimum,) = (part for part in requirement.specifier if part.operator == ">=")
    return f"{requirement.name}=={minimum.version}"


def passes(python, wheel, pins, test):
    """Run the tests in a virtual environment of their own; tell whether they pass."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        python = f"{folder}/bin/python"
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", python]
        packages = [wheel, *pins, "--group", "test", "--group", "integration"]
        subprocess.run([*pip, "install", *packages], check=True)
        return subprocess.run([python, *test], cwd=folder).returncode == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
