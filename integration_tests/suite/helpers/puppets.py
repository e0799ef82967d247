"""Gives a daemon the ill-behaved drivers, and tells them what to do."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from xivo_confgend.testing.daemon import Daemon, Fetched

BROKEN_IMPORT = "broken_import"
ENTRY_POINTS = {
    "confgend.test.first.conf": "ill_behaved:First",
    "confgend.test.second.conf": "ill_behaved:Second",
    "confgend.test.third.conf": "ill_behaved:Third",
    "confgend.test.fourth.conf": "ill_behaved:Fourth",
    "confgend.test.rows.conf": "ill_behaved:Rows",
    "confgend.test.other_rows.conf": "ill_behaved:OtherRows",
    "confgend.test.templated.conf": "ill_behaved:Templated",
    "confgend.broken.import.conf": f"{BROKEN_IMPORT}:Driver",
    "confgend.broken.attribute.conf": "ill_behaved:NoSuchClass",
    "confgend.broken.constructor.conf": "ill_behaved:ConstructorRaises",
    "confgend.broken.leaving.conf": "ill_behaved:ConstructorLeaves",
    "confgend.broken.hanging.conf": "ill_behaved:ConstructorHangs",
    "confgend.broken.generate.conf": "ill_behaved:WithoutGenerate",
    "xivo_confgend.older.xivo.conf": "ill_behaved:Older",
    "wazo_confgend.older.wazo.conf": "ill_behaved:Older",
}
DRIVER = "ill"
BROKEN = tuple(group.removeprefix("confgend.") for group in ENTRY_POINTS if group.startswith("confgend.broken."))
"""Keys of the map `plugins` whose drivers never serve."""
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"


def install_distribution(directory: Path, name: str, entry_points: dict[str, dict[str, str]], version: str) -> None:
    """Write the *.dist-info of the distribution `name`: group → entry point name → `module:Class`."""
    info = directory / f"{name}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(METADATA.format(name=name, version=version))
    groups = (f"[{group}]\n" + "".join(f"{n} = {t}\n" for n, t in one.items()) for group, one in entry_points.items())
    (info / "entry_points.txt").write_text("\n".join(groups))


def install_puppets(directory: Path) -> None:
    """Install the drivers of `ill_behaved.py` into `directory`, which is to be on the daemon's path."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("ill_behaved.py"), directory)
    (directory / f"{BROKEN_IMPORT}.py").write_text("import a_module_that_nobody_has\n")
    points = {group: {DRIVER: target} for group, target in ENTRY_POINTS.items()}
    install_distribution(directory, "ill_behaved_drivers", points, "1.0")


class Puppets:
    """The installed drivers of one daemon; `tell` says what the next generation of a file does."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "path"
        self.orders = directory / "orders"
        self.orders.mkdir(parents=True, exist_ok=True)
        install_puppets(self.path)
        for name in ("first", "second", "third", "fourth", "rows", "other_rows"):
            self.tell(name, "say", content=f"{name}\n")

    def tell(self, name: str, do: str, **arguments: Any) -> None:
        """From now on `test/<name>.conf` does `do` (see `ill_behaved.Puppet`)."""
        for mark in ("held", "released"):
            (self.orders / f"{name}.{mark}").unlink(missing_ok=True)
        staged = self.orders / f".{name}.json"
        staged.write_text(json.dumps({"do": do, **arguments}), "utf-8")
        staged.replace(self.orders / f"{name}.json")

    def runs(self, name: str) -> int:
        """How many generations of `test/<name>.conf` were begun."""
        path = self.orders / f"{name}.runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def worker(self, name: str) -> int:
        """The process that began the last generation of `test/<name>.conf`."""
        return int((self.orders / f"{name}.runs").read_text().split()[-1])

    def started(self, name: str) -> list[psutil.Process]:
        """The processes that `start_process` of `test/<name>.conf` started and that live."""
        pids = (self.orders / f"{name}.started").read_text().split()
        processes = [psutil.Process(int(pid)) for pid in pids if psutil.pid_exists(int(pid))]
        return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    def wait_for_run(self, name: str, count: int = 1) -> None:
        """Return when the `count`th generation has begun."""
        wait_until(lambda: self.runs(name) >= count, f"generation {count} of {name}")

    def wait_until_held(self, name: str) -> None:
        """Return when a generation of `test/<name>.conf` waits for `release`."""
        wait_until((self.orders / f"{name}.held").exists, f"the hold of {name}")

    def release(self, name: str) -> None:
        """Let the generations of `test/<name>.conf` go on, those that are held and those to come."""
        (self.orders / f"{name}.released").touch()

    def daemon(self, directory: Path, environment: Mapping[str, str] | None = None, **config: Any) -> Daemon:
        """A daemon that finds the drivers; not started."""
        path = os.pathsep.join(filter(None, [str(self.path), os.environ.get("PYTHONPATH")]))
        configuration = {"puppets": str(self.orders), "stop_timeout": 2, **config}
        return Daemon(directory, configuration, {"PYTHONPATH": path, **(environment or {})})


def wait_until(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Return as soon as `condition` holds. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.01)


def unread(daemon: Daemon) -> int:
    """How many connections to the daemon's port have bytes that it has not read."""
    found = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, _, queues, *_ = line.split()
        found += int(local.partition(":")[2], 16) == daemon.port and int(queues.partition(":")[2], 16) > 0
    return found


def ask_in_background(background: ThreadPoolExecutor, daemon: Daemon, name: str) -> Future[Fetched]:
    """Fetch a file in a thread of `background`."""
    return background.submit(daemon.fetch, name)


def memory(daemon: Daemon) -> int:
    """Resident bytes of the daemon's own process."""
    return int(psutil.Process(daemon.pid).memory_info().rss)


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    """Threads for clients that wait while the test goes on."""
    with ThreadPoolExecutor(16) as threads:
        yield threads


@pytest.fixture
def puppets(tmp_path: Path) -> Puppets:
    """Ill-behaved drivers of one's own."""
    return Puppets(tmp_path / "puppets")


@pytest.fixture
def puppet_daemon(puppets: Puppets, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Starts daemons that find the `puppets`, with given configuration keys; all are stopped at the end of the test.

    Without the HTTP API, unless it is configured: a third of a daemon's start is for it.
    """
    started: list[Daemon] = []

    def start(**config: Any) -> Daemon:
        config.setdefault("rest_api", {"enabled": False})
        one = puppets.daemon(tmp_path / f"puppet-daemon{len(started)}", **config)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="module")
def shared_puppets(tmp_path_factory: pytest.TempPathFactory) -> Puppets:
    """The drivers of `shared`."""
    return Puppets(tmp_path_factory.mktemp("puppets"))


@pytest.fixture(scope="module")
def shared(shared_puppets: Puppets, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for many failures."""
    with shared_puppets.daemon(tmp_path_factory.mktemp("daemon"), generation_timeout=0.8) as daemon:
        yield daemon
