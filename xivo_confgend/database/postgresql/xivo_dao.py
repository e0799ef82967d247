"""Drivers that use the library `xivo_dao` read from the transaction of their generation.

The library's own `Session` is bound to our connection for as long as one of our scopes is open, each time inside a
savepoint: a `session_scope` of the library that commits, rolls back or fails ends its savepoint and
never our transaction. The core does not need the library; without it this costs one look-up a process.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

logger = logging.getLogger(__name__)

LIBRARY = "xivo_dao"
SESSION_MODULE = "xivo_dao.helpers.db_manager"


@contextlib.contextmanager
def joined(ours: Any, is_open: Callable[[], bool]) -> Iterator[None]:
    """Let the library's `Session`, if there is one, read through the scoped session `ours` while a scope `is_open`."""
    theirs = _session(ours, is_open)
    if theirs is None:
        yield
        return
    theirs.remove()
    try:
        yield
    finally:
        theirs.remove()


@cache
def _session(ours: Any, is_open: Callable[[], bool]) -> Any:
    """The library's scoped session, made to join `ours`; None without the library."""
    if importlib.util.find_spec(LIBRARY) is None:
        return None
    try:
        theirs: Any = importlib.import_module(SESSION_MODULE).Session
        factory = theirs.session_factory
        factory.class_ = type("JoinedSession", (_joining(ours, is_open), factory.class_), {})
    except Exception as error:
        logger.warning("%s is installed but cannot be used: %s: %s", LIBRARY, type(error).__name__, error)
        return None
    return theirs


def _joining(ours: Any, is_open: Callable[[], bool]) -> type:
    class Joining:
        """Gives a session of the library our connection, with a savepoint that it may end as it likes."""

        def get_bind(self, *arguments: Any, **named: Any) -> Any:
            if not is_open():
                return super().get_bind(*arguments, **named)  # type: ignore[misc]
            connection = ours.connection()
            if not connection.in_nested_transaction():
                connection.begin_nested()
            return connection

    return Joining
