"""What files of Amazon's three years, and one's own, say of items."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import details
from ncf_assets.ingest.compression import SourceError

LIMIT = 1 << 20
RAW = Path("/data/raw")
NOTHING = {"title": None, "brand": None, "category": None, "price": None}


def one(tmp_path: Path, line: str) -> dict[str, Any]:
    """Return the details of item B1 in a file of one line."""
    file = tmp_path / "meta.json"
    file.write_text(line + "\n")
    return details.read(file, {"B1"}, LIMIT).rows["B1"]


def test_a_line_of_2014_is_a_python_dictionary(tmp_path: Path) -> None:
    """Of several paths of categories the first is kept; entities of HTML are characters."""
    line = repr(
        {
            "asin": "B1", "title": "Bob's  Strings &amp; Picks", "price": 12.5,
            "brand": "D'Addario", "categories": [["Musical Instruments", "Strings"], ["Other"]],
        }
    )  # fmt: skip
    assert one(tmp_path, line) == {
        "title": "Bob's Strings & Picks",
        "brand": "D'Addario",
        "category": "Musical Instruments > Strings",
        "price": 12.5,
    }


def test_a_line_of_2018_has_its_price_as_a_text(tmp_path: Path) -> None:
    """And one list of categories."""
    found = {"asin": "B1", "category": ["Beauty", "Hair"], "price": "$1,299.00", "brand": ""}
    expected = NOTHING | {"category": "Beauty > Hair", "price": 1299.0}
    assert one(tmp_path, json.dumps(found)) == expected


def test_a_line_of_2023_has_a_store(tmp_path: Path) -> None:
    """Its parent's id counts; without a list of categories there is the main one."""
    found = {
        "main_category": "All Beauty", "title": "Howard LC0008", "store": "Howard Products",
        "categories": [], "price": None, "parent_asin": "B1", "asin": "B2",
    }  # fmt: skip
    expected = {
        "title": "Howard LC0008", "brand": "Howard Products", "category": "All Beauty",
        "price": None,
    }  # fmt: skip
    assert one(tmp_path, json.dumps(found)) == expected


@pytest.mark.parametrize("price", ["$5.00 - $9.99", "None", "", "from 5", True, [5], {"a": 1}])
def test_what_is_no_single_price_is_none(tmp_path: Path, price: Any) -> None:
    """A range, a word, nothing, and values of other kinds."""
    assert one(tmp_path, json.dumps({"item_id": "B1", "price": price})) == NOTHING


def test_only_wanted_items_are_kept_and_of_an_item_the_first_line(tmp_path: Path) -> None:
    """Ids that are numbers are those of their digits; lines without details are counted."""
    lines = [
        '{"item_id": 7, "title": "seven"}',
        '{"item_id": "7", "title": "again"}',
        '{"item_id": "8", "title": "not wanted"}',
        '{"title": "without an id"}',
        "not JSON",
        '["no", "object"]',
        "",
    ]
    file = tmp_path / "meta.json.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = details.read(file, {"7", "9"}, LIMIT)
    assert found.rows == {"7": NOTHING | {"title": "seven"}}
    assert found.unread == 3


def test_a_web_page_is_refused(tmp_path: Path) -> None:
    """As one in place of reviews is."""
    file = tmp_path / "meta.json"
    file.write_text("<!DOCTYPE html><html></html>\n")
    with pytest.raises(SourceError, match="is a web page"):
        details.read(file, {"B1"}, LIMIT)


def test_the_path_is_relative_to_the_registry() -> None:
    """Without one there is no file."""
    here = Dataset("X", "X", "amazon-2014", details="raw/meta.json")
    assert details.locate(here, Path("/data"), RAW) == Path("/data/raw/meta.json")
    assert details.locate(Dataset("X", "X", "amazon-2014"), Path("/data"), RAW) is None
