"""Let one run at a time work on a dataset, among machines that share an object store.

A lease is an object with the next number; the store lets only one of several runs create it. Its
holder writes it again every few seconds. If it has not been written for long, by the store's own
clock, the holder is taken for dead. A holder that was cut off for so long finds a higher number,
and publishes nothing more. The lock on one machine is in `ncf_assets.warehouse.dataset_lock`.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta

from ncf_assets.warehouse.lock_holder import DatasetLockedError, LockHolder
from ncf_assets.warehouse.store import Entry, Store, StoreError

BEAT = 10.0  # seconds between two signs of life; chosen
SILENCE = 60.0  # seconds without one, after which a holder is taken for dead; chosen: six beats
LOOK = 1.0  # seconds between two looks at a lease that another run holds

_held: dict[tuple[str, str], int] = {}  # the numbers of this process's leases, by URL and dataset


class ClaimLostError(StoreError):
    """The result may not be published, as another machine now holds the dataset's lease."""


@dataclass(frozen=True)
class _Lease:
    """The lease with the highest number of a dataset, and its holder: None if it was released."""

    number: int
    holder: LockHolder | None


@contextmanager
def leased(store: Store, dataset: str, who: LockHolder, patience: float) -> Iterator[None]:
    """Hold the lease of a dataset during the block.

    Wait `patience` seconds for another run, then raise DatasetLockedError. For other steps of the
    same run, wait as long as they take.
    """
    number = _acquire(store, dataset, who, patience)
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(store, dataset, number, who, ended), daemon=True)
    beating.start()
    _held[store.url, dataset] = number
    try:
        yield
    finally:
        del _held[store.url, dataset]
        ended.set()
        beating.join()
        with suppress(StoreError):  # it ends by itself after SILENCE
            store.write(_key(dataset, number), _content(None))


def check_held(store: Store, dataset: str) -> None:
    """Raise ClaimLostError unless this process holds the lease of a dataset."""
    number, last = _held.get((store.url, dataset)), _last(store, dataset)
    if number is None:
        raise ClaimLostError(
            f"only a run that has locked {dataset} may change it in {store.url}. Lock the dataset"
            " first."
        )
    if last is None or last.number != number:
        raise ClaimLostError(
            f"the lock on {dataset} in {store.url} was lost to"
            f" {last.holder if last and last.holder else 'another run'}, as this machine gave no"
            f" sign for {SILENCE:.0f} s, and what was being published is only on this machine. Run"
            " this again."
        )


def lease_holder(store: Store, dataset: str) -> LockHolder | None:
    """Return the run that holds a dataset now, on any machine; None if there is none alive."""
    last = _last(store, dataset)
    return last.holder if last and _is_alive(store, dataset, last) else None


def _acquire(store: Store, dataset: str, who: LockHolder, patience: float) -> int:
    """Wait until the last lease has ended, and return the number of a new one."""
    until = time.monotonic() + patience
    while True:
        last = _last(store, dataset)
        if last and last.holder and _is_alive(store, dataset, last):
            if last.holder.run_id != who.run_id and time.monotonic() > until:
                raise DatasetLockedError(dataset, last.holder)
            time.sleep(LOOK)
            continue
        number = last.number + 1 if last else 1
        if store.create(_key(dataset, number), _content(who)):
            numbers = sorted(_numbers(store, dataset))
            if numbers[-1] == number:
                for older in numbers[:-1]:
                    store.remove(_key(dataset, older))
                return number
            # this process was so slow that others have created and removed leases meanwhile
            store.remove(_key(dataset, number))


def _beat(store: Store, dataset: str, number: int, who: LockHolder, ended: threading.Event) -> None:
    """Write the lease again and again until `ended`; if one write fails, the next follows."""
    while not ended.wait(BEAT):
        with suppress(StoreError):
            store.write(_key(dataset, number), _content(who))


def _last(store: Store, dataset: str) -> _Lease | None:
    """Return the lease with the highest number, released or not; None if there was never one."""
    numbers = _numbers(store, dataset)
    if not numbers:
        return None
    number = max(numbers)
    content = json.loads(store.read(_key(dataset, number)) or "null")
    return _Lease(number, LockHolder(**content) if content else None)


def _numbers(store: Store, dataset: str) -> dict[int, Entry]:
    below = f"claims/{dataset}/"
    return {int(key.removeprefix(below)): entry for key, entry in store.entries(below).items()}


def _is_alive(store: Store, dataset: str, lease: _Lease) -> bool:
    """Return whether a lease was not released and its holder gave a sign lately."""
    if lease.holder is None or lease.holder.is_gone():
        return False
    now = store.now()  # before reading the entry, as that may take long
    entry = _numbers(store, dataset).get(lease.number)
    return entry is not None and now - entry.written < timedelta(seconds=SILENCE)


def _key(dataset: str, number: int) -> str:
    return f"claims/{dataset}/{number}"


def _content(who: LockHolder | None) -> bytes:
    return json.dumps(who and asdict(who)).encode()
