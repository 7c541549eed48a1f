"""Private names of scikit-learn are imported in one file."""

import re
from pathlib import Path

import pytest

import cymlp
from cymlp import _sklearn

# The wheel has no .pyx files.
SOURCES = [
    path
    for path in (
        *Path(cymlp.__file__).parent.rglob("*.py"),
        *Path(__file__).parents[2].glob("src/**/*.pyx"),
    )
    if path.name != "_sklearn.py"
]
IMPORT = re.compile(
    r"^ *(?:from (?P<module>sklearn\S*) import|import (?P<whole>sklearn\S*))"
    r"(?P<names> *\([^)]*\)|.*)",
    re.MULTILINE,
)


def private_imports(text):
    """Names of scikit-learn that a source imports although they are private."""
    for found in IMPORT.finditer(text):
        module = found["module"] or found["whole"]
        for name in re.findall(r"\w+", found["names"]) or [""]:
            if any(part.startswith("_") for part in [*module.split("."), name]):
                yield f"{module} {name}"


@pytest.mark.parametrize(
    "line",
    [
        "from sklearn.utils._tags import Tags",
        "    from sklearn.utils import _safe_indexing",
        "from sklearn.utils import (\n    check_array,\n    _safe_indexing,\n)",
        "import sklearn.utils._tags",
        "import sklearn.utils._tags as tags",
        "from sklearn.neural_network import _base",
    ],
)
def test_private_imports_are_found(line):
    assert [*private_imports(f"import numpy\n{line}\n")]


def test_public_imports_are_not_private():
    assert not [
        *private_imports("from sklearn.utils import (\n    Bunch,\n    Tags,\n)")
    ]


def test_only_one_file_imports_private_names():
    found = [
        f"{path.name}: {name}"
        for path in SOURCES
        for name in private_imports(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.skipif(
    not any(path.suffix == ".pyx" for path in SOURCES),
    reason="the compiled modules' sources are not here",
)
def test_the_file_has_no_name_that_is_not_used():
    text = "".join(path.read_text("utf-8") for path in SOURCES)
    lists = re.findall(r"from cymlp\._sklearn import (\([^)]*\)|.*)", text)
    used = {name for names in lists for name in re.findall(r"\w+", names)}
    assert used == {*_sklearn.__all__}
