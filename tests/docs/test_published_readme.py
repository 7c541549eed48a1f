"""The README in the metadata of the package, as package indexes show it."""

import re
from importlib.metadata import metadata
from pathlib import Path

import cymlp

ROOT = Path(__file__).parents[2]
PUBLISHED = metadata("cymlp")
REPOSITORY = "github.com/cymlp/cymlp"
PAGES = f"https://{REPOSITORY}/blob/v{cymlp.__version__}/"
PICTURES = f"https://raw.githubusercontent.com/cymlp/cymlp/v{cymlp.__version__}/"


def description():
    """The README as published."""
    return PUBLISHED.get("Description") or PUBLISHED.get_payload()


def test_it_is_the_readme_with_absolute_links():
    text = description().replace(PICTURES, "").replace(PAGES, "")
    assert text.strip() == (ROOT / "README.md").read_text("utf-8").strip()
    assert PUBLISHED["Description-Content-Type"] == "text/markdown"


def test_its_links_and_pictures_are_absolute_and_exist():
    targets = re.findall(r"\]\(([^)\s]+)\)", description())
    assert targets
    for target in targets:
        assert target.startswith("https://")
        for prefix in (PAGES, PICTURES):
            if target.startswith(prefix):
                assert (ROOT / target.removeprefix(prefix)).exists()


def test_its_pictures_are_files_and_not_pages():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", description())
    assert any(picture.startswith(PICTURES) for picture in pictures)
    assert not any(picture.startswith(PAGES) for picture in pictures)


def test_the_projects_addresses_are_of_one_repository():
    urls = dict(entry.split(", ") for entry in PUBLISHED.get_all("Project-URL"))
    assert {"Homepage", "Documentation", "Source", "Issues", "Changelog"} == {*urls}
    site = urls.pop("Documentation")
    assert site == "https://cymlp.github.io/cymlp"
    assert all(url.startswith(f"https://{REPOSITORY}") for url in urls.values())
