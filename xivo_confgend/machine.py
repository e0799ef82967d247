"""What the machine has."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def machine_memory(groups: Path = CONTROL_GROUPS, own: Path = OWN_GROUPS) -> int:
    """Bytes of memory that this process may use: that of the machine, or of its control group (cgroups(7), version 2).

    `groups`: where control groups are mounted; `own`: the file that names those of this process.
    """
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *_group_limits(groups, own)])


def _group_limits(groups: Path, own: Path) -> Iterator[int]:
    """The limits of the own control group and of those that it lies in."""
    with contextlib.suppress(OSError):
        for line in own.read_text("utf-8").splitlines():
            if line.startswith("0::/"):
                path = groups / line.removeprefix("0::/")
                for group in (path, *path.parents):
                    with contextlib.suppress(OSError, ValueError):
                        yield int((group / "memory.max").read_text("ascii"))
