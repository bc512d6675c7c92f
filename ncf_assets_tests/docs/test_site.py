"""`make docs`: the site builds strictly, needs no network, and its links lead somewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from documentation import checks, configuration, lineage, tables
from documentation.graph import nodes
from documentation.site import relinked
from ncf_assets.tables import tables as all_tables
from ncf_assets_tests.docs.texts import make

OF_OTHERS = {"src", "srcset", "poster"}  # attributes that fetch something while a page is read


class Page(HTMLParser):
    """What a page fetches, where it leads, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sort a tag's addresses."""
        for name, value in attrs:
            if name == "id":
                self.anchors.add(value or "")
            elif name in OF_OTHERS or (tag == "link" and name == "href" and value):
                self.fetched.append(value or "")
            elif tag == "a" and name == "href":
                self.links.append(value or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make docs` builds; mkdocs takes each warning for an error."""
    folder = tmp_path_factory.mktemp("docs")
    done = make(folder, "docs", f"SITE={folder / 'site'}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == str(folder / "site/index.html")
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """The pages by their file's name."""
    return {path.name: Page(path.read_text()) for path in site.glob("*.html")}


@pytest.mark.slow
def test_every_link_leads_to_a_page_and_its_place(site: Path, pages: dict[str, Page]) -> None:
    """Those within the site; the drawing's among them. Addresses of others are not asked."""
    broken = []
    for name, page in pages.items():
        for link in map(urlparse, page.links):
            if link.scheme or name == "404.html":
                continue
            target = unquote(link.path).removeprefix("./") or name
            if not (site / target).exists():
                broken.append(f"{name}: {target}")
            elif target in pages and unquote(link.fragment) not in pages[target].anchors:
                broken.append(f"{name}: {target}#{link.fragment}")
    assert broken == []
    assert len(pages) >= 12


@pytest.mark.slow
def test_no_page_fetches_anything_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    """Fonts, scripts, styles and pictures are files of the site, or stand in the page."""
    for name, page in pages.items():
        for address in page.fetched:
            assert urlparse(address).scheme in {"", "data"}, (name, address)
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?https?:", styles) == []


@pytest.mark.slow
def test_the_science_is_documented(site: Path) -> None:
    """A function with its signature and docstring, and a module with its first line."""
    text = re.sub(r"<[^>]+>", "", (site / "api.html").read_text())
    assert "Expected normalised discounted cumulative gain among the first k" in text
    assert "metrics: What a user&#39;s rank is worth" in text.replace("'", "&#39;")


def test_every_table_and_check_has_its_place() -> None:
    """With its columns, key and remedy, as the headers say."""
    page = tables.page()
    for table in all_tables().values():
        assert f"## {table.name} {{ #{table.name} }}" in page
        assert all(column.description.replace("|", "\\|") in page for column in table.columns)
    assert "| `negatives_unseen` |" in checks.page()
    assert "**warns:**" in checks.page()


def test_settings_have_default_range_and_meaning() -> None:
    """Of a number, of one that may be left out, and of a choice of words."""
    page = configuration.page()
    assert "| `factors` | `128` | 1 or more, 1024 at most | Width of the factors" in page
    assert "| `batch_size` | `none` | 2 or more |" in page
    assert '| `pretrained` | `"gmf"` |' in page


def test_the_drawing_leaves_out_what_others_imply() -> None:
    """Train reads interactions and users, but interactions come from users."""
    assert {"interactions", "users"} <= {*nodes()["train"].reads}
    assert lineage.near("train") == ["interactions"]
    assert lineage.drawing().count("<text") == len(nodes()) + len(lineage.colours())


def test_a_long_arrow_bends_around_the_rows_between() -> None:
    """rejected_reviews is in row 0, data_profile in row 6: five bends, one for each row between."""
    assert lineage.way("rejected_reviews", "data_profile") == [
        "rejected_reviews", *(f"rejected_reviews{'.' * n}" for n in range(1, 6)), "data_profile"
    ]  # fmt: skip
    assert lineage.way("train", "validation") == ["train", "validation"]


def test_links_of_the_readme_are_those_of_the_site() -> None:
    """docs/ is the site's root; texts of the project's folder have pages of their own."""
    text = (
        '[a](docs/queries.md) [b](SECURITY.md) [c](docs/tour.ipynb) <img src="docs/images/x.png">'
    )
    assert relinked(text) == (
        '[a](queries.md) [b](security.md) [c](tour.md) <img src="images/x.png">'
    )
