"""The reader on real Amazon files, if the machine has them next to the repository."""

import gzip
from datetime import date
from pathlib import Path

import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.reader import read

FOLDER = Path(__file__).parents[3] / "shared" / "data"  # next to the repository

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no real data: {FOLDER} does not exist"
)


@pytest.mark.parametrize(
    ("source", "name", "n_lines"),
    [
        ("amazon-2014", "amazon-2014/reviews_Musical_Instruments_5.json.gz", 10_261),
        ("amazon-2014", "amazon-2014/reviews_Digital_Music_5.first6907.json.gz", 6_907),
        ("amazon-2018", "amazon-2018/All_Beauty_5.json.gz", 5_269),
        ("amazon-2023", "amazon-2023/All_Beauty.jsonl.gz", 2_544),
    ],
)
def test_every_line_of_a_real_file_is_accepted(source: str, name: str, n_lines: int) -> None:
    """The counts are the published ones, or those of `wc -l`."""
    batches = list(read(FOLDER / name, Dataset("X", "X", source), date(2024, 1, 1)))
    assert [batch.rejected.num_rows for batch in batches] == [0] * len(batches)
    assert sum(batch.accepted.num_rows for batch in batches) == n_lines


def test_a_2023_file_read_as_2014_says_what_is_missing() -> None:
    """All lines are rejected, with the same reason."""
    path = FOLDER / "amazon-2023" / "All_Beauty.jsonl.gz"
    [batch] = read(path, Dataset("X", "X", "amazon-2014"), date(2024, 1, 1))
    assert batch.accepted.num_rows == 0
    assert set(batch.rejected["reason"].to_pylist()) == {"missing key `reviewerID`"}
    with gzip.open(path) as stream:
        assert batch.rejected["text"][0].as_py().encode() == stream.readline().rstrip(b"\n")
