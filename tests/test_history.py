"""What the history keeps after a disk was full or directories were removed, on a real SQLite file."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import ensureDeferred

from tests.one_thread import OneThread, commit, digest_of, history_of
from xivo_confgend.database import queries
from xivo_confgend.history import RETRY_INTERVAL, History
from xivo_confgend.names import FileName
from xivo_confgend.store import Store

NAME = FileName("test", "kept.conf")
NOISE = hashlib.shake_256(b"seed").digest(1 << 20)


@pytest.fixture
def threads() -> OneThread:
    return OneThread()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "cache")
    made.prepare()
    yield made
    made.close()


@pytest.fixture
def history(store: Store, threads: OneThread) -> Iterator[History]:
    made = history_of(store, threads)
    ensureDeferred(made.start())
    threads.finish()
    yield made
    ensureDeferred(made.stop())
    threads.finish()


def generate(store: Store, history: History, threads: OneThread, content: bytes, changed: bool = True) -> None:
    history.generated(NAME, commit(store, NAME, content), changed)
    threads.finish()


def kept(history: History) -> list[str]:
    return [version.digest for version in history._run(lambda c: queries.list_versions(c, NAME))]


def limit_pages(history: History, count: int) -> None:
    """Let SQLite say that the disk is full beyond so many pages."""
    with history._engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {count}")


class TestAVersionThatDidNotFitOnTheDisk:
    @pytest.fixture(autouse=True)
    def full_disk(self, store: Store, history: History, threads: OneThread) -> None:
        limit_pages(history, 1)
        generate(store, history, threads, NOISE)
        assert kept(history) == []
        limit_pages(history, 1 << 20)

    def test_is_kept_by_the_next_generation(self, store, history, threads):
        generate(store, history, threads, NOISE, changed=False)
        assert kept(history) == [digest_of(NOISE)]

    def test_is_kept_later_without_one(self, history, threads):
        history._reactor.advance(RETRY_INTERVAL)
        threads.finish()
        assert kept(history) == [digest_of(NOISE)]


class TestRemovedDirectories:
    @pytest.fixture(autouse=True)
    def pinned(self, store: Store, history: History, threads: OneThread) -> None:
        generate(store, history, threads, b"old\n")
        generate(store, history, threads, b"new\n")
        ensureDeferred(history.pin(NAME, digest_of(b"old\n"), "operator", "emergency"))
        threads.finish()

    @pytest.mark.parametrize("removed", ["", "pinned", "pinned/test", "staging"])
    def test_of_the_history_come_back_with_what_they_held(self, store, history, threads, removed):
        shutil.rmtree(store.root / ".history" / removed)
        assert history.pins.open(NAME).file.read() == b"old\n"
        generate(store, history, threads, b"newest\n")
        threads.finish()

        assert set(kept(history)) >= {digest_of(b"old\n"), digest_of(b"newest\n")}
        assert (store.root / ".history/pinned/test/kept.conf" / digest_of(b"old\n")).read_bytes() == b"old\n"

    def test_of_the_history_come_back_with_the_key(self, store, history, threads):
        key = (store.root / ".history/key").read_bytes()
        shutil.rmtree(store.root / ".history")
        generate(store, history, threads, b"newest\n")
        assert (store.root / ".history/key").read_bytes() == key

    @pytest.mark.parametrize("removed", [".", ".history", ".history/pinned"])
    def test_release_no_pin_at_the_next_start(self, store, history, threads, removed):
        shutil.rmtree(store.root / removed)
        history.pins.open(NAME).file.close()
        threads.finish()

        ensureDeferred(history.stop())
        threads.finish()
        again = history_of(store, threads)
        ensureDeferred(again.start())
        threads.finish()
        assert again.pins.open(NAME).file.read() == b"old\n"
        assert again.pins.get(NAME).reason == "emergency"
        ensureDeferred(again.stop())
        threads.finish()
