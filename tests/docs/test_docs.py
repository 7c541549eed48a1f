"""The code and the links of the README and of the pages in docs."""

import re
from pathlib import Path

import pytest
from matplotlib import pyplot
from pages import BLOCK, DOCS, difference, pages_with_code, run
from sklearn import neural_network

import cymlp
from cymlp import MLPClassifier

pyplot.switch_backend("agg")

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
RESULTS = (ROOT / "benchmarks" / "results").resolve()
SWITCH = DOCS / "coming-from-scikit-learn.md"


@pytest.mark.parametrize(
    "page", pages_with_code(integration=False), ids=lambda page: page.name
)
def test_its_code_runs_and_prints_what_is_quoted(page, capsys):
    run(page, capsys)


def test_the_pages_that_have_code_are_found():
    assert {SWITCH, DOCS / "losses.md"} <= {*pages_with_code(integration=False)}


def test_the_readmes_code_runs(capsys):
    names, _ = run(README, capsys)
    X_train, y_train = names["X_train"], names["y_train"]
    search = names["search"]
    search.estimator.set_params(max_iter=20, n_iter_no_change=float("inf"))
    assert search.fit(X_train[:300], y_train[:300]).best_score_ > 0.8
    assert names["clf"].score(names["X_val"], names["y_val"]) > 0.9


@pytest.mark.parametrize(
    "printed",
    [
        "a 0.905 ± 0.020   0.500\n",
        "a 0.866 ± 0.001   0.499\n",
        "a   0.885 ± 0.010   0.501\n",
    ],
)
def test_quoted_figures_may_differ_a_little(printed):
    assert difference(printed, "a  0.885 ± 0.010  0.500\n") is None


@pytest.mark.parametrize(
    "printed",
    [
        "a 0.906 ± 0.010   0.500\n",
        "a 0.885 ± 0.010   0.502\n",
        "b 0.885 ± 0.010   0.500\n",
        "a 0.885   0.500\n",
        "a 0.885 ± 0.010   0.500   0.500\n",
        "a 0.885 ± 0.010   0.500\nb\n",
        "",
    ],
)
def test_quoted_figures_that_are_wrong_are_found(printed):
    assert difference(printed, "a 0.885 ± 0.010   0.500\n") is not None


def first_column(section):
    """Names in the first column of a table in the page for scikit-learn's users."""
    text = SWITCH.read_text("utf-8").partition(f"\n## {section}\n")[2]
    rows = re.findall(r"^\| (`.*?) \|", text.partition("\n## ")[0], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_name_of_scikit_learns_classifier_is_mapped():
    theirs = neural_network.MLPClassifier()
    theirs.partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1])
    attributes = {name for name in vars(theirs) if re.fullmatch(r"[a-z]\w*_", name)}
    methods = {
        name
        for name in dir(theirs)
        if name[0] != "_" and callable(getattr(theirs, name))
    }
    assert set(theirs.get_params()) <= first_column("Parameters")
    assert attributes <= first_column("Attributes")
    assert methods <= first_column("Methods")


def test_every_parameter_of_ours_is_named():
    text = SWITCH.read_text("utf-8")
    missing = [name for name in MLPClassifier().get_params() if f"`{name}`" not in text]
    assert missing == []


def headings(page):
    """Anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    "page",
    [
        page
        for folder in ("*", "benchmarks/**/*", "docs/**/*")
        for page in sorted(ROOT.glob(f"{folder}.md"))
    ],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_its_relative_links_lead_somewhere(page):
    prose = BLOCK.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        if RESULTS in linked.resolve().parents and not RESULTS.exists():
            continue  # a source distribution comes without
        assert linked.exists(), target
        assert not anchor or anchor in headings(linked), target


def test_the_tests_that_pages_name_are_there():
    tests = "".join(path.read_text("utf-8") for path in ROOT.glob("tests/**/*.py"))
    named = {
        name
        for page in DOCS.glob("*.md")
        for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8"))
    }
    assert named
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_the_messages_that_the_page_on_troubleshooting_explains_are_raised():
    table = (
        (DOCS / "troubleshooting.md").read_text("utf-8").partition("\n## Training")[0]
    )
    messages = re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)
    sources = Path(cymlp.__file__).parent.rglob("*.py")
    text = "".join(path.read_text("utf-8") for path in sources)
    raised = re.sub(r'"\s*f?"', "", text)  # strings in two parts
    assert len(messages) == 6
    assert [message for message in messages if message not in raised] == []


def test_every_public_name_is_in_the_reference():
    pages = "".join(path.read_text("utf-8") for path in DOCS.glob("api/*.rst"))
    documented = set(re.findall(r"^\.\. auto\w+:: (\S+)$", pages, re.MULTILINE))
    compiled = {f"cymlp.{path.stem}" for path in ROOT.glob("src/cymlp/*.pyx")}
    modules = compiled | {"cymlp.plots", "cymlp.export", "cymlp.typing"}
    assert {f"cymlp.{name}" for name in cymlp.__all__} | modules <= documented
