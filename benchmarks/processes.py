"""Participants seen from the harness: started, asked, and stopped while another one is measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[1]
PATIENCE = 600.0
"""Seconds that an answer may take; the longest is torch.compile's first."""


class LeftOutError(Exception):
    """A participant has no time to show; the message says why, for the person."""


@dataclass(frozen=True)
class Peer:
    """How to start a participant, and what to make where its interpreter is missing."""

    title: str
    module: str
    python: str = sys.executable
    packages: str = ""


class Process:
    """One participant at work on one workload with one number of threads; a context manager.

    It runs only while it is asked: between questions all its threads are stopped, so that none that spins for work
    takes a core from the participant being measured.
    """

    def __init__(self, peer: Peer, threads: int, scratch: str) -> None:
        self.peer, self.threads = peer, threads
        if not os.access(peer.python, os.X_OK):
            raise LeftOutError(
                f"there is no {peer.python}. To make it: "
                f"uv venv -p 3.11 {Path(peer.python).parents[1]} && uv pip install -p {peer.python} {peer.packages}"
            )
        counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
        environment = os.environ | dict.fromkeys(counts, str(threads)) | {"TORCHINDUCTOR_CACHE_DIR": scratch}
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed with the process
        self.popen = subprocess.Popen(
            [peer.python, "-m", peer.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
            cwd=ROOT,
            env=environment,
            start_new_session=True,  # a group of its own, with the helpers that it starts
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._signal(signal.SIGKILL)
        self.popen.wait()
        self.complaints.close()

    def _signal(self, number: signal.Signals) -> None:
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, number)

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Return the answer; raise LeftOutError with the reason where there is none."""
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self._signal(signal.SIGCONT)
        alarm = threading.Timer(PATIENCE, self._signal, [signal.SIGKILL])
        alarm.start()
        try:
            self.popen.stdin.write(json.dumps({"do": do} | details) + "\n")
            self.popen.stdin.flush()
            line = self.popen.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            alarm.cancel()
        self._signal(signal.SIGSTOP)
        if not line:
            self.complaints.seek(0)
            last = (self.complaints.read().strip().splitlines() or ["it said nothing"])[-1]
            how = f"its process ended with code {self.popen.wait()}, or had not answered after {PATIENCE:.0f} s"
            raise LeftOutError(f"{how}; its last words: {last[:200]}")
        answer: dict[str, Any] = json.loads(line)
        if "cannot" in answer:
            raise LeftOutError(str(answer["cannot"]))
        if "error" in answer:
            raise LeftOutError(str(answer["error"])[:300])
        return answer
