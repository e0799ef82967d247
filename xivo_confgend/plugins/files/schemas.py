"""Parameters and bodies of the files."""

from __future__ import annotations

from marshmallow import fields, validate

from xivo_confgend.schemas import Digest, Name, Strict, Switch, Whole

STATES = ("fresh", "stale", "failed", "none")
LONGEST_REASON = 500
MOST_CONTEXT = 1000


class Selection(Strict):
    """Which files to list."""

    resource = Name()
    state = fields.String(validate=validate.OneOf(STATES))


class ContentWish(Strict):
    """Which content is good enough."""

    cached = Switch(load_default=False)


class Comparison(Strict):
    """Which versions to compare."""

    older = Digest(data_key="from")
    newer = Digest(data_key="to")
    context = Whole(0, MOST_CONTEXT, load_default=3)


class PinWish(Strict):
    """Which version to pin and why."""

    digest = Digest(required=True)
    reason = fields.String(load_default="", validate=validate.Length(max=LONGEST_REASON))
