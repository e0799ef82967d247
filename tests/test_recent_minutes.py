"""The last hour minute by minute, as the console draws it."""

from __future__ import annotations

import pytest

from xivo_confgend.names import FileName
from xivo_confgend.plugins.metrics.services import POINTS, RecentMinutes
from xivo_confgend.store import Facts

FILE = FileName("asterisk", "pjsip.conf")
FACTS = Facts(size=1, digest="0" * 64, generated=0, duration=0.5)


class Clock:
    """Seconds since the epoch, as a test says."""

    def __init__(self) -> None:
        self.now = 1_000_020.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recent(clock: Clock) -> RecentMinutes:
    return RecentMinutes(clock)


def test_a_new_daemon_has_one_empty_minute(recent):
    (point,) = recent.points()["points"]
    assert sum(point["requests"].values()) == 0
    assert point["request_seconds"] == {"mean": None, "maximum": None}


def test_requests_of_one_minute_are_one_point(recent):
    recent.answered(FILE, "fresh", 0.1)
    recent.answered(FILE, "stale", 0.3)
    (point,) = recent.points()["points"]
    assert (point["requests"]["fresh"], point["requests"]["stale"]) == (1, 1)
    assert point["request_seconds"] == {"mean": 0.2, "maximum": 0.3}


def test_minutes_in_which_nothing_happened_are_points_with_zeros(recent, clock):
    recent.answered(FILE, "fresh", 0.1)
    clock.now += 180
    recent.generated(FILE, FACTS, changed=True)
    points = recent.points()["points"]
    assert [sum(point["requests"].values()) for point in points] == [1, 0, 0, 0]
    assert points[3]["generations"][0]["seconds"] == {"mean": 0.5, "maximum": 0.5}


def test_only_the_last_hour_is_kept(recent, clock):
    recent.answered(FILE, "fresh", 0.1)
    for _ in range(2 * POINTS):
        clock.now += 60
        recent.failed(FILE, "x", stale=False)
    points = recent.points()["points"]
    assert len(points) == POINTS
    assert all(point["generations"][0]["failed"] == 1 for point in points)


def test_a_long_silence_leaves_a_whole_hour_of_zeros(recent, clock):
    recent.answered(FILE, "fresh", 0.1)
    clock.now += 10_000_000
    points = recent.points()["points"]
    assert len(points) == POINTS
    assert sum(sum(point["requests"].values()) for point in points) == 0


def test_a_clock_that_is_set_back_loses_nothing(recent, clock):
    recent.answered(FILE, "fresh", 0.1)
    clock.now -= 3600
    recent.answered(FILE, "fresh", 0.1)
    (point,) = recent.points()["points"]
    assert point["requests"]["fresh"] == 2
