"""The public interface is one list: documented, stable, and nothing else is public."""

import pkgutil
import re
from pathlib import Path

import pytest
from helpers import public_modules
from public_interface import interface

import cymlp

API = Path(__file__).parents[2] / "docs" / "api"
PROMISED = Path(__file__).parents[1] / "data" / "public_interface.txt"


def test_everything_that_was_promised_is_there():
    missing = [*{*PROMISED.read_text("utf-8").split("\n")} - {*interface(), ""}]
    assert not missing, (
        "public names are missing or have other arguments; deprecate them first, then "
        f"change {PROMISED.name}: {sorted(missing)}"
    )


def test_other_modules_are_private():
    public = {module.__name__ for module in public_modules()}
    # These define names of cymlp.__all__.
    public |= {
        getattr(getattr(cymlp, name), "__module__", "cymlp") for name in cymlp.__all__
    }
    found = {
        module.name
        for module in pkgutil.walk_packages(cymlp.__path__, "cymlp.")
        if not any(part.startswith("_") for part in module.name.split("."))
    }
    # The files of a public package; it imports from them what is public.
    found -= {name for name in found if name.startswith("cymlp.export.")}
    assert found == public - {"cymlp"}


@pytest.mark.skipif(not API.exists(), reason="the documentation is not here")
def test_everything_public_is_documented():
    pages = "".join(path.read_text("utf-8") for path in API.glob("*.rst"))
    documented = {*re.findall(r"auto\w+:: (?:cymlp\.)(\S+)", pages)}
    documented |= {*re.findall(r"data:: (?:cymlp\.)(\S+)", pages)}
    # With all their members.
    modules = {*re.findall(r"automodule:: (?:cymlp\.)(\w+)\n   :members:", pages)}
    missing = [name for name in cymlp.__all__ if name not in documented]
    for module in public_modules():
        short = module.__name__.partition(".")[2]
        for name in module.__all__:
            by_module = short in modules and callable(getattr(module, name))
            if not (by_module or f"{short}.{name}" in documented):
                missing.append(f"{short}.{name}")
    assert missing == []
