"""What Prometheus gets. Only files that a driver is chosen for are labels: clients can ask for anything."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from xivo_confgend.generation import Observer
from xivo_confgend.names import FileName
from xivo_confgend.services import Daemon, FileFacts
from xivo_confgend.store import Facts

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
GROUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
STATES = ("fresh", "stale", "failed", "none")
OTHER = "other"


class Metrics(Observer):
    """Counts what happens to the files of `daemon`."""

    def __init__(self, daemon: Daemon, facts: FileFacts) -> None:
        self._daemon = daemon
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Now(daemon))
        self._registry.register(_Files(daemon, facts))

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"confgend_{name}", meaning, ["file", *labels], registry=self._registry)

        def histogram(name: str, meaning: str, buckets: Iterable[float]) -> Histogram:
            return Histogram(f"confgend_{name}", meaning, ["file"], buckets=list(buckets), registry=self._registry)

        self._requests = counter("requests", "Requests for files by result", "result")
        self._stale = counter("stale_answers", "Answers older than their question because a generation failed")
        self._generations = counter("generations", "Generations by result", "result")
        self._statements = counter("statements", "Statements that drivers asked the database")
        self._request_seconds = histogram("request_seconds", "From request to answer", SECONDS)
        self._seconds = histogram("generation_seconds", "Duration of generations that succeeded", SECONDS)
        self._groups = histogram("group_size", "Requests answered by one generation", GROUPS)
        self._reused = counter("reused_answers", "Answers without a generation by what had not changed", "why")
        self._checks = counter("checks", "Looks for changes before a generation by what they found", "result")
        self._check_seconds = histogram("check_seconds", "Duration of looks for changes", SECONDS)

    def answered(self, name: FileName, state: str, seconds: float) -> None:
        """A request was answered."""
        file = self._label(name)
        self._requests.labels(file, state).inc()
        self._request_seconds.labels(file).observe(seconds)
        if state == "stale":
            self._stale.labels(file).inc()

    def generated(self, name: FileName, facts: Facts, changed: bool) -> None:
        """A generation succeeded."""
        file = self._label(name)
        self._generations.labels(file, "changed" if changed else "unchanged").inc()
        self._statements.labels(file).inc(facts.statements)
        self._seconds.labels(file).observe(facts.duration)

    def failed(self, name: FileName, reason: str, stale: bool) -> None:
        """A generation failed."""
        self._generations.labels(self._label(name), "failed").inc()

    def reused(self, name: FileName, why: str) -> None:
        """A request was answered with the stored content."""
        self._reused.labels(self._label(name), why).inc()

    def checked(self, name: FileName, changed: tuple[str, ...], seconds: float) -> None:
        """A worker looked for changes."""
        file = self._label(name)
        self._checks.labels(file, "changed" if changed else "unchanged").inc()
        self._check_seconds.labels(file).observe(seconds)

    def grouped(self, name: FileName, requests: int) -> None:
        """A generation answers so many requests."""
        self._groups.labels(self._label(name)).observe(requests)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the format that an Accept header asks for, and its media type."""
        encoder, media_type = choose_encoder(accept)
        return encoder(self._registry), media_type

    def _label(self, name: FileName) -> str:
        return str(name) if self._daemon.generation.catalogue.knows(name) else OTHER


class _Now(Collector):
    """What is read when it is asked for."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when the collector is registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Store, workers, connections."""
        store, workers = self._daemon.generation.store, self._daemon.generation.workers
        sizes = GaugeMetricFamily("confgend_file_bytes", "Size of the last good content", labels=["file"])
        times = GaugeMetricFamily(
            "confgend_file_generated_timestamp_seconds", "When the last good content was generated", labels=["file"]
        )
        warnings = GaugeMetricFamily(
            "confgend_file_warnings", "Warnings of the generation that gave the last good content", labels=["file"]
        )
        shrunk = GaugeMetricFamily(
            "confgend_file_shrunk_lines", "Lines that the last change took away, if they were many", labels=["file"]
        )
        total = 0
        for name in store.names():
            facts = store.facts(name)
            if facts is not None:
                total += facts.size
                sizes.add_metric([str(name)], facts.size)
                times.add_metric([str(name)], facts.generated)
                warnings.add_metric([str(name)], facts.warnings.count)
                if facts.shrunk is not None:
                    shrunk.add_metric([str(name)], facts.shrunk.lost)
        yield sizes
        yield times
        yield warnings
        yield shrunk
        yield GaugeMetricFamily("confgend_store_bytes", "Size of all last good contents", value=total)
        yield GaugeMetricFamily(
            "confgend_pinned_files", "Files that are pinned", value=len(self._daemon.history.pins.names())
        )
        yield GaugeMetricFamily("confgend_workers_busy", "Worker processes that generate", value=workers.busy)
        yield GaugeMetricFamily("confgend_workers_queued", "Generations that wait for a worker", value=workers.queued)
        yield CounterMetricFamily(
            "confgend_worker_restarts", "Worker processes that were replaced", value=workers.restarts
        )
        yield GaugeMetricFamily(
            "confgend_database_up",
            "Whether the last generations reached it",
            value=self._daemon.generation.outage.since is None,
        )
        connections = GaugeMetricFamily("confgend_connections", "Open connections", labels=["listener"])
        for listener in self._daemon.listeners():
            connections.add_metric([listener.name], listener.connections)
        yield connections


class _Files(Collector):
    """The state of each file, read when it is asked for."""

    def __init__(self, daemon: Daemon, facts: FileFacts) -> None:
        self._daemon = daemon
        self._facts = facts

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when the collector is registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        """One series for each file and state: 1 if it is in that state, else 0."""
        yield from self._freshness()
        states = GaugeMetricFamily(
            "confgend_file_state", "Whether a file is in a state; pinned beside the others", labels=["file", "state"]
        )
        since = GaugeMetricFamily(
            "confgend_file_stale_since_seconds",
            "When a file that is stale or failed did so for the first time since its last success",
            labels=["file"],
        )
        pins = self._daemon.history.pins
        for name in self._facts.names():
            state, failure = self._facts.state(name)
            for one in STATES:
                states.add_metric([str(name), one], one == state)
            states.add_metric([str(name), "pinned"], pins.get(name) is not None)
            if failure is not None:
                since.add_metric([str(name)], failure.since)
        yield states
        yield since

    def _freshness(self) -> Iterable[Metric]:
        """How each file is kept fresh."""
        mode = GaugeMetricFamily(
            "confgend_file_reuse", "1 for what spares the next generation", labels=["file", "mode"]
        )
        tables = GaugeMetricFamily("confgend_file_tables", "Relations that the file depends on", labels=["file"])
        changed = GaugeMetricFamily(
            "confgend_file_changed_timestamp_seconds",
            "When it was noticed that something changed that the file is made from, by what changed last",
            labels=["file", "relation"],
        )
        for name in self._facts.names():
            told = self._daemon.generation.freshness(name)
            if told.mode:
                mode.add_metric([str(name), told.mode], 1)
                tables.add_metric([str(name)], len(told.tables))
            if told.changed:
                changed.add_metric([str(name), told.changed[0]], told.changed[1])
        yield from (mode, tables, changed)
