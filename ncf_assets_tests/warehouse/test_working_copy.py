"""Two data folders, as of two machines, that follow one store."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ncf_assets.warehouse import EVERY, Warehouse
from ncf_assets.warehouse.claims import claim, follow
from ncf_assets.warehouse.lease import ClaimLostError
from ncf_assets.warehouse.store import Store, StoreError
from ncf_assets.warehouse.working_copy import NOTE, SHARED


@dataclass
class Machines:
    """Two of them, and a third that comes later."""

    a: Warehouse
    b: Warehouse
    c: Warehouse


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    """Each with an empty data folder."""
    store = Store(f"file://{tmp_path}/bucket")
    return Machines(*(Warehouse(tmp_path / name, store=store) for name in "abc"))


def write(place: Warehouse, asset: str, text: str, name: str = "", dataset: str = "A") -> Path:
    """A file in a partition's folder: by default the one that says that it exists."""
    file = place.folder(asset, dataset) / (name or place.file(asset, dataset).name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def there(place: Warehouse) -> dict[str, str]:
    """Everything in tables, models and reports, by path."""
    files = [file for kind in SHARED for file in (place.root / kind).rglob("*")]
    return {str(file.relative_to(place.root)): file.read_text() for file in files if file.is_file()}


def test_what_one_publishes_the_other_has_once_it_claims(machines: Machines) -> None:
    """And the other way round; a table, a model with its files, a table of all datasets."""
    with claim(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "{}")
        write(machines.a, "neumf_model", "weights", "neumf-1.keras")
        write(machines.a, "neumf_model", "events", "tensorboard/events.1")
        machines.a.share("neumf_model", "A")
    with claim(machines.b, "A", "run-2"):
        assert there(machines.b) == there(machines.a)
        (machines.b.folder("neumf_model", "A") / "neumf-1.keras").unlink()
        write(machines.b, "neumf_model", "{2}")
        write(machines.b, "neumf_model", "new", "neumf-2.keras")
        machines.b.share("neumf_model", "A")
    with claim(machines.b, EVERY, "run-3"):
        write(machines.b, "leaderboard", "rows", dataset=EVERY)
        machines.b.share("leaderboard", EVERY)
    follow(machines.a)
    assert (
        there(machines.a)
        == there(machines.b)
        == {
            "models/neumf_model/dataset=A/model.json": "{2}",
            "models/neumf_model/dataset=A/neumf-2.keras": "new",
            "models/neumf_model/dataset=A/tensorboard/events.1": "events",
            "tables/leaderboard/data.parquet": "rows",
        }
    )


def test_what_is_under_way_stays_on_its_machine(machines: Machines) -> None:
    """Half-written files, a training's progress, SQLite's journal: not put, and not removed."""
    with claim(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "progress", "checkpoint.npz")
        write(machines.a, "neumf_model", "half", ".model.json.0123abcd.tmp")
        write(machines.a, "tuning", "trials", "searches.db")
        write(machines.a, "tuning", "more", "searches.db-wal")
        machines.a.share("neumf_model", "A")
        machines.a.share("tuning", "A")
        machines.a.follow(lambda dataset: dataset == "A")
        assert len(there(machines.a)) == 4
    follow(machines.b)
    assert there(machines.b) == {"tables/tuning/dataset=A/searches.db": "trials"}


def test_what_a_killed_run_had_not_put_there_is_replaced(machines: Machines) -> None:
    """The store's `users` come back, a table that it never had goes; nothing of other datasets."""
    with claim(machines.a, "A", "run-1"):
        write(machines.a, "users", "old")
        machines.a.share("users", "A")
    with claim(machines.a, "B", "run-2"):
        write(machines.a, "users", "kept", dataset="B")
        machines.a.share("users", "B")
    write(machines.a, "users", "new")
    write(machines.a, "items", "new")
    with claim(machines.a, "A", "run-3"):
        assert there(machines.a) == {
            "tables/users/dataset=A/data.parquet": "old",
            "tables/users/dataset=B/data.parquet": "kept",
        }


def test_what_a_run_of_this_machine_works_on_is_left_alone(machines: Machines) -> None:
    """A command follows the store while a table is in place and not yet put there."""
    with claim(machines.a, "A", "run-1"):
        write(machines.a, "users", "new")
        follow(machines.a)
        assert there(machines.a) == {"tables/users/dataset=A/data.parquet": "new"}


def test_nothing_is_fetched_twice(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor what this machine made itself."""
    with claim(machines.a, "A", "run-1"):
        write(machines.a, "users", "rows")
        machines.a.share("users", "A")
    follow(machines.b)
    monkeypatch.setattr(Store, "download", lambda *_: pytest.fail("fetched again"))
    follow(machines.a)
    follow(machines.b)
    with claim(machines.b, "A", "run-2"):
        pass


def test_publishing_wants_a_claim(machines: Machines) -> None:
    """The store stays as it is."""
    write(machines.a, "users", "rows")
    with pytest.raises(ClaimLostError, match=r"A in file://.* is changed by runs that have"):
        machines.a.share("users", "A")
    follow(machines.b)
    assert there(machines.b) == {}


def test_a_folder_with_data_of_its_own_does_not_follow(machines: Machines) -> None:
    """Nothing of it is removed, and the way out is told."""
    write(machines.a, "users", "mine")
    with pytest.raises(StoreError, match="name an empty folder with NCF_DATA_DIR, after copying"):
        follow(machines.a)
    assert there(machines.a) == {"tables/users/dataset=A/data.parquet": "mine"}


def test_a_folder_follows_one_store(machines: Machines, tmp_path: Path) -> None:
    """With another NCF_STORE, or with none, it is refused."""
    follow(machines.a)
    other = Warehouse(machines.a.root, store=Store(f"file://{tmp_path}/other"))
    with pytest.raises(StoreError, match=r"follows file://.*/bucket, and NCF_STORE is .*/other"):
        follow(other)


def test_without_the_variable_a_folder_that_follows_is_refused(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made in it meanwhile would be lost."""
    follow(machines.a)
    monkeypatch.setenv("NCF_DATA_DIR", str(machines.a.root))
    monkeypatch.delenv("NCF_STORE", raising=False)
    with pytest.raises(ValueError, match=r"follows file://.* and NCF_STORE is not set; set it"):
        Warehouse.of_environment()


def test_what_is_replaced_while_it_is_fetched_is_fetched_as_it_then_is(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model's old file goes between the listing and the fetching of it."""
    with claim(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "old", "neumf-1.keras")
        write(machines.a, "neumf_model", "{1}")
        machines.a.share("neumf_model", "A")
        listed = Store.entries

        def replaced_after(self: Store, below: str) -> dict:
            found = listed(self, below)
            if below == "models/":
                monkeypatch.setattr(Store, "entries", listed)
                (machines.a.folder("neumf_model", "A") / "neumf-1.keras").unlink()
                write(machines.a, "neumf_model", "new", "neumf-2.keras")
                write(machines.a, "neumf_model", "{2}")
                machines.a.share("neumf_model", "A")
            return found

        monkeypatch.setattr(Store, "entries", replaced_after)
        follow(machines.b)
    assert there(machines.b) == there(machines.a)


def test_a_note_that_was_half_written_is_swept(machines: Machines) -> None:
    """A process was killed while it noted what it had fetched."""
    machines.a.root.mkdir()
    (left := machines.a.root / f".{NOTE}.0123abcd.tmp").touch()
    follow(machines.a)
    assert not left.exists()
