"""Finding files, and fetching them from a real server on the loopback."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import transfer
from ncf_assets.ingest.download import DownloadError, RefusedError, fetch, locate
from ncf_assets_tests.ingest.server import BODY, DATE, Server, serving
from ncf_assets_tests.small_disk import PAGE, filled, small_disk


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that runs while a test does."""
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback is reached directly, also on machines behind a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of 10 and 20 ms, so three tries in all."""
    monkeypatch.setattr(transfer, "WAITS", (0.01, 0.02))


def _dataset(url: str | None, path: str | None = None, sha256: str | None = None) -> Dataset:
    return Dataset("X", "X", "amazon-2014", url=url, path=path, sha256=sha256)


def _fetched(server: Server, target: Path) -> bytes:
    """What lies under the final name after a download; nothing else is left beside it."""
    assert fetch(_dataset(f"{server.address}/a.gz"), target) == target
    assert list(target.parent.iterdir()) == [target]
    return target.read_bytes()


def test_a_download_arrives_whole_and_leaves_no_part(server: Server, tmp_path: Path) -> None:
    """The folder is made, the bytes are the server's, progress ends at the whole."""
    target = tmp_path / "raw" / "good.gz"
    seen: list[tuple[int, int | None]] = []
    url = f"{server.address}/good.gz"
    found = fetch(_dataset(url), target, lambda *so_far: seen.append(so_far))
    assert found == target
    assert target.read_bytes() == BODY
    assert list(target.parent.iterdir()) == [target]
    assert seen == [(2_560_000, 2_560_000)]


def test_progress_is_told_step_by_step(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With steps of 2 MiB, 2,560,000 bytes pass one (2,097,152) and then end."""
    monkeypatch.setattr(transfer, "_STEP", 2 << 20)
    seen: list[int] = []
    target = tmp_path / "good.gz"
    fetch(_dataset(f"{server.address}/a.gz"), target, lambda so_far, _: seen.append(so_far))
    assert seen == [2_097_152, 2_560_000]


def test_a_server_may_leave_the_length_open(server: Server, tmp_path: Path) -> None:
    """Progress then has no total."""
    server.behaviour = ["unannounced"]
    seen: list[int | None] = []
    target = tmp_path / "a.gz"
    fetch(_dataset(f"{server.address}/a.gz"), target, lambda _, total: seen.append(total))
    assert target.read_bytes() == BODY
    assert set(seen) == {None}


def test_the_bytes_are_kept_as_sent(server: Server, tmp_path: Path) -> None:
    """A server that calls a .gz file an encoding does not make us unpack it."""
    server.body, server.behaviour = b"\x1f\x8b no gzip file", ["encoded"]
    assert _fetched(server, tmp_path / "a.gz") == server.body


@pytest.mark.parametrize("cut", ["cut 1000000", "reset 1000000"])
@pytest.mark.parametrize(("etag", "date"), [('"v1"', None), (None, DATE), ('W/"v1"', DATE)])
def test_a_cut_download_goes_on_where_it_was_cut(
    server: Server, tmp_path: Path, cut: str, etag: str | None, date: str | None
) -> None:
    """The second request asks for the rest, if the file is still the same by ETag or else date."""
    server.etag, server.date, server.behaviour = etag, date, [cut]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    first, second = server.requests
    assert "Range" not in first
    start = int(second["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= 1_000_000
    assert second["If-Range"] == ('"v1"' if etag == '"v1"' else DATE)


def test_a_file_that_has_changed_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    """The server then sends all of it, and nothing of the old one remains."""
    server.behaviour = ["cut 1000000", 503, 503, 503]
    with pytest.raises(DownloadError):
        _fetched(server, tmp_path / "a.gz")
    server.body, server.etag = b"new" * 100, '"v2"'
    assert _fetched(server, tmp_path / "a.gz") == b"new" * 100


@pytest.mark.parametrize("behaviour", ["elsewhere", 416])
def test_a_wrong_range_is_not_appended(
    server: Server, tmp_path: Path, behaviour: str | int
) -> None:
    """Another part than was asked for, or none: the third request begins anew."""
    server.behaviour = ["cut 1000000", behaviour]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert ["Range" in request for request in server.requests] == [False, True, False]


@pytest.mark.parametrize("what", ["etag", "ranges"])
def test_a_server_without_ranges_sends_everything_again(
    server: Server, tmp_path: Path, what: str
) -> None:
    """Without ETag and date nothing tells whether the rest would fit; or ranges are ignored."""
    setattr(server, what, None)
    server.behaviour = ["cut 1000000"]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert len(server.requests) == 2


def test_a_killed_download_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    """`kill -9` while the server keeps it waiting; the next process asks for the rest alone."""
    target = tmp_path / "a.gz"
    server.behaviour = ["cut 1000000", "hang"]
    process = _in_another_process(server, target)
    _until(lambda: len(server.requests) == 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    assert (tmp_path / ".a.gz.part").stat().st_size == 1_000_000
    assert _fetched(server, target) == BODY
    assert server.requests[2]["Range"] == "bytes=1000000-"


def _in_another_process(server: Server, target: Path) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path; from ncf_assets.datasets import Dataset;"
        "from ncf_assets.ingest.download import fetch;"
        "fetch(Dataset('X', 'X', 'amazon-2014', url=sys.argv[1]), Path(sys.argv[2]))"
    )
    url = f"{server.address}/a.gz"
    return subprocess.Popen([sys.executable, "-c", code, url, str(target)], env=os.environ)


def _until(true: object) -> None:
    for _ in range(1000):
        if true():  # type: ignore[operator]
            return
        time.sleep(0.02)
    pytest.fail("it did not come to that in 20 s")


def test_two_processes_fetch_a_file_once(server: Server, tmp_path: Path) -> None:
    """The second waits for the first, and then has its file; the server is asked once."""
    target = tmp_path / "a.gz"
    server.behaviour = ["hang"]
    started = threading.Thread(target=fetch, args=[_dataset(f"{server.address}/a.gz"), target])
    server.released.clear()
    other = _in_another_process(server, target)
    _until(lambda: server.requests)
    started.start()
    time.sleep(0.2)
    assert started.is_alive()
    server.released.set()  # the hanging request ends without an answer, and is tried again
    assert other.wait(60) == 0
    started.join(60)
    assert target.read_bytes() == BODY
    assert len(server.requests) == 2
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("behaviour", [500, 502, 503, 504, 429, 408, "cut 0", "reset 0"])
def test_what_passes_is_tried_again(server: Server, tmp_path: Path, behaviour: str | int) -> None:
    """A server in trouble twice, and then well."""
    server.behaviour = [behaviour, behaviour]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert len(server.requests) == 3


def test_a_time_out_is_tried_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing for as long as we listen."""
    monkeypatch.setattr(transfer, "_TIMEOUT", (0.2, 0.2))
    server.behaviour = ["hang"]
    assert _fetched(server, tmp_path / "a.gz") == BODY


def test_every_further_try_waits_longer_and_says_so(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defaults, 1, 2, 4, 8 and 16 s; a server may ask for more, though not for an hour."""
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    waited: list[float] = []
    said: list[str] = []
    monkeypatch.setattr(transfer.time, "sleep", waited.append)
    server.behaviour = [503] * 6
    with pytest.raises(DownloadError, match="HTTP status 503; try again later"):
        fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a.gz", on_retry=said.append)
    assert waited == [1, 2, 4, 8, 16]
    assert said[1] == "HTTP status 503; trying again in 2 s"
    server.behaviour, server.headers = [503, 503], {"Retry-After": "30"}
    fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a.gz")
    server.behaviour, server.headers = [503], {"Retry-After": "3600"}
    fetch(_dataset(f"{server.address}/b.gz"), tmp_path / "b.gz")
    assert waited[5:] == [30, 30, 60]


def test_tries_that_gain_bytes_are_not_counted(server: Server, tmp_path: Path) -> None:
    """Five cuts of 400,000 bytes each are more than the tries in vain that are allowed."""
    server.behaviour = ["cut 400000"] * 5
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert len(server.requests) == 6


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_stays_is_given_up_at_once_with_the_url(
    server: Server, tmp_path: Path, status: int
) -> None:
    """One request; the message has the URL, the status and what to do, and nothing is left."""
    server.behaviour = [status]
    target = tmp_path / "a.gz"
    with pytest.raises(RefusedError) as caught:
        fetch(_dataset(f"{server.address}/a.gz"), target)
    assert str(caught.value) == (
        f"X: {server.address}/a.gz: HTTP status {status}; correct `url` in datasets.toml, or"
        f" download it by hand and put it in {target}"
    )
    assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("behaviour", "found", "kept"),
    [
        ([503] * 3, "HTTP status 503", 0),
        (["cut 1000", 503, 503], "HTTP status 503", 1000),
        (["more"] * 3, "10 bytes announced, 5 arrived", 0),
    ],
)
def test_a_failed_download_says_what_happened_and_what_is_kept(
    server: Server, tmp_path: Path, behaviour: list[str | int], found: str, kept: int
) -> None:
    """No file under the final name; the message names URL, finding and remedy."""
    server.behaviour = [*behaviour, 503]
    target = tmp_path / "a.gz"
    with pytest.raises(DownloadError) as caught:
        fetch(_dataset(f"{server.address}/a.gz"), target)
    note = f" ({kept:,} bytes are kept and not fetched again)" if kept else ""
    assert str(caught.value) == (
        f"X: {server.address}/a.gz: {found}; try again later{note}, or download it by hand and put"
        f" it in {target}"
    )
    left = {".a.gz.part", ".a.gz.part.json"} if kept else set()
    assert {path.name for path in tmp_path.iterdir()} == left


def test_a_failed_download_keeps_the_file_of_before(server: Server, tmp_path: Path) -> None:
    """What stood under the final name is replaced by a whole file or not at all."""
    server.behaviour = ["cut 1000", 503, 503, 503]
    target = tmp_path / "a.gz"
    target.write_bytes(b"old")
    with pytest.raises(DownloadError):
        fetch(_dataset(f"{server.address}/a.gz"), target)
    assert target.read_bytes() == b"old"
    assert fetch(_dataset(f"{server.address}/a.gz"), target).read_bytes() == BODY


def test_a_dead_server_is_named_with_the_remedy(tmp_path: Path) -> None:
    """Port 1 of the loopback refuses connections."""
    with pytest.raises(DownloadError, match=r"ConnectionError: .*download it by hand"):
        fetch(_dataset("http://127.0.0.1:1/a.gz"), tmp_path / "a.gz")


@pytest.mark.parametrize("url", [None, "file:///etc/hosts", "ftp://x.org/a.gz"])
def test_only_http_is_fetched(tmp_path: Path, url: str | None) -> None:
    """Other schemes are refused before anything is written."""
    with pytest.raises(RefusedError, match=r"http or https URL, found .*; correct `url`"):
        fetch(_dataset(url), tmp_path / "raw" / "a.gz")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    """To another address of the web."""
    server.behaviour = ["to /b.gz"]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert [request["path"] for request in server.requests] == ["/a.gz", "/b.gz"]


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/a.gz", "data:,x"])
def test_a_redirect_elsewhere_is_refused(server: Server, tmp_path: Path, address: str) -> None:
    """Neither to this machine's files nor to another protocol; nothing is left."""
    server.behaviour = [f"to {address}"]
    with pytest.raises(RefusedError, match=r"InvalidSchema: .*correct `url` in datasets\.toml"):
        fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a.gz")
    assert list(tmp_path.iterdir()) == []


def test_redirects_in_a_circle_end(server: Server, tmp_path: Path) -> None:
    """After the 30 that requests allows."""
    server.behaviour = ["to /a.gz"] * 40
    with pytest.raises(RefusedError, match="TooManyRedirects"):
        fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a.gz")
    assert len(server.requests) == 31


def test_a_file_with_the_hash_of_the_registry_is_taken(server: Server, tmp_path: Path) -> None:
    """The SHA-256 of the bytes as they lie."""
    right = hashlib.sha256(BODY).hexdigest()
    target = tmp_path / "a.gz"
    fetch(_dataset(f"{server.address}/a.gz", sha256=right), target)
    assert target.read_bytes() == BODY


def test_a_file_with_another_hash_is_thrown_away(server: Server, tmp_path: Path) -> None:
    """The message has both hashes and the URL; nothing is left to go on with."""
    target = tmp_path / "a.gz"
    with pytest.raises(RefusedError) as caught:
        fetch(_dataset(f"{server.address}/a.gz", sha256="0" * 64), target)
    assert str(caught.value) == (
        f"X: the file must have the SHA-256 {'0' * 64} of datasets.toml, found"
        f" {hashlib.sha256(BODY).hexdigest()}; fetch another copy, or correct `sha256`;"
        f" it came from {server.address}/a.gz and was thrown away"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_proxy_of_the_environment_is_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that does not exist is asked for at the proxy, which has the file."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", server.address)
    url = "http://reviews.invalid/a.gz"
    assert fetch(_dataset(url), tmp_path / "a.gz").read_bytes() == BODY
    assert [request["path"] for request in server.requests] == [url]


def test_https_goes_through_the_proxy_too(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By CONNECT; this proxy refuses, and the download ends with its answer."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("https_proxy", server.address)
    with pytest.raises(DownloadError, match=r"ProxyError: .*403"):
        fetch(_dataset("https://reviews.invalid/a.gz"), tmp_path / "a.gz")
    assert {request["path"] for request in server.requests} == {"CONNECT reviews.invalid:443"}


URL = "https://x.org/a.json.gz"


@pytest.mark.parametrize(
    ("present", "path", "found"),
    [
        ([], None, None),  # to be downloaded
        (["raw/a.json.gz"], None, "raw/a.json.gz"),
        (["raw/a.json"], None, "raw/a.json"),  # unpacked by hand
        (["raw/a.json", "raw/a.json.gz"], None, "raw/a.json.gz"),  # the published name first
        (["raw/.a.json.gz.part"], None, None),  # an unfinished download is no file
        (["raw/a.json.gz"], "own/b.json", "own/b.json"),  # an explicit path wins, file or none
    ],
)
def test_a_file_that_is_there_is_found(
    tmp_path: Path, present: list[str], path: str | None, found: str | None
) -> None:
    """Paths are relative to the registry's folder."""
    (tmp_path / "raw").mkdir()
    for name in present:
        (tmp_path / name).touch()
    expected = None if found is None else tmp_path / found
    assert locate(_dataset(URL, path), tmp_path, tmp_path / "raw") == expected


def test_an_absolute_path_stands_alone(tmp_path: Path) -> None:
    """The registry's folder does not come before it."""
    own = tmp_path / "b.json"
    assert locate(_dataset(None, str(own)), Path("elsewhere"), Path("raw")) == own


def test_a_file_that_the_disk_cannot_hold_is_not_begun(server: Server, tmp_path: Path) -> None:
    """2.56 MB on a disk of 1 MiB: what is needed and free is said, and nothing is left."""
    with small_disk(tmp_path / "disk", 1) as disk:
        with pytest.raises(RefusedError) as caught:
            fetch(_dataset(f"{server.address}/f"), disk / "f")
        assert list(disk.iterdir()) == []
    message = str(caught.value)
    assert f"{len(BODY):,} bytes are needed, and 1,044,480 are free on the disk of" in message
    assert "free some, or move the data to another disk with NCF_DATA_DIR" in message
    assert len(server.requests) == 1


def test_a_disk_that_fills_up_during_a_download_is_left_empty(
    server: Server, tmp_path: Path
) -> None:
    """The server does not say how much will come; the file of before stays."""
    server.behaviour = ["unannounced"]
    with small_disk(tmp_path / "disk", 1) as disk:
        (disk / "f").write_bytes(b"before")
        with pytest.raises(RefusedError, match=r"the disk was full after 1,0\d\d,\d\d\d bytes"):
            fetch(_dataset(f"{server.address}/f"), disk / "f")
        assert [file.name for file in disk.iterdir()] == ["f"]
        assert (disk / "f").read_bytes() == b"before"


def test_what_is_there_of_a_download_stays_where_the_rest_has_no_room(
    server: Server, tmp_path: Path
) -> None:
    """A cut after 1 MB, then another file takes the disk; with space again the rest is fetched."""
    server.behaviour = ["cut 1000000", 500, 500, 500]
    with small_disk(tmp_path / "disk", 4) as disk:
        with pytest.raises(DownloadError, match=r"1,000,000 bytes are kept"):
            fetch(_dataset(f"{server.address}/f"), disk / "f")
        with filled(disk, PAGE), pytest.raises(RefusedError, match="1,560,000 bytes are needed"):
            fetch(_dataset(f"{server.address}/f"), disk / "f")
        assert fetch(_dataset(f"{server.address}/f"), disk / "f").read_bytes() == BODY
    assert server.requests[-1]["Range"] == "bytes=1000000-"
