"""Commands on a full disk, and in folders that nobody may write to."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ncf_assets.ingest import sample
from ncf_assets_tests.cli.commands import BIN, environment, ncf, tiny_folder
from ncf_assets_tests.small_disk import filled, small_disk

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]
TABLES = "raw_reviews,latest_reviews,users,items,interactions"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk with the tiny data set and some of its tables, and Dagster's history too."""
    with small_disk(tmp_path_factory.mktemp("disk")) as found:
        made = ncf(tiny_folder(found), "materialize", "Sample", "--select", TABLES)
        assert made.returncode == 0, made.stderr
        yield found


def unwritable(data: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`ncf-assets` as a user to whom permissions apply, which they do not to root."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if not os.getuid() else []
    return subprocess.run(
        [*drop, str(BIN / "ncf-assets"), *words],
        env=environment(data) | more,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_under_everything_is_no_traceback(disk: Path) -> None:
    """Dagster's history has no space either. With some again, the same command works."""
    again = ("materialize", "Sample", "--select", TABLES)
    with filled(disk):
        done = ncf(disk, *again)
        status = ncf(disk, "status", "Sample")
    assert done.returncode == 1
    assert "Error: the disk is full (" in done.stderr
    assert "Traceback" not in done.stderr
    assert status.stdout.count("up to date") == 7
    assert ncf(disk, *again).returncode == 0


def test_a_table_too_large_for_the_disk_is_no_traceback(tmp_path: Path) -> None:
    """The Sample wants about 0.5 MB: only the step fails, and Dagster records it."""
    with small_disk(tmp_path / "disk", 3) as data:
        lines = sample.sample()
        (tmp_path / "reviews.json").write_bytes(lines)
        (data / "datasets.toml").write_text(
            f'[Sample]\nformat = "amazon-2014"\npath = "{tmp_path}/reviews.json"\n'
        )
        ncf(data, "dagster-home")
        with filled(data, 400_000):
            done = ncf(data, "materialize", "Sample", "--select", TABLES)
        left = {file.name for file in (data / "tables").rglob("*")}
    assert done.returncode == 1
    assert "reviews failed: the disk is full (" in done.stderr
    assert "Traceback" not in done.stderr
    assert left == {"raw_reviews", "rejected_reviews", "dataset=Sample"}  # folders alone


def test_an_export_without_space_leaves_the_one_of_before(disk: Path, tmp_path: Path) -> None:
    """Neither a half database nor a temporary file."""
    with small_disk(tmp_path / "other", 1) as other:
        (other / "out.duckdb").write_text("before")
        with filled(other):
            done = ncf(disk, "export", "--force", str(other / "out.duckdb"))
        assert [file.name for file in other.iterdir()] == ["out.duckdb"]
        assert (other / "out.duckdb").read_text() == "before"
    assert done.returncode == 1
    assert "Error: the disk is full (" in done.stderr


@contextmanager
def read_only(disk: Path, by: str) -> Iterator[None]:
    """For the time of the block: by a mount, or by every file's permissions."""
    paths = [disk, *disk.rglob("*")]
    if by == "mount":
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    else:
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("by", ["permission", "mount"])
def test_a_data_folder_that_may_only_be_read_is_named(disk: Path, by: str) -> None:
    """It can be looked at and asked, and what would write says where it may not."""
    with read_only(disk, by):
        _check_read_only(disk)


def _check_read_only(disk: Path) -> None:
    done = unwritable(disk, "materialize", "Sample", "--select", TABLES)
    assert done.returncode == 1
    assert f"Error: {disk}" in done.stderr
    assert "must be writable for user" in done.stderr
    assert unwritable(disk, "status", "Sample").stdout.count("up to date") == 7
    asked = unwritable(disk, "sql", "--csv", "select count(*) from users")
    assert asked.stdout.split() == ["count_star()", "13"], asked.stderr


def test_a_data_folder_that_looks_like_a_partition_is_refused(tmp_path: Path) -> None:
    """DuckDB would read its name as the dataset of every row."""
    folder = tmp_path / "dataset=Old" / "data"
    done = ncf(folder, "status")
    assert done.returncode == 1
    assert "may have = in its name, found 'dataset=Old' in" in done.stderr
    assert "Name another folder with NCF_DATA_DIR" in done.stderr
    assert not folder.parent.exists()


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Below a folder that may only be read, and below a file."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    (tmp_path / "file").touch()
    done = unwritable(closed / "data", "dagster-home")
    assert f"Error: {closed}/data" in done.stderr
    assert "NCF_DATA_DIR" in done.stderr
    below = unwritable(tmp_path / "file" / "data", "dagster-home")
    assert "Error: a file is where" in below.stderr
    assert "Traceback" not in below.stderr
