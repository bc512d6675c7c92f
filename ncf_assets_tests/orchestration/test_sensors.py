"""The sensor of source files, on a real folder; its cursor outlives Dagster."""

import os
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.definitions import build_defs
from ncf_assets.ingest.source import Signature, signature
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import materialize
from ncf_assets_tests.tiny import write_source

REGISTRY = """
[A]
format = "amazon-2014"
url = "https://example.org/A.json.gz"

[B]
format = "amazon-2014"
url = "https://example.org/B.json.gz"
"""


class Looks:
    """One look of the sensor after the other, each by a Dagster that has just started.

    The definitions are loaded once, and once more by `reload`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reload()
        self.raw = root / "raw"
        self.cursor: str | None = None
        self.keys: list[str | None] = []
        self.selections: list[list[str] | None] = []  # None stands for all assets

    def reload(self) -> None:
        """Read the registry again."""
        self.repository = build_defs(Warehouse(self.root)).get_repository_def()

    def put(self, name: str, text: str) -> None:
        """Write a file into data/raw."""
        (self.raw / name).write_text(text)

    def look(self) -> tuple[list[str], str | None]:
        """The datasets that runs are asked for, and what is said if there are none."""
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(
                instance, cursor=self.cursor, repository_def=self.repository
            )
            result = self.repository.get_sensor_def("new_source_files").evaluate_tick(context)
        self.cursor = result.cursor
        requests = result.run_requests or []
        self.keys += [request.run_key for request in requests]
        for selected in (request.asset_selection for request in requests):
            self.selections.append(selected and [key.to_user_string() for key in selected])
        return [request.partition_key or "" for request in requests], result.skip_message


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    """On a folder with two datasets and no file."""
    monkeypatch.setenv("NCF_DATA_DIR", str(tmp_path))
    (tmp_path / "datasets.toml").write_text(REGISTRY)
    (tmp_path / "raw").mkdir()
    return Looks(tmp_path)


def test_a_new_file_is_asked_for_once_when_it_no_longer_grows(looks: Looks) -> None:
    """It is seen, has grown, is the same at the third look, and then is known."""
    assert looks.look() == ([], "no file is new or has changed")
    looks.put("A.json.gz", "1")
    assert looks.look() == ([], "taken at the next look if they stay as they are: A")
    looks.put("A.json.gz", "12")
    assert looks.look()[0] == []
    assert looks.look() == (["A"], None)
    assert looks.look() == ([], "no file is new or has changed")


def test_only_the_dataset_that_changed_is_asked_for(looks: Looks) -> None:
    """The other one is left alone."""
    for name in ("A", "B"):
        looks.put(f"{name}.json.gz", "1")
    looks.look()
    assert looks.look()[0] == ["A", "B"]
    looks.put("B.json.gz", "12")
    looks.look()
    assert looks.look()[0] == ["B"]


def test_a_file_that_is_once_more_as_it_was_is_asked_for(looks: Looks) -> None:
    """With another key: of requests with one key Dagster starts the first alone."""
    for hour, text in enumerate(("1", "12", "1")):
        looks.put("A.json.gz", text)
        os.utime(looks.raw / "A.json.gz", (len(text), len(text)))
        looks.look()
        assert looks.look() == (["A"], None)
        read(looks.raw.parent, f"2026-01-01T0{hour}:00:00+00:00")
    assert len(set(looks.keys)) == 3


def read(root: Path, written_at: str, source: Signature | None = None) -> None:
    """Have A's reviews as if they had been read then, from a file of this signature."""
    with Warehouse(root).stage_table("raw_reviews", "A") as draft:
        known = {"code_version": "c", "input_hashes": {}, "config": {}, "run_id": "r"}
        draft.seal(**known, written_at=written_at, source=source or {})
        draft.publish()


def test_a_file_of_no_dataset_is_named(looks: Looks) -> None:
    """A misspelt name would wait for ever in silence."""
    looks.put("a.json.gz", "1")
    expected = "no file is new or has changed; of no dataset in datasets.toml: a.json.gz"
    assert looks.look() == ([], expected)


def test_a_block_that_was_added_waits_for_a_reload_and_stops_nobody(looks: Looks) -> None:
    """Of a dataset without partition Dagster would refuse the request, and all others with it."""
    registry = looks.root / "datasets.local.toml"
    registry.write_text('[C]\nformat = "amazon-2014"\nurl = "https://example.org/C.json.gz"\n')
    looks.put("C.json.gz", "1")
    reload = "taken once you reload the definitions (Lineage, Reload definitions): C"
    assert looks.look() == ([], reload)
    assert looks.look() == ([], reload)
    looks.put("A.json.gz", "1")
    assert looks.look() == ([], f"taken at the next look if they stay as they are: A; {reload}")
    assert looks.look() == (["A"], None)
    looks.reload()
    assert looks.look() == (["C"], None)


@pytest.mark.process
def test_what_has_been_read_already_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sensor is switched on in a folder that has been in use."""
    monkeypatch.setenv("NCF_DATA_DIR", str(tmp_path))
    write_source(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        made = materialize(
            Warehouse(tmp_path), instance, ["raw_reviews", "rejected_reviews"], {"ops": {}}
        )
    assert made.success
    looks = Looks(tmp_path)
    assert looks.look() == ([], "taken at the next look if they stay as they are: Sample")
    assert looks.look() == ([], "no file is new or has changed")


def test_new_details_ask_for_titles_and_the_report_alone(looks: Looks) -> None:
    """The reviews were read from the file that is there; with a new one, all is asked for."""
    registry = looks.raw.with_name("datasets.toml")
    registry.write_text(
        REGISTRY.replace('A.json.gz"\n', 'A.json.gz"\ndetails = "raw/meta_A.json"\n')
    )
    looks.put("A.json.gz", "1")
    read(looks.raw.parent, "2026-01-01T00:00:00+00:00", signature(looks.raw / "A.json.gz"))
    looks.look()
    assert looks.look()[0] == []
    looks.put("meta_A.json", "titles")
    assert looks.look() == ([], "taken at the next look if they stay as they are: A")
    assert looks.look()[0] == ["A"]
    assert looks.selections == [["item_details", "evaluation_report"]]
    looks.put("A.json.gz", "12")
    looks.look()
    assert looks.look()[0] == ["A"]
    assert looks.selections[1:] == [None]
