"""Leases among machines, as objects in a store; a lease names the host of its machine."""

import json
import threading
import time
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest

from ncf_assets.warehouse import lease
from ncf_assets.warehouse.dataset_lock import DatasetLockedError, LockHolder
from ncf_assets.warehouse.lease import ClaimLostError, check_held, lease_holder, leased
from ncf_assets.warehouse.store import Store

ELSEWHERE = LockHolder("run-1", 1, "another", "2026-01-01T00:00:00+00:00")
HERE = LockHolder.this_process("run-2")
NOBODY = 2**22 + 1  # above any process id


def write_lease(store: Store, number: int, who: LockHolder | None) -> None:
    """Write a lease as another machine would."""
    store.write(f"claims/A/{number}", json.dumps(who and asdict(who)).encode())


def test_a_second_machine_is_refused_with_the_name_of_the_first(store: Store) -> None:
    """Another dataset is free."""
    write_lease(store, 1, ELSEWHERE)
    expected = r"A is being materialized by run run-1 \(process 1 on another, since 2026-01-01"
    with pytest.raises(DatasetLockedError, match=expected), leased(store, "A", HERE, 0):
        pass
    with leased(store, "B", HERE, 0):
        assert lease_holder(store, "B") == HERE
    assert lease_holder(store, "A") == ELSEWHERE


def test_a_released_lease_is_free_at_once(store: Store) -> None:
    """The next run takes the next number, and removes the last one."""
    for _ in range(2):
        with leased(store, "A", HERE, 0):
            pass
        assert lease_holder(store, "A") is None
    assert list(store.entries("claims/A/")) == ["claims/A/2"]


def test_a_silent_holder_is_taken_for_dead(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this test it is taken for dead after a second instead of a minute."""
    write_lease(store, 1, ELSEWHERE)
    assert lease_holder(store, "A") == ELSEWHERE
    time.sleep(1.1)
    monkeypatch.setattr(lease, "SILENCE", 1.0)
    assert lease_holder(store, "A") is None
    with leased(store, "A", HERE, 0):
        monkeypatch.undo()  # this holder may take longer than a second
        assert lease_holder(store, "A") == HERE


def test_a_holder_that_works_for_long_gives_signs_of_life(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is written again while it is held; how soon depends on the machine."""
    monkeypatch.setattr(lease, "BEAT", 0.1)

    def written() -> datetime:
        return store.entries("claims/A/")["claims/A/1"].written

    with leased(store, "A", HERE, 0):
        first, until = written(), time.monotonic() + 60
        while written() - first < timedelta(seconds=2):
            assert time.monotonic() < until
            time.sleep(0.1)


def test_a_process_of_this_machine_that_is_gone_is_known_to_be_dead(store: Store) -> None:
    """Nobody waits a minute for it."""
    write_lease(store, 1, replace(HERE, pid=NOBODY))
    assert lease_holder(store, "A") is None


def test_a_machine_of_the_same_name_is_another(store: Store) -> None:
    """Nothing is known here of its processes."""
    other = replace(HERE, pid=NOBODY, machine="another boot")
    write_lease(store, 1, other)
    assert lease_holder(store, "A") == other


def test_a_step_of_the_same_run_waits_its_turn(store: Store) -> None:
    """The other step runs on another machine, as some executors give each step one."""
    write_lease(store, 1, replace(HERE, machine="another boot"))
    started = time.monotonic()
    threading.Timer(1.5, write_lease, (store, 1, None)).start()
    with leased(store, "A", HERE, 0):
        assert time.monotonic() - started > 1


def test_a_run_that_has_lost_its_lease_may_not_publish(store: Store) -> None:
    """It was cut off, and another run has the next number."""
    with leased(store, "A", HERE, 0):
        check_held(store, "A")
        write_lease(store, 2, ELSEWHERE)
        lost = r"was lost to run run-1 .* no sign for 60 s.*\. Run this again"
        with pytest.raises(ClaimLostError, match=lost):
            check_held(store, "A")
    assert lease_holder(store, "A") == ELSEWHERE
    with pytest.raises(ClaimLostError, match="only a run that has locked A may change it"):
        check_held(store, "A")


def test_of_many_leases_at_once_one_succeeds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight machines try twenty times each; two are never inside at the same time."""
    monkeypatch.setattr(lease, "LOOK", 0.01)
    barrier, inside, won = threading.Barrier(8), [0], []

    def contend(n: int) -> None:
        barrier.wait()
        for _ in range(20):
            try:
                with leased(store, "A", replace(HERE, run_id=f"run-{n}"), 0):
                    inside[0] += 1
                    won.append(inside[0])
                    time.sleep(0.002)
                    inside[0] -= 1
            except DatasetLockedError:
                time.sleep(0.001)

    threads = [threading.Thread(target=contend, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) >= 8
    assert set(won) == {1}
