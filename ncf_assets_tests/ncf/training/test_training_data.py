"""Pairs that are read part by part are all pairs, user by user, and train as well."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ncf_assets.ncf.training.training_data import InMemory, Positives, Streamed, read_pairs
from ncf_assets.ncf.training.training_sampling import draw
from ncf_assets_tests.ncf.training.test_loop import (
    N_ITEMS,
    N_USERS,
    SETTINGS,
    interactions,
    model,
    ndcg_of,
    train,
)

CATALOGUE = 9
lengths = st.lists(st.integers(0, CATALOGUE - 1), min_size=1, max_size=12).filter(any)


def write(file: Path, users: np.ndarray, items: np.ndarray, rows_of_a_group: int) -> Path:
    """Write a Parquet file like that of `train`: sorted by user, in several row groups."""
    table = pa.table({"user": users.astype(np.int32), "item": items.astype(np.int32)})
    pq.write_table(table, file, row_group_size=rows_of_a_group)
    return file


def epoch(source: Positives, seed: int = 0) -> list[tuple[list[int], list[int]]]:
    """Return users and items of each part."""
    parts = source.epoch(np.random.default_rng(seed))
    return [(part.users.tolist(), part.items.tolist()) for part in parts]


@settings(deadline=None, max_examples=50)
@given(lengths, st.integers(1, 20), st.integers(1, 7), st.data())
def test_an_epoch_has_every_pair_once_and_each_user_in_one_part(
    tmp_path_factory: pytest.TempPathFactory,
    lengths: list[int],
    part: int,
    group: int,
    data: st.DataObject,
) -> None:
    """Users have 0 to 8 items, divided among two files; parts and row groups may end anywhere."""
    users = np.repeat(np.arange(len(lengths)), lengths)
    items = np.concatenate([np.arange(n) for n in lengths])
    in_first = np.array(
        data.draw(st.lists(st.booleans(), min_size=users.size, max_size=users.size))
    )
    folder = tmp_path_factory.mktemp("pairs")
    files = [
        write(folder / f"{name}.parquet", users[rows], items[rows], group)
        for name, rows in (("train", in_first), ("validation", ~in_first))
    ]
    source = Streamed(files, len(lengths), CATALOGUE, part)
    parts = epoch(source)
    pairs = [pair for found in parts for pair in zip(*found, strict=True)]
    assert sorted(pairs) == list(zip(users.tolist(), items.tolist(), strict=True))
    assert sum(len(set(of_part)) for of_part, _ in parts) == len(set(users.tolist()))
    assert source.n == len(pairs)
    assert source.n_parts == len(parts)
    assert source.largest == max(len(of_part) for of_part, _ in parts)
    assert source.largest < part + max(lengths)


def test_parts_and_pairs_are_shuffled_in_each_epoch(tmp_path: Path) -> None:
    """Parts have another order in other epochs; the same seed gives the same order."""
    file = write(tmp_path / "train.parquet", *interactions(), 64)
    source = Streamed([file], N_USERS, N_ITEMS, 50)
    assert epoch(source, 1) == epoch(source, 1)
    assert epoch(source, 1) != epoch(source, 2)
    assert {min(users) for users, _ in epoch(source, 1)} == set(range(0, N_USERS, 10))


def test_no_file_stays_open_between_two_parts(tmp_path: Path) -> None:
    """Each training and each fit has files of its own, of which a process may have few."""
    file = write(tmp_path / "train.parquet", *interactions(), 64)
    source = Streamed([file], N_USERS, N_ITEMS, 50)
    next(source.epoch(np.random.default_rng(0)))
    assert file.resolve() not in [fd.resolve() for fd in Path("/proc/self/fd").iterdir()]


def test_negatives_of_a_part_are_unseen_in_all_of_training(tmp_path: Path) -> None:
    """A part has all items of its users, also those of the other file."""
    users, items = interactions()
    seen = set(zip(users.tolist(), items.tolist(), strict=True))
    last = np.arange(users.size) % 5 == 4  # the fifth of each user's five
    files = [
        write(tmp_path / f"{name}.parquet", users[rows], items[rows], 64)
        for name, rows in (("train", ~last), ("validation", last))
    ]
    for part in Streamed(files, N_USERS, N_ITEMS, 50).epoch(np.random.default_rng(0)):
        drawn = np.asarray(draw(part.user_items, tf.constant(part.users), 8, tf.constant([1, 2])))
        pairs = zip(np.repeat(part.users, 8).tolist(), drawn.ravel().tolist(), strict=True)
        assert not seen & set(pairs)


@pytest.mark.parametrize(("stream", "kind"), [(False, InMemory), (True, Streamed)])
def test_pairs_of_all_files_are_read_at_once_or_part_by_part(
    tmp_path: Path, stream: bool, kind: type
) -> None:
    """One file has users 0 and 1, the other user 1 again."""
    files = [
        write(tmp_path / f"{i}.parquet", np.array(users), np.array(items), 2)
        for i, (users, items) in enumerate([([0, 0, 1], [2, 5, 0]), ([1], [3])])
    ]
    source = read_pairs(files, 2, CATALOGUE, stream)
    assert isinstance(source, kind)
    ((users, items),) = epoch(source)
    assert sorted(zip(users, items, strict=True)) == [(0, 2), (0, 5), (1, 0), (1, 3)]
    assert source.n == 4


@pytest.mark.process
def test_one_part_trains_as_well_as_memory(tmp_path: Path) -> None:
    """A file with fewer pairs than a part has one part with all pairs, in another order."""
    file = write(tmp_path / "train.parquet", *interactions(), 64)
    trained, untrained = model(), model()
    source = Streamed([file], N_USERS, N_ITEMS)
    history = train(trained, replace(SETTINGS, epochs=20), source)
    assert history[-1].loss < 0.6 * history[1].loss
    assert ndcg_of(trained) != ndcg_of(untrained)
