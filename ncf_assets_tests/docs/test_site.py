"""`make docs`: the site builds strictly, needs no network, and its links lead somewhere."""

import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from docs_build import checks, configuration, lineage, tables
from docs_build.graph import nodes
from docs_build.site import on_page_markdown, relinked
from ncf_assets.tables import tables as all_tables
from ncf_assets_tests.docs.texts import make

OF_OTHERS = {"src", "srcset", "poster"}  # attributes that fetch something while a page is read


class Page(HTMLParser):
    """The addresses that a page fetches, those it links to, and its anchors."""

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
    """Build the site as `make docs` does; mkdocs takes each warning for an error."""
    folder = tmp_path_factory.mktemp("docs")
    done = make(folder, "docs", f"SITE={folder / 'site'}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == str(folder / "site/index.html")
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Return the pages by their path in the site."""
    return {
        path.relative_to(site).as_posix(): Page(path.read_text()) for path in site.rglob("*.html")
    }


@pytest.mark.acceptance
def test_every_link_leads_to_a_page_and_its_place(site: Path, pages: dict[str, Page]) -> None:
    """Links within the site exist, the drawing's among them.

    Addresses of other sites are not requested.
    """
    broken = []
    for name, page in pages.items():
        for link in map(urlparse, page.links):
            if link.scheme or name == "404.html":
                continue
            joined = posixpath.join(posixpath.dirname(name), unquote(link.path))
            target = posixpath.normpath(joined) if link.path else name
            if not (site / target).exists():
                broken.append(f"{name}: {target}")
            elif target in pages and unquote(link.fragment) not in pages[target].anchors:
                broken.append(f"{name}: {target}#{link.fragment}")
    assert broken == []
    assert len(pages) >= 25


@pytest.mark.acceptance
def test_no_page_fetches_anything_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    """Fonts, scripts, styles and pictures are files of the site, or inside the page."""
    for name, page in pages.items():
        for address in page.fetched:
            assert urlparse(address).scheme in {"", "data"}, (name, address)
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?https?:", styles) == []


@pytest.mark.acceptance
def test_the_science_is_documented(site: Path) -> None:
    """The page has a function with its signature and docstring, and a module's first line."""
    text = re.sub(r"<[^>]+>", "", (site / "api.html").read_text())
    assert "Return the expected normalized discounted cumulative gain at k" in text
    assert "rank_gains: Compute what the rank of one relevant item gains" in text


def test_every_table_and_check_has_its_place() -> None:
    """The pages have their columns, keys and remedies, as the headers say."""
    page = tables.page()
    for table in all_tables().values():
        assert f"## {table.name} {{ #{table.name} }}" in page
        assert all(column.description.replace("|", "\\|") in page for column in table.columns)
    assert "| `negatives_unseen` |" in checks.page()
    assert "**warns:**" in checks.page()


def test_settings_have_default_range_and_meaning() -> None:
    """A setting may be a number, may be left out, or may be true or false."""
    page = configuration.PAGE.read_text()
    assert page == configuration.page()  # `python -m docs_build.configuration` renews it
    assert "| `factors` | `128` | 1 or more, 1024 at most | Width of the factors" in page
    assert "| `batch_size` | `none` | 2 or more |" in page
    assert "| `refit` | `true` |" in page
    assert "\n    " not in page  # which Markdown would show as code


def test_the_drawing_leaves_out_what_others_imply() -> None:
    """Train reads interactions and users too, but split_rule comes from these."""
    assert {"interactions", "users"} <= {*nodes()["train"].reads}
    assert lineage.near("train") == ["split_rule"]
    assert lineage.drawing().count("<text") == len(nodes()) + len(lineage.colors())


def test_a_long_arrow_bends_around_the_rows_between() -> None:
    """rejected_reviews is in row 0 and data_profile in row 8.

    There are seven bends, one for each row between.
    """
    assert lineage.way("rejected_reviews", "data_profile") == [
        "rejected_reviews", *(f"rejected_reviews{'.' * n}" for n in range(1, 8)), "data_profile"
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


def test_links_to_the_projects_folder_are_those_of_the_site() -> None:
    """They are changed on a page of docs/ and on one in a folder below.

    Other links do not change.
    """
    assert on_page_markdown("[a](../SECURITY.md#x) [b](scaling.md)") == (
        "[a](security.md#x) [b](scaling.md)"
    )
    assert on_page_markdown("[a](../../SECURITY.md) [b](../scaling.md)") == (
        "[a](../security.md) [b](../scaling.md)"
    )


def test_the_flow_of_the_readme_is_text_in_the_site() -> None:
    """A drawing would need a script from elsewhere."""
    flow = "```mermaid\nflowchart TD\n  ingest --> prepare --> split\n```\n"
    assert relinked(flow) == "<p>ingest<br>↓ prepare<br>↓ split</p>\n"
