"""Two data folders, as of two machines, that follow one store."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ncf_assets.warehouse import EVERY, Warehouse
from ncf_assets.warehouse.claims import claim, follow, holders
from ncf_assets.warehouse.files import held_folder
from ncf_assets.warehouse.lease import BusyError, ClaimLostError
from ncf_assets.warehouse.models import prune
from ncf_assets.warehouse.store import IDENTITY, Entry, Store, StoreError
from ncf_assets.warehouse.store_note import NOTE
from ncf_assets.warehouse.working_copy import HALF, SHARED


@dataclass
class Machines:
    """Two of them, and a third that comes later."""

    a: Warehouse
    b: Warehouse
    c: Warehouse


@pytest.fixture
def machines(store: Store, tmp_path: Path) -> Machines:
    """Each with an empty data folder."""
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
    """Half-written files, the progress of a training and of a search: not put, not removed."""
    with claim(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "progress", "checkpoint.npz")
        write(machines.a, "neumf_model", "half", ".model.json.0123abcd.tmp")
        write(machines.a, "tuning", "trials", "searches.db")
        write(machines.a, "tuning", "rows")
        machines.a.share("neumf_model", "A")
        machines.a.share("tuning", "A")
        machines.a.follow(lambda dataset: dataset == "A")
        assert len(there(machines.a)) == 4
    follow(machines.b)
    assert there(machines.b) == {"tables/tuning/dataset=A/data.parquet": "rows"}


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
    follow(machines.a)
    write(machines.a, "users", "rows")
    with pytest.raises(ClaimLostError, match=r"A in \S+ is changed by runs that have"):
        machines.a.share("users", "A")
    follow(machines.b)
    assert there(machines.b) == {}


def test_a_folder_with_data_of_its_own_does_not_follow(machines: Machines) -> None:
    """Nothing of it is removed, and the way out is told."""
    write(machines.a, "users", "mine")
    with pytest.raises(StoreError, match="name an empty folder with NCF_DATA_DIR, after copying"):
        follow(machines.a)
    assert there(machines.a) == {"tables/users/dataset=A/data.parquet": "mine"}


def test_a_folder_follows_one_store(machines: Machines, store: Store) -> None:
    """With another NCF_STORE, or with none, it is refused."""
    follow(machines.a)
    other = Warehouse(machines.a.root, store=Store(f"{store.url}/other"))
    with pytest.raises(StoreError, match=r"follows \S+, and NCF_STORE is \S+/other; name"):
        follow(other)


def test_without_the_variable_a_folder_that_follows_is_refused(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made in it meanwhile would be lost."""
    follow(machines.a)
    monkeypatch.setenv("NCF_DATA_DIR", str(machines.a.root))
    monkeypatch.delenv("NCF_STORE", raising=False)
    with pytest.raises(ValueError, match=r"follows \S+, and NCF_STORE is not set; set it"):
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


def test_a_fetch_that_was_cut_off_goes_on(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two tables the second does not come; the next time it alone is fetched."""
    with claim(machines.a, "A", "run-1"):
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
    half.write_text("a killed one's")
    follow(machines.b)
    assert not half.exists()
    assert [key.split("/")[1] for key in fetched] == ["items", "users", "users"]
    assert there(machines.b) == there(machines.a)


def test_another_store_at_the_same_address_takes_nothing_away(machines: Machines) -> None:
    """Such as an empty folder where one was to be mounted."""
    with claim(machines.a, "A", "run-1"):
        write(machines.a, "users", "rows")
        machines.a.share("users", "A")
    kept = there(machines.a)
    assert machines.a.store is not None
    machines.a.store.write(IDENTITY, b"of another")
    with pytest.raises(StoreError, match=r"is another store, not the one that \S+ follows"):
        follow(machines.a)
    machines.a.store.remove(IDENTITY)
    with pytest.raises(StoreError, match=r"is empty, not the one .* see that it is mounted"):
        follow(machines.a)
    assert there(machines.a) == kept


def test_what_a_person_keeps_beside_the_partitions_stays(machines: Machines) -> None:
    """Notes among the reports, and an export that is under way in the data folder."""
    with held_folder(machines.a.root / "all.duckdb") as export:
        notes = machines.a.root / "reports" / "notes.md"
        follow(machines.a)
        notes.parent.mkdir()
        notes.write_text("mine")
        follow(machines.a)
        assert export.exists()
    assert there(machines.a) == {"reports/notes.md": "mine"}


def test_what_was_copied_to_the_store_by_hand_does_not_undo_a_training(machines: Machines) -> None:
    """A checkpoint among it is nobody's."""
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
    with claim(machines.b, "A", "run-1"):
        machines.b.share("neumf_model", "A")
    assert machines.b.store is not None
    assert machines.b.store.entries("models/").keys() == kept.keys()


def test_versions_of_a_model_keep_their_order_of_age(machines: Machines) -> None:
    """By the store's clock; a version's folder goes with its last file."""
    with claim(machines.a, "A", "run-1"):
        for version in ("z", "a"):
            write(machines.a, "neumf_model", version, f"neumf-{version}.keras")
            write(machines.a, "neumf_model", version, f"neumf-{version}.saved_model/saved.pb")
            machines.a.share("neumf_model", "A")
            time.sleep(1.1)  # the store's clock may have seconds
        follow(machines.b)
        folder = machines.b.folder("neumf_model", "A")
        ages = {file.name: file.stat().st_mtime_ns for file in folder.glob("*.keras")}
        assert ages["neumf-z.keras"] < ages["neumf-a.keras"]
        prune(folder / "neumf-m.saved_model", 2)  # as if one were published here
        assert [path.name for path in folder.glob("*.saved_model")] == ["neumf-a.saved_model"]
        shutil.rmtree(machines.a.folder("neumf_model", "A") / "neumf-z.saved_model")
        machines.a.share("neumf_model", "A")
    follow(machines.b)
    assert [path.name for path in folder.glob("*.saved_model")] == ["neumf-a.saved_model"]


def test_who_lost_its_claim_while_publishing_leaves_the_other_s_objects(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its first object another machine has taken over, and published."""
    upload = Store.upload
    key = "models/neumf_model/dataset=A/neumf-2.keras"

    def taken_over_after(self: Store, path: Path, to: str) -> str:
        found = upload(self, path, to)
        self.write("claims/A/2", b'{"run_id": "run-2", "pid": 1, "host": "b", "since": ""}')
        self.write(key, b"theirs")
        return found

    with claim(machines.a, "A", "run-1"):
        write(machines.a, "neumf_model", "mine", "neumf-1.keras")
        write(machines.a, "neumf_model", "{1}")
        monkeypatch.setattr(Store, "upload", taken_over_after)
        with pytest.raises(ClaimLostError, match="was lost to run run-2"):
            machines.a.share("neumf_model", "A")
    assert machines.a.store is not None
    assert machines.a.store.read(key) == b"theirs"
    assert machines.a.store.read(key.replace("neumf-2.keras", "model.json")) is None


def test_a_run_that_waits_hides_nobody(machines: Machines) -> None:
    """Of a dataset that another machine works on, and this one waits for, both are holders."""
    assert machines.a.store is not None
    follow(machines.a)
    machines.a.store.write(
        "claims/A/1", b'{"run_id": "run-1", "pid": 1, "host": "b", "since": "2026-01-01"}'
    )
    with pytest.raises(BusyError), claim(machines.a, "A", "run-2"):
        pass
    with claim(Warehouse(machines.a.root), "A", "run-2"):
        assert [who.run_id for who in holders(machines.a, "A")] == ["run-1", "run-2"]


def test_a_damaged_note_is_told(machines: Machines) -> None:
    """Not taken for none, as that would refuse the folder for another reason."""
    machines.a.root.mkdir()
    (machines.a.root / NOTE).write_text("{")
    with pytest.raises(StoreError, match=r"\.store\.json is damaged; name an empty folder"):
        follow(machines.a)
