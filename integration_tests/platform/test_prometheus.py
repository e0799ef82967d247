"""The alerting rules that are shipped, in a real Prometheus that scrapes daemons in every state that they are about.

The only thing that is changed in the rules is how long a state has to last before it is an alert.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from integration_tests.suite.helpers.api import client, guarded, token, until, versions
from integration_tests.suite.helpers.items import Items
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import free_port

RULES = Path(__file__).parents[2] / "etc" / "prometheus" / "xivo-confgend.rules.yml"
MISSING = "Prometheus is missing: install Debian's package prometheus (make test-platform does)"
PATIENCE = 120
"""Seconds that a test waits for an alert: the machine may be busy."""
HOUR = 3600
NOWHERE = "postgresql://x@127.0.0.1:1/x"


def impatient(directory: Path) -> Path:
    """The shipped rules, in which no state has to last."""
    rules = yaml.safe_load(RULES.read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["for"] = "0s"
    path = directory / "rules.yml"
    path.write_text(yaml.safe_dump(rules), "utf-8")
    return path


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    address: str

    def firing(self, alert: str, instance: str = "") -> list[dict[str, str]]:
        """The labels of the alerts of that name that fire now, of one instance if it is given."""
        found = httpx.get(f"{self.address}/api/v1/alerts").json()["data"]["alerts"]
        return [
            one["labels"]
            for one in found
            if one["state"] == "firing" and alert in ("", one["labels"]["alertname"])
            if instance in ("", one["labels"]["instance"])
        ]

    def until_firing(self, alert: str, **labels: str) -> None:
        """Wait for an alert with these labels. Raises AssertionError if it does not come."""
        until(lambda: any(labels.items() <= one.items() for one in self.firing(alert)), PATIENCE)

    def samples(self, query: str) -> list[Any]:
        """What an instant query gives."""
        found: list[Any] = httpx.get(f"{self.address}/api/v1/query", params={"query": query}).json()["data"]["result"]
        return found


@dataclass(frozen=True)
class Site:
    """Daemons and the Prometheus that scrapes them: one in trouble, one without a database, one that is well.

    `puppets`: the drivers of the first; `others`: those of the other two; `gone`: where nothing answers.
    """

    prometheus: Prometheus
    puppets: Puppets
    others: Puppets
    troubled: Daemon
    cut_off: Daemon
    well: Daemon
    gone: str

    @staticmethod
    def instance(daemon: Daemon) -> str:
        """As Prometheus calls it."""
        return daemon.api.removeprefix("http://")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prometheus")


@pytest.fixture(scope="module")
def site(directory: Path, module_items: Items) -> Iterator[Site]:
    """Everything, started; nothing has happened yet."""
    puppets, others = Puppets(directory / "puppets"), Puppets(directory / "others")
    troubled = puppets.daemon(directory / "troubled", db_uri=module_items.uri, rest_api=guarded())
    cut_off = others.daemon(directory / "cut-off", db_uri=NOWHERE, rest_api=guarded())
    well = others.daemon(directory / "well", db_uri=module_items.uri, rest_api=guarded())
    gone = f"127.0.0.1:{free_port()}"
    daemons = (troubled, cut_off, well)
    with troubled, cut_off, well:
        targets = [*map(Site.instance, daemons), gone]
        with running_prometheus(directory, targets) as prometheus:
            until(lambda: len(prometheus.samples("up == 1")) == len(daemons), PATIENCE)
            yield Site(prometheus, puppets, others, troubled, cut_off, well, gone)


@pytest.fixture(scope="module")
def module_items(postgresql: Any) -> Items:
    made = Items(postgresql.create_database("prometheus"))
    made.make("one")
    return made


@contextmanager
def running_prometheus(directory: Path, targets: list[str]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes `targets` every second with the token of `reader`."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.fail(MISSING, pytrace=False)
    scrape = {
        "job_name": "xivo-confgend",
        "metrics_path": "/1.0/metrics",
        "authorization": {"credentials": token("reader")},
        "static_configs": [{"targets": targets}],
    }
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(impatient(directory))],
        "scrape_configs": [scrape],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    address = f"127.0.0.1:{free_port()}"
    options = [
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    log = directory / "prometheus.log"
    with log.open("wb") as output:
        process = subprocess.Popen([program, *options], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        until(lambda: is_ready(process, log, f"http://{address}"), PATIENCE)
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(30)


def is_ready(process: subprocess.Popen[bytes], log: Path, address: str) -> bool:
    assert process.poll() is None, f"Prometheus ended: {log.read_text('utf-8')[-2000:]}"
    try:
        return httpx.get(f"{address}/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def get_down(_site: Site) -> None:
    """One target does not exist."""


def fail(site: Site) -> None:
    site.puppets.tell("first", "fail", message="no such hat")
    site.troubled.fetch("test/first.conf")


def be_stale_for_an_hour(site: Site) -> None:
    """What the daemon wrote about the failure is made an hour older, as if it had been there for so long."""
    site.troubled.fetch("test/second.conf")
    site.puppets.tell("second", "fail", message="no such hat")
    site.troubled.fetch("test/second.conf")
    site.troubled.stop()
    path = site.troubled.cache / ".facts" / "test" / "second.conf.failure"
    path.write_text(json.dumps({"reason": "no such hat", "since": time.time() - HOUR}), "utf-8")
    site.troubled.start()


def lose_the_database(site: Site) -> None:
    site.others.tell("rows", "ask", statement="SELECT 1")
    site.cut_off.fetch("test/rows.conf")


def shrink(site: Site) -> None:
    for lines in (1000, 10):
        site.puppets.tell("third", "say", content="x\n" * lines)
        site.troubled.fetch("test/third.conf")


def warn(site: Site) -> None:
    site.puppets.tell("fourth", "warn", lines=["row 7 is left out"])
    site.troubled.fetch("test/fourth.conf")


def pin(site: Site) -> None:
    site.puppets.tell("other_rows", "say", content="x\n")
    site.troubled.fetch("test/other_rows.conf")
    with client(site.troubled, "operator") as http:
        file = "/1.0/files/test/other_rows.conf"
        http.put(f"{file}/pin", json={"digest": versions(http, 1, file)[0]["digest"]}).raise_for_status()


def crash(site: Site) -> None:
    """Workers die one after the other, each after Prometheus has seen the number before."""
    restarts = f'confgend_worker_restarts_total{{instance="{site.instance(site.troubled)}"}}'
    site.puppets.tell("rows", "exit", status=3)
    for number in range(5):
        until(lambda n=number: site.prometheus.samples(f"{restarts} >= {n}"), PATIENCE)
        site.troubled.fetch("test/rows.conf")


@pytest.mark.parametrize(
    ("alert", "happen", "file"),
    [
        ("ConfgendDown", get_down, ""),
        ("ConfgendFileFailed", fail, "test/first.conf"),
        ("ConfgendFileStale", be_stale_for_an_hour, "test/second.conf"),
        ("ConfgendDatabaseAway", lose_the_database, ""),
        ("ConfgendFileShrunk", shrink, "test/third.conf"),
        ("ConfgendFileWarnings", warn, "test/fourth.conf"),
        ("ConfgendFilePinned", pin, "test/other_rows.conf"),
        ("ConfgendWorkersReplaced", crash, ""),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("Confgend") else "",
)
def test_each_alert_fires(site: Site, alert: str, happen: Callable[[Site], None], file: str) -> None:
    instances = {"ConfgendDown": site.gone, "ConfgendDatabaseAway": site.instance(site.cut_off)}
    instance = instances.get(alert, site.instance(site.troubled))
    if alert != "ConfgendDown":
        assert [one for one in site.prometheus.firing(alert, instance) if one.get("file", "") in ("", file)] == []

    happen(site)

    site.prometheus.until_firing(alert, instance=instance, **({"file": file} if file else {}))


def test_no_alert_fires_for_a_daemon_that_is_well(site: Site) -> None:
    site.well.fetch("test/first.conf")
    seen = f'confgend_file_state{{instance="{site.instance(site.well)}",file="test/first.conf",state="fresh"}} == 1'
    until(lambda: site.prometheus.samples(seen), PATIENCE)
    assert site.prometheus.firing("", site.instance(site.well)) == []


def test_every_rule_that_is_shipped_is_tested_here() -> None:
    shipped = {rule["alert"] for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]}
    (mark,) = [one for one in test_each_alert_fires.pytestmark if one.name == "parametrize"]
    assert {alert for alert, _, _ in mark.args[1]} == shipped


def test_a_stale_file_is_no_alert_at_once(site: Site) -> None:
    """Without the hour: what is stale since a moment is not told yet."""
    site.puppets.tell("third", "fail", message="no such hat")
    site.troubled.fetch("test/third.conf")
    instance = site.instance(site.troubled)
    stale = f'confgend_file_state{{instance="{instance}",file="test/third.conf",state="stale"}} == 1'
    until(lambda: site.prometheus.samples(stale), PATIENCE)
    assert not [
        one for one in site.prometheus.firing("ConfgendFileStale", instance) if one["file"] == "test/third.conf"
    ]
