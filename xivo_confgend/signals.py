"""Signals from the first moment of the daemon on, and its part as process 1 of a container.

Imported before everything else, so it imports nothing but the standard library's smallest modules.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

STOPPING = (signal.SIGTERM, signal.SIGINT)
PASSED_ON = (*STOPPING, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
KILLED = 128
"""What is added to the number of the signal that ended a process to make an exit status, as shells do it."""
OWN_PROCESS = ("LISTEN_PID", "WATCHDOG_PID")
"""Variables of systemd that name the process they are for."""

_held: set[int] = set()
_before: dict[int, Any] = {}
"""The handlers that were there before `hold`."""


def hold() -> None:
    """Keep SIGHUP until `deliver` or `release`; SIGTERM and SIGINT end the process at once with status 0."""
    _before[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda number, _frame: _held.add(number))
    for number in STOPPING:
        _before[number] = signal.signal(number, _leave)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def deliver(stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """From now on call `stop` for SIGTERM and SIGINT and `reload` for SIGHUP; for one that was held, now."""
    for number in STOPPING:
        signal.signal(number, lambda _number, _frame: stop())
    signal.signal(signal.SIGHUP, lambda _number, _frame: reload())
    if signal.SIGHUP in _held:
        _held.clear()
        reload()


def release() -> None:
    """Let signals do what they did before `hold`; one that was held does it now."""
    while _before:
        signal.signal(*_before.popitem())
    while _held:
        os.kill(os.getpid(), _held.pop())


def leave_process_1() -> None:
    """As process 1 of a container, go on in a child process; otherwise do nothing.

    Process 1 gets the children of all processes that end, and must wait for them; done in the daemon itself that
    would take the exit statuses of its own children away. So it stays behind to pass signals on, and ends with the
    child's exit status.
    """
    if os.getpid() != 1:
        return
    waited = {signal.SIGCHLD, *PASSED_ON}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    child = os.fork()
    if child:
        _pass_on_and_reap(child, waited)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for name in OWN_PROCESS:
        if os.environ.get(name) == "1":
            os.environ[name] = str(os.getpid())


def _pass_on_and_reap(child: int, waited: set[signal.Signals]) -> NoReturn:
    while True:
        number = signal.sigwait(waited)
        if number != signal.SIGCHLD:
            os.kill(child, number)
            continue
        while True:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended == child:
                os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else KILLED + os.WTERMSIG(status))
            if not ended:
                break
