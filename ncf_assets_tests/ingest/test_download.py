"""Finding files, and downloading them from a real server on the loopback."""

import hashlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import http_download
from ncf_assets.ingest.download import (
    DownloadError,
    fetch,
    locate,
    refusal,
    remove_former,
)
from ncf_assets_tests import forking
from ncf_assets_tests.ingest.server import BODY, DATE, Server, serving
from ncf_assets_tests.small_disk import PAGE, filled, small_disk


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server during a test."""
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach the loopback directly, also on machines behind a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for 10 and 20 ms, so that there are three tries in all."""
    monkeypatch.setattr(http_download, "RETRY_DELAYS", (0.01, 0.02))


def _dataset(url: str | None, path: str | None = None, sha256: str | None = None) -> Dataset:
    return Dataset("X", "X", "amazon-2014", url=url, path=path, sha256=sha256)


def _fetched(server: Server, target: Path) -> bytes:
    """Download, and return the content under the final name; check that nothing else is left."""
    assert fetch(_dataset(f"{server.address}/a.gz"), target) == target
    assert list(target.parent.iterdir()) == [target]
    return target.read_bytes()


def test_a_download_is_complete_and_leaves_no_other_file(server: Server, tmp_path: Path) -> None:
    """The folder is made, the bytes are the server's, and progress ends at their number."""
    target = tmp_path / "raw" / "good.gz"
    seen: list[tuple[int, int | None]] = []
    url = f"{server.address}/good.gz"
    found = fetch(_dataset(url), target, lambda *progress: seen.append(progress))
    assert found == target
    assert target.read_bytes() == BODY
    assert list(target.parent.iterdir()) == [target]
    assert seen == [(2_560_000, 2_560_000)]


def test_progress_is_reported_step_by_step(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With steps of 2 MiB, 2,560,000 bytes pass one (2,097,152) and then end."""
    monkeypatch.setattr(http_download, "_STEP", 2 << 20)
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
    """The bytes are not unpacked, even if the server calls a .gz file an encoding."""
    server.body, server.behaviour = b"\x1f\x8b no gzip file", ["encoded"]
    assert _fetched(server, tmp_path / "a.gz") == server.body


@pytest.mark.parametrize("cut", ["cut 1000000", "reset 1000000"])
@pytest.mark.parametrize(("etag", "date"), [('"v1"', None), (None, DATE), ('W/"v1"', DATE)])
def test_a_cut_download_resumes_where_it_was_cut(
    server: Server, tmp_path: Path, cut: str, etag: str | None, date: str | None
) -> None:
    """The second request asks for the rest, if the file has the same ETag or else the same date."""
    server.etag, server.date, server.behaviour = etag, date, [cut]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    first, second = server.requests
    assert "Range" not in first
    start = int(second["Range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= 1_000_000
    assert second["If-Range"] == ('"v1"' if etag == '"v1"' else DATE)


def test_a_file_that_has_changed_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    """The server then sends all of it, and nothing of the old file remains."""
    server.behaviour = ["cut 1000000", 503, 503, 503]
    with pytest.raises(DownloadError):
        _fetched(server, tmp_path / "a.gz")
    server.body, server.etag = b"new" * 100, '"v2"'
    assert _fetched(server, tmp_path / "a.gz") == b"new" * 100


@pytest.mark.parametrize("behaviour", ["elsewhere", 416])
def test_a_wrong_range_is_not_appended(
    server: Server, tmp_path: Path, behaviour: str | int
) -> None:
    """If the server sends another part than was asked for, or none, the third request gets all."""
    server.behaviour = ["cut 1000000", behaviour]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert ["Range" in request for request in server.requests] == [False, True, False]


@pytest.mark.parametrize("what", ["etag", "ranges"])
def test_a_server_without_ranges_sends_everything_again(
    server: Server, tmp_path: Path, what: str
) -> None:
    """Without ETag and date nobody knows whether the rest would fit; or it ignores ranges."""
    setattr(server, what, None)
    server.behaviour = ["cut 1000000"]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert len(server.requests) == 2


@pytest.mark.process
def test_a_killed_download_is_resumed(server: Server, tmp_path: Path) -> None:
    """After `kill -9` while the server lets it wait, the next process asks only for the rest."""
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


def _in_another_process(server: Server, target: Path) -> subprocess.Popen[str]:
    code = (
        "import sys; from pathlib import Path; from ncf_assets.datasets import Dataset;"
        "from ncf_assets.ingest.download import fetch;"
        "fetch(Dataset('X', 'X', 'amazon-2014', url=sys.argv[1]), Path(sys.argv[2]))"
    )
    url = f"{server.address}/a.gz"
    return forking.start(["python", "-c", code, url, str(target)])


def _until(true: object) -> None:
    for _ in range(1000):
        if true():  # type: ignore[operator]
            return
        time.sleep(0.02)
    pytest.fail("the condition was not met within 20 s")


@pytest.mark.process
def test_two_processes_download_a_file_once(server: Server, tmp_path: Path) -> None:
    """The second waits for the first and then has its file; the server is asked once."""
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
def test_a_transient_error_is_retried(server: Server, tmp_path: Path, behaviour: str | int) -> None:
    """The server fails twice and then sends the file."""
    server.behaviour = [behaviour, behaviour]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert len(server.requests) == 3


def test_a_timeout_is_retried(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server sends nothing until the timeout."""
    monkeypatch.setattr(http_download, "_TIMEOUT", (0.2, 0.2))
    server.behaviour = ["hang"]
    assert _fetched(server, tmp_path / "a.gz") == BODY


def test_every_further_try_waits_longer_and_says_so(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delays are 1 to 64 s; a server may ask for a longer one, up to two minutes."""
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    waited: list[float] = []
    said: list[str] = []
    # of this module alone: the server's threads sleep as well
    monkeypatch.setattr(http_download, "time", SimpleNamespace(sleep=waited.append))
    server.behaviour = [503] * 8
    with pytest.raises(DownloadError, match=r"HTTP status 503\. Try again later"):
        fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a.gz", on_retry=said.append)
    assert waited == [1, 2, 4, 8, 16, 32, 64]
    assert said[1] == "HTTP status 503; trying again in 2 s"
    server.behaviour, server.headers = [503, 503], {"Retry-After": "30"}
    fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a.gz")
    server.behaviour, server.headers = [503], {"Retry-After": "3600"}
    fetch(_dataset(f"{server.address}/b.gz"), tmp_path / "b.gz")
    assert waited[7:] == [30, 30, 120]


def test_tries_that_gain_bytes_are_not_counted(server: Server, tmp_path: Path) -> None:
    """Five cuts of 400,000 bytes each are more than the failures that are allowed."""
    server.behaviour = ["cut 400000"] * 5
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert len(server.requests) == 6


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_permanent_error_is_not_retried_and_has_the_url(
    server: Server, tmp_path: Path, status: int
) -> None:
    """After one request the message has the URL, the status and the remedy; nothing is left."""
    server.behaviour = [status]
    target = tmp_path / "a.gz"
    with pytest.raises(DownloadError) as caught:
        fetch(_dataset(f"{server.address}/a.gz"), target)
    assert str(caught.value) == (
        f"X: {server.address}/a.gz: HTTP status {status}. Correct `url` of [X] in datasets.toml, or"
        f" download the file by hand and put it in {target}."
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
    """No file has the final name; the message has the URL, the finding and the remedy."""
    server.behaviour = [*behaviour, 503]
    target = tmp_path / "a.gz"
    with pytest.raises(DownloadError) as caught:
        fetch(_dataset(f"{server.address}/a.gz"), target)
    note = f" ({kept:,} bytes are kept and not downloaded again)" if kept else ""
    assert str(caught.value) == (
        f"X: {server.address}/a.gz: {found}. Try again later{note}, or download the file by hand"
        f" and put it in {target}."
    )
    left = {".a.gz.part", ".a.gz.part.json"} if kept else set()
    assert {path.name for path in tmp_path.iterdir()} == left


def test_a_failed_download_keeps_the_previous_file(server: Server, tmp_path: Path) -> None:
    """The file with the final name is replaced by a complete one or not at all."""
    server.behaviour = ["cut 1000", 503, 503, 503]
    target = tmp_path / "a.gz"
    target.write_bytes(b"old")
    with pytest.raises(DownloadError):
        fetch(_dataset(f"{server.address}/a.gz"), target)
    assert target.read_bytes() == b"old"
    assert fetch(_dataset(f"{server.address}/a.gz"), target).read_bytes() == BODY


def test_a_dead_server_is_named_with_the_remedy(tmp_path: Path) -> None:
    """Port 1 of the loopback refuses connections."""
    with pytest.raises(DownloadError, match=r"refuses connections\. .*download the file by hand"):
        fetch(_dataset("http://127.0.0.1:1/a.gz"), tmp_path / "a.gz")


def test_a_name_without_an_address_is_final_at_once(server: Server, tmp_path: Path) -> None:
    """As without a network: one try, and the remedy; unless bytes have come, so that it was on."""
    target = tmp_path / "a.gz"
    with pytest.raises(DownloadError) as caught:
        fetch(_dataset("http://nowhere.invalid/a.gz"), target, on_retry=pytest.fail)
    assert str(caught.value) == (
        "X: http://nowhere.invalid/a.gz: no address is known for nowhere.invalid. Check the"
        " network and the address, and try again, or download the file by hand and put it in"
        f" {target}."
    )
    server.behaviour = ["cut 1000000", "to http://nowhere.invalid/a.gz"]
    assert _fetched(server, target) == BODY
    server.behaviour = ["to http://nowhere.invalid/a.gz"]
    with pytest.raises(DownloadError, match="Check the network"):
        fetch(_dataset(f"{server.address}/b.gz"), tmp_path / "b.gz")


def test_a_file_that_cannot_be_had_is_refused_without_a_download(
    server: Server, tmp_path: Path
) -> None:
    """By one question: a missing page or name, a path without a file; what may pass is none."""
    url, raw = f"{server.address}/a.gz", tmp_path / "raw"
    server.behaviour = [404, 503]
    assert "HTTP status 404. Correct `url`" in str(refusal(_dataset(url), tmp_path, raw))
    assert refusal(_dataset(url), tmp_path, raw) is None
    assert refusal(_dataset(url), tmp_path, raw) is None
    assert len(server.requests) == 3
    unknown = refusal(_dataset("http://nowhere.invalid/a.gz"), tmp_path, raw)
    assert "no address is known for nowhere.invalid" in str(unknown)
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{closed.getsockname()[1]}/a.gz"
        down = refusal(_dataset(gone), tmp_path, raw)
    assert f"{gone}: the server refuses connections. Check the network" in str(down)
    by_path = _dataset(None, path="own.json")
    assert f"{tmp_path}/own.json must be a file" in str(refusal(by_path, tmp_path, raw))
    (tmp_path / "own.json").touch()
    assert refusal(by_path, tmp_path, raw) is None
    assert not raw.exists()


@pytest.mark.parametrize("url", [None, "file:///etc/hosts", "ftp://x.org/a.gz"])
def test_only_http_is_downloaded(tmp_path: Path, url: str | None) -> None:
    """Other schemes are refused before anything is written."""
    refused = r"http or https URL, found .*\. Correct `url`"
    with pytest.raises(DownloadError, match=refused):
        fetch(_dataset(url), tmp_path / "raw" / "a.gz")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_is_followed(server: Server, tmp_path: Path) -> None:
    """It leads to another address of the web."""
    server.behaviour = ["to /b.gz"]
    assert _fetched(server, tmp_path / "a.gz") == BODY
    assert [request["path"] for request in server.requests] == ["/a.gz", "/b.gz"]


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/a.gz", "data:,x"])
def test_a_redirect_elsewhere_is_refused(server: Server, tmp_path: Path, address: str) -> None:
    """It must not lead to this machine's files or to another protocol; nothing is left."""
    server.behaviour = [f"to {address}"]
    with pytest.raises(
        DownloadError,
        match=r"InvalidSchema: .*\. Correct `url` of \[X\] in datasets\.toml",
    ):
        fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a.gz")
    assert list(tmp_path.iterdir()) == []


def test_redirects_in_a_circle_end(server: Server, tmp_path: Path) -> None:
    """They end after the 30 that requests allows."""
    server.behaviour = ["to /a.gz"] * 40
    with pytest.raises(DownloadError, match="TooManyRedirects"):
        fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a.gz")
    assert len(server.requests) == 31


def test_a_file_with_the_hash_of_the_registry_is_accepted(server: Server, tmp_path: Path) -> None:
    """The hash is the SHA-256 of the bytes as they were sent."""
    right = hashlib.sha256(BODY).hexdigest()
    target = tmp_path / "a.gz"
    fetch(_dataset(f"{server.address}/a.gz", sha256=right), target)
    assert target.read_bytes() == BODY


def test_a_file_with_another_hash_is_removed(server: Server, tmp_path: Path) -> None:
    """The message has both hashes and the URL; nothing is left to resume."""
    target = tmp_path / "a.gz"
    with pytest.raises(DownloadError) as caught:
        fetch(_dataset(f"{server.address}/a.gz", sha256="0" * 64), target)
    assert str(caught.value) == (
        f"X: the file must have the SHA-256 {'0' * 64} of [X] in datasets.toml, found"
        f" {hashlib.sha256(BODY).hexdigest()}. Download another copy, or correct `sha256`."
        f" The file came from {server.address}/a.gz and was removed."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_proxy_of_the_environment_is_used(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy is asked for a host that does not exist, and has the file."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", server.address)
    url = "http://reviews.invalid/a.gz"
    assert fetch(_dataset(url), tmp_path / "a.gz").read_bytes() == BODY
    assert [request["path"] for request in server.requests] == [url]


def test_https_goes_through_the_proxy_too(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked by CONNECT; this proxy refuses, and the download ends with its answer."""
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("https_proxy", server.address)
    with pytest.raises(DownloadError, match=r"ProxyError: .*403"):
        fetch(_dataset("https://reviews.invalid/a.gz"), tmp_path / "a.gz")
    assert {request["path"] for request in server.requests} == {"CONNECT reviews.invalid:443"}


URL = "https://x.org/a.json.gz"
BROUGHT = _dataset(URL).download_name  # the URL is part of it


@pytest.mark.parametrize(
    ("present", "path", "found"),
    [
        ([], None, None),  # to be downloaded
        (["raw/a.json.gz"], None, "raw/a.json.gz"),
        (["raw/a.json"], None, "raw/a.json"),  # unpacked by hand
        ([f"raw/{BROUGHT}"], None, f"raw/{BROUGHT}"),
        (["raw/a.json", f"raw/{BROUGHT}"], None, "raw/a.json"),  # by hand first
        (["raw/a-01234567.json.gz"], None, None),  # of another URL
        ([], "~/b.json", str(Path.home() / "b.json")),
        (["raw/a.json", "raw/a.json.gz"], None, "raw/a.json.gz"),  # the published name first
        (["raw/.a.json.gz.part"], None, None),  # an unfinished download does not count
        (["raw/a.json.gz"], "own/b.json", "own/b.json"),  # an explicit path wins, even if missing
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


def test_an_absolute_path_stays_absolute(tmp_path: Path) -> None:
    """The registry's folder is not put before it."""
    own = tmp_path / "b.json"
    assert locate(_dataset(None, str(own)), Path("elsewhere"), Path("raw")) == own


def test_a_file_that_the_disk_cannot_hold_is_not_begun(server: Server, tmp_path: Path) -> None:
    """For 2.56 MB on a disk of 1 MiB the message has what is needed and free; nothing is left."""
    with small_disk(tmp_path / "disk", 1) as disk:
        with pytest.raises(DownloadError) as caught:
            fetch(_dataset(f"{server.address}/f"), disk / "f")
        assert list(disk.iterdir()) == []
    message = str(caught.value)
    assert f"{len(BODY):,} bytes are needed, and 1,044,480 are free on the disk of" in message
    assert ". Free some space, or move the data to another disk with NCF_DATA_DIR" in message
    assert len(server.requests) == 1


def test_a_disk_that_fills_up_during_a_download_is_left_empty(
    server: Server, tmp_path: Path
) -> None:
    """The server does not announce the length; the previous file stays."""
    server.behaviour = ["unannounced"]
    with small_disk(tmp_path / "disk", 1) as disk:
        (disk / "f").write_bytes(b"before")
        with pytest.raises(DownloadError, match=r"the disk was full after 1,0\d\d,\d\d\d bytes"):
            fetch(_dataset(f"{server.address}/f"), disk / "f")
        assert [file.name for file in disk.iterdir()] == ["f"]
        assert (disk / "f").read_bytes() == b"before"


def test_the_first_part_of_a_download_stays_if_the_rest_does_not_fit(
    server: Server, tmp_path: Path
) -> None:
    """After a cut at 1 MB another file fills the disk; once there is space, the rest comes."""
    server.behaviour = ["cut 1000000", 500, 500, 500]
    with small_disk(tmp_path / "disk", 4) as disk:
        with pytest.raises(DownloadError, match=r"1,000,000 bytes are kept"):
            fetch(_dataset(f"{server.address}/f"), disk / "f")
        with (
            filled(disk, PAGE),
            pytest.raises(DownloadError, match="1,560,000 bytes are needed"),
        ):
            fetch(_dataset(f"{server.address}/f"), disk / "f")
        assert fetch(_dataset(f"{server.address}/f"), disk / "f").read_bytes() == BODY
    assert server.requests[-1]["Range"] == "bytes=1000000-"


def test_a_corrected_address_is_asked_again_and_the_former_file_goes(
    server: Server, tmp_path: Path
) -> None:
    """Both end with the same name; what somebody has put there stays."""
    (tmp_path / "a-my-own.gz").touch()
    made = []
    for folder in ("old", "new"):
        dataset = _dataset(f"{server.address}/{folder}/a.gz")
        assert locate(dataset, tmp_path, tmp_path) is None
        made.append(fetch(dataset, tmp_path / dataset.download_name))
        remove_former(dataset, made[-1])
        assert locate(dataset, tmp_path, tmp_path) == made[-1]
    assert [request["path"] for request in server.requests] == ["/old/a.gz", "/new/a.gz"]
    assert set(tmp_path.iterdir()) == {made[1], tmp_path / "a-my-own.gz"}


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><p>Moved", b"\n <HTML><p>Moved"])
def test_a_web_page_is_not_kept_as_data(server: Server, tmp_path: Path, page: bytes) -> None:
    """A moved link brings one with status 200."""
    server.body = page
    with pytest.raises(DownloadError, match=r"a\.gz brought a web page in place of"):
        fetch(_dataset(f"{server.address}/a.gz"), tmp_path / "a-01234567.gz")
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_its_columns_is_refused_before_a_run(tmp_path: Path) -> None:
    """Text, Parquet and a query name the column that is missing; with all columns all is well."""
    (tmp_path / "a.csv").write_text("user,movie,time\nann,up,1\n")
    duckdb.sql(f"copy (from '{tmp_path}/a.csv') to '{tmp_path}/a.parquet'")
    columns = {"user": "user", "item": "film", "timestamp": "time"}
    text = Dataset("X", "X", "table", path="a.csv", columns=columns)
    renamed = replace(text, query="select user, movie as film, time from a")
    named = f"{tmp_path}/a.csv must have the column `film`, found user, movie, time."
    assert str(refusal(text, tmp_path, tmp_path)).startswith(named)
    for table, what in (
        (replace(text, path="a.parquet"), 'Referenced column "film" not found'),
        (replace(text, query="select user, time from a"), 'Referenced column "film" not found'),
        (replace(renamed, query="from b"), "Table with name b does not exist"),
    ):
        assert what in str(refusal(table, tmp_path, tmp_path))
    assert refusal(renamed, tmp_path, tmp_path) is None
