"""Stops a command that somebody ends, by keyboard, closed terminal or `kill`, at a place where it can tell what it has done.

A signal raises `Stopped` where the program stands, so that scratch is removed and locks are let go; inside `hold_signals`, as while a
change is committed, it waits until the end of that step.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = tuple(number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)))


class Stopped(BaseException):
    """The command was told to stop. No `Exception`, so that nothing takes it for a fault and goes on."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class _State:
    n_holding = 0
    received: int | None = None
    is_waiting = False


def find_signal() -> int | None:
    """Return the signal that told the command to stop; libraries that are stopped by it may raise an error of their own."""
    return _State.received


@contextmanager
def listen_to_signals() -> Iterator[None]:
    """Have signals raise `Stopped`; one that is ignored (`nohup`) stays so, and a thread that is not the main one hears none."""
    _State.received, _State.is_waiting = None, False
    before = {}
    with suppress(ValueError):
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _receive)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def hold_signals() -> Iterator[None]:
    """Let a step come to its end: a signal that comes meanwhile raises `Stopped` behind it."""
    _State.n_holding += 1
    try:
        yield
    finally:
        _State.n_holding -= 1
    if _State.is_waiting and not _State.n_holding and _State.received is not None:
        _State.is_waiting = False
        raise Stopped(_State.received)


def _receive(number: int, _: FrameType | None) -> None:
    if _State.received is not None:
        return  # it is stopping already: nothing may stop it from cleaning up
    _State.received = number
    if _State.n_holding:
        _State.is_waiting = True
    else:
        raise Stopped(number)
