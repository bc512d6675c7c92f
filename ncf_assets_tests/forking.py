"""Commands in children of a process that has imported what they need.

The imports would be most of a command's time: 3 s, and 6 s more with TensorFlow. The process does
nothing but import, so that its children inherit no lock, no file and no setting: each reads the
environment and the registry itself. Their pids, output, exit codes and deaths are as of any other.
All workers of a run of pytest share it, and it ends with the run.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import ncf_assets

BIN = Path(sys.executable).parent
LARGEST = 2**17  # bytes of a message: words and environment
LIGHT = ("ncf_assets.definitions", "dagster._cli", "dagster_graphql.cli", "pyarrow.parquet")


def start(words: list[str], *, trains: bool = False, **options: Any) -> "subprocess.Popen[str]":
    """Begin a script of the environment, or `python -c`, in a session and group of its own.

    `trains` says that it will need TensorFlow.
    """
    options |= {"text": True, "start_new_session": True}
    if sys.platform == "linux":  # elsewhere forking is not safe once libraries are loaded
        return _Forked(words, trains=trains, **options)
    return subprocess.Popen([str(BIN / words[0]), *words[1:]], **options)


class _Forked(subprocess.Popen[str]):
    """A child of the server's, as if it were of this process."""

    def __init__(self, words: list[str], *, trains: bool, **options: Any) -> None:
        self._trains = trains
        super().__init__(words, **options)

    def _execute_child(self, words: list[str], *more: Any) -> None:
        cwd, env, pipes = more[4], more[5], more[9:15]
        request = [words, str(cwd or Path.cwd()), dict(os.environ if env is None else env)]
        # the child's ends; what is not redirected is this process's
        ends = [number if pipes[i] == -1 else pipes[i] for number, i in enumerate((0, 3, 5))]
        self._told, its = socket.socketpair(type=socket.SOCK_SEQPACKET)
        message = json.dumps(request).encode()
        socket.send_fds(_server(self._trains), [message], [its.fileno(), *ends])
        its.close()
        self._close_pipe_fds(*pipes)
        self.pid, self._child_created = int(self._told.recv(LARGEST)), True

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        self._told.setblocking(wait_flags != os.WNOHANG)
        try:
            status = int(self._told.recv(LARGEST))
        except BlockingIOError:
            return 0, 0
        self._told.close()
        return self.pid, status

    def _internal_poll(self, **_: Any) -> int | None:
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid:
                self._handle_exitstatus(status)
        return self.returncode


@cache
def _server(trains: bool) -> socket.socket:
    """Where this process asks for children. They end with it."""
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    package = Path(ncf_assets.__file__).stat().st_ino  # that of a copy has a server of its own
    address = f"\0ncf-assets-tests-{run}-{package}-{trains}"  # no file: the abstract namespace
    requests = _socket()
    atexit.register(requests.close)
    while requests.connect_ex(address):  # nobody listens yet
        if not _start_server(address, trains, run):
            time.sleep(0.01)  # until the worker listens that came first
    return requests


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _start_server(address: str, trains: bool, run: int) -> bool:
    """Start a process that listens at an address; False if another worker has taken it."""
    with _socket() as listener:
        try:
            listener.bind(address)
        except OSError:
            return False
        listener.listen()
        main = f"forking.main({listener.fileno()}, {trains}, {run})"
        process = subprocess.Popen(
            [sys.executable, "-c", f"from ncf_assets_tests import forking; {main}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        process.returncode = 0  # nobody waits for it: it may outlive this worker
    return True


def main(listener: int, trains: bool, run: int) -> None:
    """Import, and serve until the run of pytest ends; in each child do what was asked for."""
    until = os.pidfd_open(run)
    ours = [module.name for module in pkgutil.walk_packages(ncf_assets.__path__, "ncf_assets.")]
    for name in (*LIGHT, *(name for name in ours if trains or name.startswith("ncf_assets.cli"))):
        importlib.import_module(name)
    scripts = {script.name: script for script in entry_points(group="console_scripts")}
    gc.freeze()  # else a child's first collection would copy all that it shares
    words = _Server(socket.socket(fileno=listener), until).serve()
    if words[:2] == ["python", "-c"]:
        sys.argv = ["-c", *words[3:]]
        exec(words[2], {"__name__": "__main__"})  # noqa: S102
    else:
        sys.argv = [str(BIN / words[0]), *words[1:]]
        sys.exit(scripts[words[0]].load()())


@dataclass(frozen=True)
class _Child:
    """A process, whom to tell of its end, and the connection of the worker that asked for it."""

    pid: int
    told: socket.socket
    worker: int

    def kill(self) -> None:
        """End it and those that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class _Server:
    """Forks for each request of a worker, until the process of `until`, a pidfd, ends."""

    def __init__(self, listener: socket.socket, until: int) -> None:
        self._listener, self._until = listener, until
        self._workers: dict[int, socket.socket] = {}  # by file descriptor
        self._children: dict[int, _Child] = {}  # by pidfd
        self._selector = selectors.DefaultSelector()
        for file in (listener.fileno(), until):
            self._selector.register(file, selectors.EVENT_READ)

    def serve(self) -> list[str]:
        """Return in a child, with its words."""
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._until:
                    self._kill(self._children.values())
                    sys.exit()
                elif key.fd == self._listener.fileno():
                    worker, _ = self._listener.accept()
                    self._workers[worker.fileno()] = worker
                    self._selector.register(worker.fileno(), selectors.EVENT_READ)
                elif key.fd in self._children:
                    self._tell(key.fd)
                elif words := self._answer(key.fd):
                    return words

    def _answer(self, worker: int) -> list[str]:
        """Fork for a worker's request, or kill its children if it has ended; words in the child."""
        message, received, *_ = socket.recv_fds(self._workers[worker], LARGEST, 4)
        if not message:
            self._selector.unregister(worker)
            self._workers.pop(worker).close()
            self._kill(child for child in self._children.values() if child.worker == worker)
            return []
        told, streams = socket.socket(fileno=received[0]), received[1:]
        if not (pid := os.fork()):
            self._close()
            return _begun(message, told, streams)
        for stream in streams:
            os.close(stream)
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = _Child(pid, told, worker)
        self._selector.register(pidfd, selectors.EVENT_READ)
        return []

    def _tell(self, pidfd: int) -> None:
        """Hand a child's status on."""
        self._selector.unregister(pidfd)
        os.close(pidfd)
        child = self._children.pop(pidfd)
        _, status = os.waitpid(child.pid, 0)
        with suppress(BrokenPipeError), child.told:
            child.told.send(str(status).encode())

    def _kill(self, children: Iterable[_Child]) -> None:
        for child in children:
            child.kill()

    def _close(self) -> None:
        """Leave a child nothing of the server's."""
        self._selector.close()
        os.close(self._until)
        for pidfd, child in self._children.items():
            os.close(pidfd)
            child.told.close()
        for connection in (self._listener, *self._workers.values()):
            connection.close()


def _begun(message: bytes, told: socket.socket, streams: list[int]) -> list[str]:
    """The words of a request, in a child that is as a new process would be."""
    words, cwd, environment = json.loads(message)
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    with told:
        told.send(str(os.getpid()).encode())
    found: list[str] = words
    return found
