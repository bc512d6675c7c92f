"""One run for each dataset at a time, among machines that share an object store.

A claim is an object with the next number; of several who create it, the store lets one. Its holder
writes it again every few seconds. One that has not been written for long, by the store's own clock,
is a dead holder's. A holder that was cut off for so long finds a higher number, and publishes
nothing more.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from ncf_assets.warehouse.stamp import now
from ncf_assets.warehouse.store import Entry, Store, StoreError

BEAT = 10.0  # seconds between two signs of life; ours
SILENCE = 60.0  # seconds without one, after which a holder is taken for dead; ours
LOOK = 1.0  # seconds between two looks at a claim that one waits for

_held: dict[tuple[str, str], int] = {}  # the numbers of this process's claims, by URL and dataset


class BusyError(RuntimeError):
    """Another run holds the dataset; the message names it and the remedy."""

    def __init__(self, dataset: str, holder: "Holder | None") -> None:
        super().__init__(
            f"one run works on a dataset at a time, and {dataset} is being materialized by"
            f" {holder or 'a run that has just begun'}; wait until it has ended, or end it,"
            " then run this again"
        )


class ClaimLostError(StoreError):
    """What was made may not be published, as another machine has taken over."""


@dataclass(frozen=True)
class Holder:
    """Which run holds a dataset, in which process, since when (ISO 8601, UTC).

    `machine` tells machines and containers apart that have one name for their host.
    """

    run_id: str
    pid: int
    host: str
    since: str
    machine: str = ""

    @classmethod
    def this_process(cls, run_id: str) -> "Holder":
        """Now, for a run."""
        return cls(run_id, os.getpid(), socket.gethostname(), now(), _machine())

    def is_gone(self) -> bool:
        """Whether its process is known to be gone, which only its own machine can tell."""
        return bool(self.machine) and self.machine == _machine() and not _is_running(self.pid)

    def __str__(self) -> str:
        since = self.since[:19].replace("T", " ")
        return f"run {self.run_id} (process {self.pid} on {self.host}, since {since} UTC)"


@dataclass(frozen=True)
class _Claim:
    """The highest number there is for a dataset, and who holds it: nobody, if it was let go."""

    number: int
    holder: Holder | None


@contextmanager
def leased(store: Store, dataset: str, who: Holder, patience: float) -> Iterator[None]:
    """Keep other machines off a dataset.

    Waits `patience` seconds for another run, then raises BusyError; for other steps of the same run
    it waits as long as they take.
    """
    number = _taken(store, dataset, who, patience)
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
    """Raise ClaimLostError unless this process has the claim on a dataset."""
    number, last = _held.get((store.url, dataset)), _last(store, dataset)
    if number is None:
        raise ClaimLostError(f"{dataset} in {store.url} is changed by runs that have claimed it")
    if last is None or last.number != number:
        raise ClaimLostError(
            f"the claim on {dataset} in {store.url} was lost to"
            f" {last.holder if last and last.holder else 'another run'}, as this machine gave no"
            f" sign for {SILENCE:.0f} s; what was being published stayed here, run this again"
        )


def lease_holder(store: Store, dataset: str) -> Holder | None:
    """Who holds a dataset now, on any machine; None if nobody does. One that died does not."""
    last = _last(store, dataset)
    return last.holder if last and _is_alive(store, dataset, last) else None


def _taken(store: Store, dataset: str, who: Holder, patience: float) -> int:
    """The number of a new claim, once the last one has ended."""
    until = time.monotonic() + patience
    while True:
        last = _last(store, dataset)
        if last and last.holder and _is_alive(store, dataset, last):
            if last.holder.run_id != who.run_id and time.monotonic() > until:
                raise BusyError(dataset, last.holder)
            time.sleep(LOOK)
            continue
        number = last.number + 1 if last else 1
        if store.create(_key(dataset, number), _content(who)):
            numbers = sorted(_numbers(store, dataset))
            if numbers[-1] == number:
                for older in numbers[:-1]:
                    store.remove(_key(dataset, older))
                return number
            # we were so slow that others have long removed the one before
            store.remove(_key(dataset, number))


def _beat(store: Store, dataset: str, number: int, who: Holder, ended: threading.Event) -> None:
    """Give signs of life until `ended`; one that does not get through is followed by the next."""
    while not ended.wait(BEAT):
        with suppress(StoreError):
            store.write(_key(dataset, number), _content(who))


def _last(store: Store, dataset: str) -> _Claim | None:
    """The claim with the highest number, let go or not; None if there was never one."""
    numbers = _numbers(store, dataset)
    if not numbers:
        return None
    number = max(numbers)
    content = json.loads(store.read(_key(dataset, number)) or "null")
    return _Claim(number, Holder(**content) if content else None)


def _numbers(store: Store, dataset: str) -> dict[int, Entry]:
    below = f"claims/{dataset}/"
    return {int(key.removeprefix(below)): entry for key, entry in store.entries(below).items()}


def _is_alive(store: Store, dataset: str, claim: _Claim) -> bool:
    """Whether a claim was not let go and its holder gave a sign lately."""
    if claim.holder is None or claim.holder.is_gone():
        return False
    now = store.now()  # before the look, as that may take long
    entry = _numbers(store, dataset).get(claim.number)
    return entry is not None and now - entry.written < timedelta(seconds=SILENCE)


def _machine() -> str:
    """Which boot of which machine, and whose process ids; empty where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _key(dataset: str, number: int) -> str:
    return f"claims/{dataset}/{number}"


def _content(who: Holder | None) -> bytes:
    return json.dumps(who and asdict(who)).encode()
