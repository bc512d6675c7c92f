"""A process that runs `ncf-assets` in children of its own, and kills them at given moments.

It has imported everything before it forks: the import of TensorFlow would be most of a tiny run.
Each line of input is a JSON list of words and seconds; each line of output, how the child ended.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def run(words: list[str], seconds: float | None, log: Path) -> dict[str, float]:
    """Run the command in a process group of its own; `kill -9` the group after some seconds.

    The exit code is -9 if it was killed before it ended.
    """
    started = time.monotonic()
    if (child := os.fork()) == 0:
        os.setpgid(0, 0)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        main(words, prog_name="ncf-assets")
    os.setpgid(child, child)  # by both, as it must be done before a kill
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if seconds is not None and time.monotonic() - started > seconds:
            os.killpg(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            break
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(ended[1])
    return {"code": code, "seconds": time.monotonic() - started}


if __name__ == "__main__":
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    import ncf_assets.definitions
    import ncf_assets.ncf.training  # noqa: F401
    from ncf_assets.cli import main

    for line in sys.stdin:
        print(json.dumps(run(*json.loads(line), log=Path(sys.argv[1]))), flush=True)
