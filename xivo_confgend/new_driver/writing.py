"""Renders the templates of a new distribution into a directory of its own.

Jinja2 through its own loader: the core needs it anyway, while copier or cookiecutter would bring twenty more
distributions to whoever wants a dozen files.
"""

from __future__ import annotations

from pathlib import Path

import jinja2

from xivo_confgend.exceptions import ConfgendError
from xivo_confgend.new_driver.names import Names

TEMPLATES = ("xivo_confgend", "templates/new_driver")
SUFFIX = ".jinja"
FIELDS = ("name", "file", "distribution", "package", "resource_module", "module", "class_name", "yaml")


class NotWritten(ConfgendError):
    """The distribution could not be written; the text says why."""


def write(names: Names, parent: Path) -> list[Path]:
    """Write the distribution into a new directory under `parent`; returns the files, sorted.

    Raises NotWritten, before anything is written, if that directory is there and not empty.
    """
    directory = parent / names.distribution
    contents = render(names)
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise NotWritten(f"{directory} exists already, choose another NAME or directory")
        for name, content in contents.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")
    except OSError as error:
        raise NotWritten(f"{error.filename}: {error.strerror}") from error
    return [directory / name for name in contents]


def render(names: Names) -> dict[str, str]:
    """The files of the distribution by their relative paths, sorted. Paths are templates, too."""
    environment = jinja2.Environment(  # noqa: S701 - no HTML is made
        loader=jinja2.PackageLoader(*TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    variables = {"dot": ".", **{field: getattr(names, field) for field in FIELDS}}
    made = {
        environment.from_string(path.removesuffix(SUFFIX)).render(variables): environment.get_template(path).render(
            variables
        )
        for path in environment.list_templates(extensions=[SUFFIX.removeprefix(".")])
    }
    return dict(sorted(made.items()))
