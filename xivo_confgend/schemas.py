"""What the schemas of the HTTP plugins share: nothing unknown passes, and a boolean is `true` or `false`."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

WHOLE = re.compile(r"-?[0-9]{1,18}")


class Strict(Schema):
    """A schema that refuses what it does not know."""

    class Meta:
        """See https://marshmallow.readthedocs.io/."""

        unknown = RAISE

    error_messages = {"unknown": "unknown parameter", "type": "expected an object"}  # noqa: RUF012 - as marshmallow wants it


class Nothing(Strict):
    """No parameters at all."""


class Switch(fields.Boolean):
    """`true` or `false`, in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("expected true or false")
        return bool(value == "true")


class Flag(Switch):
    """A switch in a query that may also be given without a value: `?strict` is `?strict=true`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        return value == "" or super()._deserialize(value, attr, data, **kwargs)


class Digest(fields.String):
    """What identifies a content."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Regexp(r"[0-9a-f]{64}\Z", error="expected 64 hexadecimal digits"), **kwargs)


class Name(fields.String):
    """A part of the name of a file."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=255), **kwargs)


class Whole(fields.Integer):
    """A whole number from `least` to `most`, in a query."""

    def __init__(self, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not (isinstance(value, str) and WHOLE.fullmatch(value)):
            raise ValidationError("expected a whole number")
        return int(value)


class Page(Strict):
    """Which part of a long list."""

    limit = Whole(1, 1000, load_default=100)
    offset = Whole(0, 10**9, load_default=0)
