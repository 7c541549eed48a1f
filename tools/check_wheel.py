"""Check a wheel: size, headers, and tests under every Python that may install it.

Called as ``check_wheel.py WHEEL ARGUMENTS``: with these arguments a Python runs
pytest. It does so in a fresh virtual environment for each CPython on the path or under
pyenv, and in one more with the oldest dependencies that the wheel allows.

Called as ``check_wheel.py --oldest FOLDER GROUP WHEEL ARGUMENTS``, it does so only with
the oldest dependencies, in the virtual environment FOLDER, which it keeps for the next
time. GROUP is the dependency group of pyproject.toml that the tests need.
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
OLDEST_PYTHON = 11  # the minor version

# A free-threaded build cannot load modules of the stable ABI.
MINOR_VERSION = """
import sys, sysconfig
if sys.implementation.name == "cpython" and sys.version_info.major == 3:
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        print(sys.version_info.minor)
"""


def main(*arguments):
    """Check the wheel and say how it fared; exit where it fails."""
    if arguments[0] == "--oldest":
        check_with_oldest(*arguments[1:])
    else:
        check_with_all(*arguments)


def check_with_all(wheel, *test):
    """Check the wheel with every Python, and with the oldest dependencies."""
    check_size(wheel)
    check_headers(wheel)
    pythons = find_pythons()
    cases = [(minor, []) for minor in sorted(pythons)]
    cases.append((min(pythons), oldest_dependencies(wheel, with_extras=True)))
    results = []
    for minor, pins in cases:
        title = f"Python 3.{minor} {' '.join(pins)}"
        print(f"\n{title}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            install(pythons[minor], folder, wheel, pins, ["test", "integration"])
            passed = passes(folder, test, pins)
        results.append(f"{'passed' if passed else 'FAILED'}: {title}")
    print("", *results, sep="\n")
    if any(result.startswith("FAILED") for result in results):
        sys.exit(1)


def check_with_oldest(folder, group, wheel, *test):
    """Check the wheel with the oldest Python and dependencies that it allows."""
    check_size(wheel)
    check_headers(wheel)
    pythons = find_pythons()
    if OLDEST_PYTHON not in pythons:
        sys.exit(f"the oldest dependencies need Python 3.{OLDEST_PYTHON}")
    pins = oldest_dependencies(wheel, with_extras=False)
    print(f"Python 3.{OLDEST_PYTHON} {' '.join(pins)}", flush=True)
    install(pythons[OLDEST_PYTHON], folder, wheel, pins, [group])
    if not passes(folder, test, pins):
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
    on_path = [shutil.which(f"python3.{minor}") for minor in range(OLDEST_PYTHON, 30)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    pythons = {}
    for python in filter(None, [*on_path, *pyenv.glob("versions/*/bin/python")]):
        # Not every file of that name works: pyenv's own may only complain.
        answer = subprocess.run(
            [python, "-c", MINOR_VERSION], capture_output=True, text=True
        )
        minor = int(answer.stdout or 0)
        if minor >= OLDEST_PYTHON:
            pythons.setdefault(minor, python)
    return pythons


def oldest_dependencies(wheel, with_extras):
    """The oldest dependencies that the wheel allows, as ``numpy==1.24``."""
    (package,) = distributions(path=[wheel])
    return [
        pin_to_minimum(requirement)
        for requirement in map(Requirement, package.requires)
        if with_extras or requirement.marker is None
    ]


def pin_to_minimum(requirement):
    """Turn a requirement such as ``numpy>=1.24`` into ``numpy==1.24``."""
    (minimum,) = (part for part in requirement.specifier if part.operator == ">=")
    return f"{requirement.name}=={minimum.version}"


def install(python, folder, wheel, pins, groups):
    """Install the wheel with these dependencies and groups in a virtual environment."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    pip += ["--python", f"{folder}/bin/python", "install"]
    groups = [argument for group in groups for argument in ("--group", group)]
    subprocess.run([*pip, wheel, *pins, *groups], check=True)
    # An environment that is used again may have another wheel of the same version.
    subprocess.run([*pip, "--force-reinstall", "--no-deps", wheel], check=True)


def passes(folder, test, pins):
    """Run the tests in a virtual environment; tell whether they pass."""
    # Old releases use what newer ones of their own dependencies deprecate.
    tolerance = ["-W", "default::DeprecationWarning"] if pins else []
    command = [f"{Path(folder).resolve()}/bin/python", *test, *tolerance]
    return subprocess.run(command, cwd=folder).returncode == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
