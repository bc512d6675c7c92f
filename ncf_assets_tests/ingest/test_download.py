"""Finding files, and fetching them from a real server on the loopback."""

import socket
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import download
from ncf_assets.ingest.download import DownloadError, fetch, locate

BODY = bytes(range(256)) * 10_000  # 2,560,000 bytes: three blocks of 1 MiB
PACKED = b"\x1f\x8b no gzip file"


class _Handler(BaseHTTPRequestHandler):
    """Serves one behaviour per path."""

    def do_GET(self) -> None:
        """Answer as the path says; an HTTP/1.0 server ends a body by closing the connection."""
        match self.path:
            case "/good.gz":
                self._answer(BODY, {"Content-Length": len(BODY)})
            case "/unannounced.gz":
                self._answer(BODY, {})
            case "/encoded.gz":
                self._answer(PACKED, {"Content-Encoding": "gzip"})
            case "/cut.gz":
                self._answer(BODY[:1000], {"Content-Length": len(BODY)})
            case "/reset.gz":
                self._answer(BODY[:1000], {"Content-Length": len(BODY)})
                # closing with a linger of 0 s resets the connection
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
            case "/contradiction.gz":  # one chunk of 5 bytes, and 10 announced
                headers = {"Content-Length": 10, "Transfer-Encoding": "chunked"}
                self._answer(b"5\r\nhello\r\n0\r\n\r\n", headers)
            case _:
                self.send_error(404)

    def _answer(self, body: bytes, headers: dict[str, object]) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that runs while this file's tests do."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback is reached directly, also on machines behind a proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def _dataset(url: str | None, path: str | None = None) -> Dataset:
    return Dataset("X", "X", "amazon-2014", url=url, path=path)


def test_a_download_arrives_whole_and_leaves_no_part(server: str, tmp_path: Path) -> None:
    """The folder is made, the bytes are the server's, progress ends at the whole."""
    target = tmp_path / "raw" / "good.gz"
    seen: list[tuple[int, int | None]] = []
    found = fetch(_dataset(f"{server}/good.gz"), target, lambda *so_far: seen.append(so_far))
    assert found == target
    assert target.read_bytes() == BODY
    assert list(target.parent.iterdir()) == [target]
    assert seen == [(2_560_000, 2_560_000)]


def test_progress_is_told_step_by_step(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With steps of 2 MiB, 2,560,000 bytes pass one (2,097,152) and then end."""
    monkeypatch.setattr(download, "_STEP", 2 << 20)
    seen: list[int] = []
    target = tmp_path / "good.gz"
    fetch(_dataset(f"{server}/good.gz"), target, lambda so_far, _: seen.append(so_far))
    assert seen == [2_097_152, 2_560_000]


def test_a_server_may_leave_the_length_open(server: str, tmp_path: Path) -> None:
    """Progress then has no total."""
    seen: list[int | None] = []
    target = tmp_path / "a.gz"
    fetch(_dataset(f"{server}/unannounced.gz"), target, lambda _, total: seen.append(total))
    assert target.read_bytes() == BODY
    assert set(seen) == {None}


def test_the_bytes_are_kept_as_sent(server: str, tmp_path: Path) -> None:
    """A server that calls a .gz file an encoding does not make us unpack it."""
    target = fetch(_dataset(f"{server}/encoded.gz"), tmp_path / "a.gz")
    assert target.read_bytes() == PACKED


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("missing.gz", "HTTP status 404"),
        ("cut.gz", "1000 bytes read"),
        ("reset.gz", "ConnectionResetError"),
        ("contradiction.gz", "10 bytes announced, 5 arrived"),
    ],
)
def test_a_failed_download_leaves_nothing(
    server: str, tmp_path: Path, name: str, found: str
) -> None:
    """Neither a final file nor a part; the message names URL, finding and remedy."""
    target = tmp_path / name
    with pytest.raises(DownloadError) as caught:
        fetch(_dataset(f"{server}/{name}"), target)
    message = str(caught.value)
    assert message.startswith(f"X: {server}/{name}: ")
    assert found in message
    assert message.endswith(f"download it by hand and put it in {target}")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_keeps_the_file_of_before(server: str, tmp_path: Path) -> None:
    """What stood under the final name is replaced by a whole file or not at all."""
    target = tmp_path / "cut.gz"
    target.write_bytes(b"old")
    with pytest.raises(DownloadError):
        fetch(_dataset(f"{server}/cut.gz"), target)
    assert target.read_bytes() == b"old"


def test_a_dead_server_is_named_with_the_remedy(tmp_path: Path) -> None:
    """Port 1 of the loopback refuses connections."""
    with pytest.raises(DownloadError, match=r"ConnectionError: .*download it by hand"):
        fetch(_dataset("http://127.0.0.1:1/a.gz"), tmp_path / "a.gz")


@pytest.mark.parametrize("url", [None, "file:///etc/hosts", "ftp://x.org/a.gz"])
def test_only_http_is_fetched(tmp_path: Path, url: str | None) -> None:
    """Other schemes are refused before anything is written."""
    with pytest.raises(DownloadError, match="must be an http or https URL, found"):
        fetch(_dataset(url), tmp_path / "raw" / "a.gz")
    assert list(tmp_path.iterdir()) == []


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
