"""Two data folders, as of two machines, that follow one store."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ncf_assets.warehouse.dataset_lock import DatasetLockedError, dataset_lock, follow, holders
from ncf_assets.warehouse.files import locked_temp_dir
from ncf_assets.warehouse.lease import ClaimLostError
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.store import IDENTITY, Entry, Store, StoreError
from ncf_assets.warehouse.store_note import NOTE
from ncf_assets.warehouse.versions import prune
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets.warehouse.working_copy import HALF, SHARED


@dataclass
class Machines:
    """The warehouses of three machines that share one store."""

    a: Warehouse
    b: Warehouse
    c: Warehouse


@pytest.fixture
def machines(store: Store, tmp_path: Path) -> Machines:
    """Return machines with an empty data folder each."""
    return Machines(*(Warehouse(tmp_path / name, store=store) for name in "abc"))


def write(place: Warehouse, asset: str, text: str, name: str = "", dataset: str = "A") -> Path:
    """Write a file in a partition's folder: by default the one whose presence makes it exist."""
    file = place.paths.folder(asset, dataset) / (name or place.paths.file(asset, dataset).name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def there(place: Warehouse) -> dict[str, str]:
    """Return the content of everything in tables, models and reports, by path."""
    files = [file for kind in SHARED for file in (place.root / kind).rglob("*")]
    return {str(file.relative_to(place.root)): file.read_text() for file in files if file.is_file()}


def test_what_one_machine_publishes_another_has_once_it_locks(machines: Machines) -> None:
    """It holds both ways, for a model with its files and for a table of all datasets."""
    with dataset_lock(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "{}")
        write(machines.a, "neumf_model", "weights", "neumf-1.keras")
        write(machines.a, "neumf_model", "events", "tensorboard/events.1")
        machines.a.share("neumf_model", "A")
    with dataset_lock(machines.b, "A", "run-2"):
        assert there(machines.b) == there(machines.a)
        (machines.b.paths.folder("neumf_model", "A") / "neumf-1.keras").unlink()
        write(machines.b, "neumf_model", "{2}")
        write(machines.b, "neumf_model", "new", "neumf-2.keras")
        machines.b.share("neumf_model", "A")
    with dataset_lock(machines.b, ALL_DATASETS, "run-3"):
        write(machines.b, "leaderboard", "rows", dataset=ALL_DATASETS)
        machines.b.share("leaderboard", ALL_DATASETS)
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


def test_unfinished_work_stays_on_its_machine(machines: Machines) -> None:
    """Half-written files and the progress of trainings and searches are not put, nor removed."""
    with dataset_lock(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "progress", "checkpoint.npz")
        write(machines.a, "neumf_model", "half", ".model.json.0123abcd.tmp")
        write(machines.a, "tuning_trials", "trials", "searches.db")
        write(machines.a, "tuning_trials", "rows")
        machines.a.share("neumf_model", "A")
        machines.a.share("tuning_trials", "A")
        machines.a.follow(lambda dataset: dataset == "A")
        assert len(there(machines.a)) == 4
    follow(machines.b)
    assert there(machines.b) == {"tables/tuning_trials/dataset=A/data.parquet": "rows"}


def test_what_a_killed_run_had_not_put_there_is_replaced(machines: Machines) -> None:
    """The store's `users` come back, a table that it never had is removed; other datasets stay."""
    with dataset_lock(machines.a, "A", "run-1"):
        write(machines.a, "users", "old")
        machines.a.share("users", "A")
    with dataset_lock(machines.a, "B", "run-2"):
        write(machines.a, "users", "kept", dataset="B")
        machines.a.share("users", "B")
    write(machines.a, "users", "new")
    write(machines.a, "items", "new")
    with dataset_lock(machines.a, "A", "run-3"):
        assert there(machines.a) == {
            "tables/users/dataset=A/data.parquet": "old",
            "tables/users/dataset=B/data.parquet": "kept",
        }


def test_what_a_run_of_this_machine_works_on_is_left_alone(machines: Machines) -> None:
    """A command follows the store while a table is in place and not yet put there."""
    with dataset_lock(machines.a, "A", "run-1"):
        write(machines.a, "users", "new")
        follow(machines.a)
        assert there(machines.a) == {"tables/users/dataset=A/data.parquet": "new"}


def test_nothing_is_fetched_twice(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine made itself is never fetched."""
    with dataset_lock(machines.a, "A", "run-1"):
        write(machines.a, "users", "rows")
        machines.a.share("users", "A")
    follow(machines.b)
    monkeypatch.setattr(Store, "download", lambda *_: pytest.fail("fetched again"))
    follow(machines.a)
    follow(machines.b)
    with dataset_lock(machines.b, "A", "run-2"):
        pass


def test_publishing_needs_a_lock(machines: Machines) -> None:
    """Without one the store stays as it is."""
    follow(machines.a)
    write(machines.a, "users", "rows")
    refused = r"only a run that has locked A may change it in \S+\. Lock the dataset first"
    with pytest.raises(ClaimLostError, match=refused):
        machines.a.share("users", "A")
    follow(machines.b)
    assert there(machines.b) == {}


def test_a_folder_with_data_of_its_own_does_not_follow(machines: Machines) -> None:
    """Nothing in it is removed, and the message has the remedy."""
    write(machines.a, "users", "mine")
    remedy = r"\. Name an empty folder with NCF_DATA_DIR, after copying"
    with pytest.raises(StoreError, match=remedy):
        follow(machines.a)
    assert there(machines.a) == {"tables/users/dataset=A/data.parquet": "mine"}


def test_a_folder_follows_one_store(machines: Machines, store: Store) -> None:
    """With another NCF_STORE the folder is refused."""
    follow(machines.a)
    other = Warehouse(machines.a.root, store=Store(f"{store.url}/other"))
    with pytest.raises(StoreError, match=r"follows \S+, and NCF_STORE is \S+/other\. Name"):
        follow(other)


def test_without_the_variable_a_folder_that_follows_is_refused(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would be made in it without the store would be lost later."""
    follow(machines.a)
    monkeypatch.setenv("NCF_DATA_DIR", str(machines.a.root))
    monkeypatch.delenv("NCF_STORE", raising=False)
    with pytest.raises(ValueError, match=r"follows \S+, and NCF_STORE is not set\. Set it"):
        Warehouse.from_env()


def test_what_is_replaced_while_it_is_fetched_is_fetched_again(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model's old file is removed after it was listed and before it is fetched."""
    with dataset_lock(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "old", "neumf-1.keras")
        write(machines.a, "neumf_model", "{1}")
        machines.a.share("neumf_model", "A")
        listed = Store.entries

        def replaced_after(self: Store, below: str) -> dict:
            found = listed(self, below)
            if below == "models/":
                monkeypatch.setattr(Store, "entries", listed)
                (machines.a.paths.folder("neumf_model", "A") / "neumf-1.keras").unlink()
                write(machines.a, "neumf_model", "new", "neumf-2.keras")
                write(machines.a, "neumf_model", "{2}")
                machines.a.share("neumf_model", "A")
            return found

        monkeypatch.setattr(Store, "entries", replaced_after)
        follow(machines.b)
    assert there(machines.b) == there(machines.a)


def test_a_note_that_was_half_written_is_removed(machines: Machines) -> None:
    """A process was killed while it noted what it had fetched."""
    machines.a.root.mkdir()
    (orphaned := machines.a.root / f".{NOTE}.0123abcd.tmp").touch()
    follow(machines.a)
    assert not orphaned.exists()


def test_a_fetch_that_was_cut_off_is_resumed(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two tables the second fails; the next time only the second is fetched."""
    with dataset_lock(machines.a, "A", "run-1"):
        for table in ("items", "users"):
            write(machines.a, table, "rows")
            machines.a.share(table, "A")
    fetched, download = [], Store.download

    def second_fails(self: Store, key: str, path: Path) -> Entry | None:
        fetched.append(key)
        if len(fetched) == 2:
            path.write_text("half")
            raise StoreError("cut off")
        return download(self, key, path)

    monkeypatch.setattr(Store, "download", second_fails)
    with pytest.raises(StoreError, match="cut off"):
        follow(machines.b)
    half = machines.b.root / HALF
    assert not half.exists()
    half.write_text("left by a killed process")
    follow(machines.b)
    assert not half.exists()
    assert [key.split("/")[1] for key in fetched] == ["items", "users", "users"]
    assert there(machines.b) == there(machines.a)


def test_another_store_at_the_same_address_removes_nothing(machines: Machines) -> None:
    """It may be an empty folder where a store should be mounted."""
    with dataset_lock(machines.a, "A", "run-1"):
        write(machines.a, "users", "rows")
        machines.a.share("users", "A")
    kept = there(machines.a)
    assert machines.a.store is not None
    machines.a.store.write(IDENTITY, b"of another")
    with pytest.raises(StoreError, match=r"is another store, not the one that \S+ follows"):
        follow(machines.a)
    machines.a.store.remove(IDENTITY)
    with pytest.raises(StoreError, match=r"is empty, not the one .*\. Check that it is mounted"):
        follow(machines.a)
    assert there(machines.a) == kept


def test_what_a_person_keeps_next_to_the_partitions_stays(machines: Machines) -> None:
    """These are notes among the reports, and an unfinished export in the data folder."""
    with locked_temp_dir(machines.a.root / "all.duckdb") as export:
        notes = machines.a.root / "reports" / "notes.md"
        follow(machines.a)
        notes.parent.mkdir()
        notes.write_text("mine")
        follow(machines.a)
        assert export.exists()
    assert there(machines.a) == {"reports/notes.md": "mine"}


def test_what_was_copied_to_the_store_by_hand_does_not_undo_a_training(machines: Machines) -> None:
    """A checkpoint in the store belongs to no machine."""
    assert machines.a.store is not None
    machines.a.store.write("models/neumf_model/dataset=A/checkpoint.npz", b"old")
    machines.a.store.write("models/neumf_model/dataset=A/model.json", b"{}")
    write(machines.b, "neumf_model", "progress", "checkpoint.npz")
    follow(machines.b)
    kept = {
        "models/neumf_model/dataset=A/checkpoint.npz": "progress",
        "models/neumf_model/dataset=A/model.json": "{}",
    }
    assert there(machines.b) == kept
    with dataset_lock(machines.b, "A", "run-1"):
        machines.b.share("neumf_model", "A")
    assert machines.b.store is not None
    assert machines.b.store.entries("models/").keys() == kept.keys()


def test_versions_of_a_model_keep_their_order_of_age(machines: Machines) -> None:
    """They are ordered by the store's clock; a version's folder is removed with its last file."""
    with dataset_lock(machines.a, "A", "run-1"):
        for version in ("z", "a"):
            write(machines.a, "neumf_model", version, f"neumf-{version}.keras")
            write(machines.a, "neumf_model", version, f"neumf-{version}.saved_model/saved.pb")
            machines.a.share("neumf_model", "A")
            time.sleep(1.1)  # the store's clock may have seconds
        follow(machines.b)
        folder = machines.b.paths.folder("neumf_model", "A")
        ages = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.keras")}
        assert ages["neumf-z.keras"] < ages["neumf-a.keras"]
        prune(folder / "neumf-m.saved_model", 2)  # as if one were published here
        assert [path.name for path in folder.glob("*.saved_model")] == ["neumf-a.saved_model"]
        shutil.rmtree(machines.a.paths.folder("neumf_model", "A") / "neumf-z.saved_model")
        machines.a.share("neumf_model", "A")
    follow(machines.b)
    assert [path.name for path in folder.glob("*.saved_model")] == ["neumf-a.saved_model"]


def test_a_run_that_lost_its_lock_while_publishing_leaves_the_other_objects(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its first object another machine takes the lock and publishes."""
    upload = Store.upload
    key = "models/neumf_model/dataset=A/neumf-2.keras"

    def taken_over_after(self: Store, path: Path, to: str) -> str:
        found = upload(self, path, to)
        self.write("claims/A/2", b'{"run_id": "run-2", "pid": 1, "host": "b", "since": ""}')
        self.write(key, b"theirs")
        return found

    with dataset_lock(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "mine", "neumf-1.keras")
        write(machines.a, "neumf_model", "{1}")
        monkeypatch.setattr(Store, "upload", taken_over_after)
        with pytest.raises(ClaimLostError, match="was lost to run run-2"):
            machines.a.share("neumf_model", "A")
    assert machines.a.store is not None
    assert machines.a.store.read(key) == b"theirs"
    assert machines.a.store.read(key.replace("neumf-2.keras", "model.json")) is None


def test_a_run_that_waits_does_not_hide_the_other(machines: Machines) -> None:
    """A dataset that another machine works on, and this one waits for, has both as holders."""
    assert machines.a.store is not None
    follow(machines.a)
    machines.a.store.write(
        "claims/A/1", b'{"run_id": "run-1", "pid": 1, "host": "b", "since": "2026-01-01"}'
    )
    with pytest.raises(DatasetLockedError), dataset_lock(machines.a, "A", "run-2"):
        pass
    with dataset_lock(Warehouse(machines.a.root), "A", "run-2"):
        assert [who.run_id for who in holders(machines.a, "A")] == ["run-1", "run-2"]


def test_a_damaged_note_is_an_error(machines: Machines) -> None:
    """It is not taken for a missing one, as the folder would then be refused for another reason."""
    machines.a.root.mkdir()
    (machines.a.root / NOTE).write_text("{")
    with pytest.raises(StoreError, match=r"\.store\.json is damaged\. Name an empty folder"):
        follow(machines.a)
