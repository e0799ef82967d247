"""The store on a real file system: what survives, what is refused, and that nothing is ever half there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from xivo_confgend.exceptions import StoreError
from xivo_confgend.names import FileName
from xivo_confgend.notices import Warnings
from xivo_confgend.store import Facts, StagedContent, Store

NAME = FileName("asterisk", "queues.conf")


def facts_of(content: bytes, **others: Any) -> Facts:
    digest = hashlib.sha256(content).hexdigest()
    return Facts(len(content), digest, generated=1000.5, lines=content.count(b"\n"), **others)


def put(store: Store, content: bytes, name: FileName = NAME, run: int = 1) -> Facts:
    staged = store.staging_path(name, run)
    staged.write_bytes(content)
    facts = facts_of(content, duration=0.25, statements=3, driver="wazo", peak_memory=4096)
    store.commit(name, staged, facts)
    return facts


def content_of(store: Store, name: FileName = NAME) -> bytes | None:
    opened = store.open(name)
    if opened is None:
        return None
    with opened.file as file:
        return file.read()


def reopened(store: Store) -> Store:
    """The store as the next daemon sees it."""
    store.close()
    made = Store(store.root)
    made.prepare()
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "cache")
    made.prepare()
    yield made
    made.close()


def test_what_was_committed_is_opened(store):
    put(store, b"one\n")
    assert content_of(store) == b"one\n"


def test_a_commit_takes_the_place_of_the_content_before(store):
    put(store, b"a long first content\n")
    put(store, b"two\n", run=2)
    assert content_of(store) == b"two\n"


def test_who_reads_meanwhile_goes_on_reading_the_old_content(store):
    put(store, b"old")
    opened = store.open(NAME)
    put(store, b"new", run=2)
    with opened.file as file:
        assert file.read() == b"old"


def test_nothing_is_left_in_the_staging_area_after_a_commit(store):
    put(store, b"one\n")
    assert list((store.root / ".staging").iterdir()) == []


def test_a_file_without_content_is_not_there(store):
    assert store.open(NAME) is None
    assert store.facts(NAME) is None


def test_an_empty_content_is_a_content(store):
    put(store, b"")
    assert content_of(store) == b""


def test_facts_survive_a_restart(store):
    facts = put(store, b"one\n")
    after = reopened(store)
    assert after.facts(NAME) == facts
    after.close()


def test_warnings_survive_a_restart_and_are_the_newest(store):
    put(store, b"one\n")
    newer = facts_of(b"one\n", warnings=Warnings(("row 7 is left out",), 3))
    store.confirm(NAME, newer)
    with closing(reopened(store)) as after:
        assert after.facts(NAME) == newer


def test_facts_of_an_earlier_version_are_read(store):
    facts = put(store, b"one\n")
    path = store.root / ".facts" / "asterisk" / "queues.conf.json"
    kept = json.loads(path.read_text("utf-8"))
    del kept["facts"]["warnings"]
    path.write_text(json.dumps(kept), "utf-8")
    with closing(reopened(store)) as after:
        assert after.facts(NAME) == facts


def test_content_edited_by_hand_has_no_facts_until_it_is_examined(store):
    put(store, b"one\n")
    store.path(NAME).write_bytes(b"by hand\ntwo\n")
    opened = store.open(NAME)
    assert opened.facts is None and store.facts(NAME) is None
    examined = store.examine(NAME, opened.file)
    opened.file.close()
    assert (examined.facts.size, examined.facts.lines, examined.facts.digest) == (
        12,
        2,
        hashlib.sha256(b"by hand\ntwo\n").hexdigest(),
    )
    assert store.facts(NAME) == examined.facts


def test_content_edited_while_no_daemon_ran_has_no_facts_either(store):
    put(store, b"one\n")
    store.path(NAME).write_bytes(b"six\n")
    after = reopened(store)
    assert after.facts(NAME) is None
    after.close()


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b"null", b'{"identity": [1], "facts": {"colour": 1}}', b"\xff"])
def test_facts_that_cannot_be_read_are_made_anew(store, broken):
    put(store, b"one\n")
    (store.root / ".facts" / "asterisk" / "queues.conf.json").write_bytes(broken)
    after = reopened(store)
    assert after.facts(NAME) is None
    assert content_of(after) == b"one\n"
    after.close()


def test_leftovers_of_a_killed_daemon_are_cleared(store):
    left = store.staging_path(NAME, 7)
    left.write_bytes(b"half of a cont")
    after = reopened(store)
    assert not left.exists()
    after.close()


def test_two_daemons_never_share_a_store(store):
    with pytest.raises(StoreError, match=f"store {store.root}: another daemon uses it"):
        Store(store.root).prepare()


@pytest.mark.parametrize("removed", ["directory", "lock"])
def test_a_store_whose_lock_was_removed_is_locked_again(store, removed):
    if removed == "directory":
        shutil.rmtree(store.root)
    else:
        (store.root / ".lock").unlink()
    assert store.hold()
    assert not store.hold()
    with pytest.raises(StoreError, match="another daemon uses it"):
        Store(store.root).prepare()


def test_a_store_that_another_daemon_has_taken_is_left_alone(store):
    put(store, b"ours\n")
    shutil.rmtree(store.root)
    other = Store(store.root)
    other.prepare()
    put(other, b"theirs\n")
    for what in (lambda: put(store, b"ours again\n", run=2), lambda: store.remove(NAME)):
        with pytest.raises(StoreError, match="another daemon uses it"):
            what()
    assert content_of(other) == b"theirs\n"
    other.close()


def test_a_second_daemon_that_is_turned_away_clears_nothing(store):
    left = store.staging_path(NAME, 1)
    left.write_bytes(b"being written")
    with pytest.raises(StoreError):
        Store(store.root).prepare()
    assert left.read_bytes() == b"being written"


def test_only_owner_and_group_read_contents(tmp_path):
    before = os.umask(0)
    try:
        store = Store(tmp_path / "cache")
        store.prepare()
        staged = StagedContent(store.staging_path(NAME, 1))
        staged.write(b"secret=1\n")
        staged.finish()
        store.commit(NAME, staged.path, facts_of(b"secret=1\n"))
        store.close()
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(store.root)): stat.S_IMODE(path.stat().st_mode)
        for path in (store.root, *store.root.rglob("*"))
    }
    assert modes == {
        ".": 0o750,
        ".lock": 0o640,
        ".staging": 0o750,
        ".facts": 0o750,
        ".facts/asterisk": 0o750,
        ".facts/asterisk/queues.conf.json": 0o640,
        "asterisk": 0o750,
        "asterisk/queues.conf": 0o640,
    }


def test_a_directory_in_place_of_a_file_is_no_content(store):
    store.path(NAME).mkdir(parents=True)
    assert store.open(NAME) is None
    assert store.names() == []


def test_a_directory_in_place_of_a_file_refuses_a_commit_and_says_where(store):
    store.path(NAME).mkdir(parents=True)
    with pytest.raises(StoreError, match=f"{NAME} cannot be kept: Is a directory"):
        put(store, b"one\n")


def test_a_file_in_place_of_a_resource_directory_refuses_a_commit(store):
    (store.root / "asterisk").write_bytes(b"")
    assert store.open(NAME) is None
    with pytest.raises(StoreError, match=f"{NAME} cannot be kept"):
        put(store, b"one\n")


def test_removing_forgets_content_and_facts(store):
    put(store, b"one\n")
    store.remove(NAME)
    store.remove(NAME)
    assert store.open(NAME) is None
    assert list((store.root / ".facts").rglob("*.json")) == []


@pytest.mark.parametrize("what", ["kept", "removed", "removed twice", "edited", "lost"])
@pytest.mark.parametrize("restarted", [False, True])
def test_who_made_a_content_is_known_after_it_is_gone(store, what, restarted):
    put(store, b"one\n")
    if what.startswith("removed"):
        store.remove(NAME)
    if what == "removed twice":
        store.remove(NAME)
    if what == "edited":
        store.path(NAME).write_bytes(b"by hand\n")
        store.examine(NAME, store.open(NAME).file)
    if what == "lost":
        store.path(NAME).unlink()
    after = reopened(store) if restarted else store
    assert after.maker(NAME) == "wazo"
    after.close()


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"facts": 7}', b'{"facts": {"driver": null}}', b"\xff"])
def test_who_made_a_content_is_not_known_from_broken_facts(store, kept):
    put(store, b"one\n")
    (store.root / ".facts/asterisk/queues.conf.json").write_bytes(kept)
    after = reopened(store)
    assert after.maker(NAME) == ""
    after.close()


def test_who_made_a_content_that_was_put_there_is_not_known(store):
    store.path(NAME).parent.mkdir()
    store.path(NAME).write_bytes(b"seeded\n")
    assert store.maker(NAME) == ""


def test_a_confirmed_content_has_the_facts_of_the_new_generation_after_a_restart(store):
    put(store, b"one\n")
    newer = facts_of(b"one\n", duration=9.0)
    store.confirm(NAME, newer)
    after = reopened(store)
    assert after.facts(NAME) == newer
    after.close()


def test_only_what_is_there_can_be_confirmed(store):
    put(store, b"one\n")
    with pytest.raises(StoreError, match="not what was to be confirmed"):
        store.confirm(NAME, facts_of(b"two\n"))


def test_the_names_are_those_of_contents_only(store):
    put(store, b"1", FileName("b", "z.conf"))
    put(store, b"2", FileName("a", "y.conf"), 2)
    (store.root / "a" / ".hidden").write_bytes(b"")
    (store.root / "a" / "no name").write_bytes(b"")
    assert [str(name) for name in store.names()] == ["a/y.conf", "b/z.conf"]


def test_a_store_that_cannot_be_made_says_where(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=f"store {tmp_path}/file/cache: Not a directory"):
        Store(tmp_path / "file" / "cache").prepare()
