"""Commands in children of a process that has imported what they need.

The imports would be most of a command's time: 3 s, and 6 s more with TensorFlow. The process does
nothing but import, so that its children inherit no lock, no file and no setting: each reads the
environment and the registry itself. Their pids, output, exit codes and deaths are as of any other.
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
from contextlib import suppress
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
    requests, its = socket.socketpair(type=socket.SOCK_SEQPACKET)
    code = f"from ncf_assets_tests import forking; forking.main({its.fileno()}, {trains})"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[its.fileno()],
        start_new_session=True,
    )
    its.close()

    @atexit.register
    def end() -> None:
        requests.close()
        process.wait(60)

    return requests


def main(requests: int, trains: bool) -> None:
    """Import, and serve; in each child do what was asked for."""
    ours = [module.name for module in pkgutil.walk_packages(ncf_assets.__path__, "ncf_assets.")]
    for name in (*LIGHT, *(name for name in ours if trains or name.startswith("ncf_assets.cli"))):
        importlib.import_module(name)
    scripts = {script.name: script for script in entry_points(group="console_scripts")}
    gc.freeze()  # else a child's first collection would copy all that it shares
    words = serve(socket.socket(fileno=requests))
    if words[:2] == ["python", "-c"]:
        sys.argv = ["-c", *words[3:]]
        exec(words[2], {"__name__": "__main__"})  # noqa: S102
    else:
        sys.argv = [str(BIN / words[0]), *words[1:]]
        sys.exit(scripts[words[0]].load()())


def serve(requests: socket.socket) -> list[str]:
    """Fork for each request, as long as somebody may ask; return in the child, with its words."""
    running: dict[int, tuple[int, socket.socket]] = {}  # pid and whom to tell, by its pidfd
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fd in running:
                selector.unregister(key.fd)
                os.close(key.fd)
                pid, told = running.pop(key.fd)
                _, status = os.waitpid(pid, 0)
                with suppress(BrokenPipeError), told:
                    told.send(str(status).encode())
                continue
            message, received, *_ = socket.recv_fds(requests, LARGEST, 4)
            if not message:
                for pid, _ in running.values():
                    with suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
                sys.exit()
            told, streams = socket.socket(fileno=received[0]), received[1:]
            if not (pid := os.fork()):
                selector.close()
                requests.close()
                for pidfd, (_, other) in running.items():
                    os.close(pidfd)
                    other.close()
                return _begun(message, told, streams)
            for stream in streams:
                os.close(stream)
            pidfd = os.pidfd_open(pid)
            running[pidfd] = pid, told
            selector.register(pidfd, selectors.EVENT_READ)


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
