"""Text templates that administrators may replace: found, rendered, and blamed by file and line.

The look-up of docs/spec/30-daemon.md section 7, for drivers of every namespace; `TemplateHelper` is also the
`tpl_helper` that those of the two older ones receive. Better than there: a file that is added to the
administrators' directory is seen at the next look-up. Not for files with a grammar of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import jinja2
import jinja2.meta
from jinja2.loaders import split_template_path

from xivo_confgend.exceptions import TemplateError

__all__ = [
    "DEFAULT_DIRECTORY", "Template", "TemplateError", "TemplateHelper", "file_candidates", "load_template", "read_text",
]  # fmt: skip

DEFAULT_DIRECTORY = "/etc/xivo-confgend/templates"
SUFFIX = ".jinja"

Stamp = tuple[int, ...] | None
"""What tells one state of a file from another; None: there is no such file."""


class Template:
    """A template that was found and has no syntax error."""

    def __init__(self, template: jinja2.Template, files: Iterable[str]) -> None:
        self._template = template
        self._files = files

    def dump(self, variables: Mapping[str, Any]) -> str:
        """The text of the template with `variables`. Raises TemplateError naming file and line."""
        try:
            return self._template.render(variables)
        except Exception as error:
            raise _explained(error, self._files, str(self._template.filename)) from error


class TemplateHelper:
    """Looks templates up: in the administrators' directory first, then in those of the distribution.

    `config`: the merged configuration; `templates.directory` names the administrators' directory, null means that there
    is none. `directories`: where the distribution of the driver keeps its own.
    Raises TemplateError if `templates.directory` is no text.
    """

    def __init__(self, config: Mapping[str, Any], *directories: str | os.PathLike[str]) -> None:
        own = _administrators_directory(config)
        self._directories = [*([Path(own)] if own is not None else []), *map(Path, directories)]
        self._loader = _Loader(self._directories)
        self._environment = jinja2.Environment(loader=self._loader)  # noqa: S701 - no HTML is made
        self._references: dict[Path, tuple[Stamp, set[str | None]]] = {}

    def get_template(self, name: str) -> Template:
        """The first `<name>.jinja`. Raises TemplateError if there is none or it has a syntax error."""
        return self._get([name + SUFFIX])

    def get_customizable_template(self, name: str, part: object) -> Template:
        """The first `<name>-<part>.jinja`, else the first `<name>.jinja`. Raises TemplateError as `get_template`."""
        return self._get([f"{name}-{part}{SUFFIX}", name + SUFFIX])

    def candidates(self, name: str) -> list[Path]:
        """The files that `get_template(name)` looks for, in its order, whether they are there or not."""
        return [directory / (name + SUFFIX) for directory in self._directories]

    def dependencies(self, *names: str) -> list[Path]:
        """Everything on disk that decides what templates of these names, customized or not, give.

        For a driver's `dependencies()`. Files are named also when absent, and directories, because a `<name>-<part>`
        may be added to them. What a template includes, extends or imports counts too.
        """
        found: set[Path] = set()
        for path in chain.from_iterable(self.candidates(name) for name in names):
            found |= {path, path.parent, *path.parent.glob(f"{path.stem}-*{SUFFIX}")}
        waiting = list(found)
        while waiting:
            new = self._referenced(waiting.pop()) - found
            found |= new
            waiting += new
        return sorted(found)

    def _get(self, names: list[str]) -> Template:
        try:
            return Template(self._environment.select_template(names), self._loader.files)
        except jinja2.TemplateNotFound as error:
            where = ", ".join(map(str, self._directories)) or "no directory at all"
            raise TemplateError(f"template {names[-1]} is not in {where}") from error
        except jinja2.TemplateSyntaxError as error:
            raise _explained(error, self._loader.files, names[-1]) from error

    def _referenced(self, path: Path) -> set[Path]:
        """What the template at `path` refers to; if it computes names, everything that they could be."""
        stamp = _stamp(path)
        if stamp is None or path.is_dir():
            return set()
        if path not in self._references or self._references[path][0] != stamp:
            self._references[path] = stamp, self._names_in(path)
        names = self._references[path][1]
        if None in names:
            return set(chain.from_iterable([directory, *directory.rglob("*")] for directory in self._directories))
        return {directory / name for name in names if name is not None for directory in self._directories}

    def _names_in(self, path: Path) -> set[str | None]:
        try:
            return set(jinja2.meta.find_referenced_templates(self._environment.parse(read_text(path))))
        except (TemplateError, jinja2.TemplateSyntaxError):
            return set()  # nothing can be generated with it, so nothing is ever fresh


class _Loader(jinja2.BaseLoader):
    """Files of several directories; a template is stale as soon as another file would be found for its name.

    `files`: the paths of all templates that were read.
    """

    def __init__(self, directories: list[Path]) -> None:
        self._directories = directories
        self.files: set[str] = set()

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Text and path of the template, and what tells whether it is still the one. As jinja2 wants it."""
        found = self._find(template)
        if found is None:
            raise jinja2.TemplateNotFound(template)
        path, _ = found
        self.files.add(str(path))
        return read_text(path), str(path), lambda: self._find(template) == found

    def _find(self, name: str) -> tuple[Path, Stamp] | None:
        parts = split_template_path(name)
        for directory in self._directories:
            path = directory.joinpath(*parts)
            stamp = _stamp(path)
            if stamp is not None:
                return path, stamp
        return None


def file_candidates(config: Mapping[str, Any], key: str, shipped: Path, optional: bool = False) -> list[Path]:
    """Where a file that administrators may replace, and that is not looked up as a template, is looked for, in order.

    What `templates.<key>` of the merged configuration `config` names; without it, the file called as `shipped` in
    `templates.directory`, then `shipped` itself, the one of the driver's distribution. A path that is that of the file
    in `templates.directory` counts as not named, and so does null if it is `optional`.
    Raises TemplateError if a key holds anything but a path.
    """
    own = _administrators_directory(config)
    usual = [*([Path(own, shipped.name)] if own is not None else []), shipped]
    templates = config.get("templates")
    named = templates.get(key) if isinstance(templates, Mapping) and key in templates else str(usual[0])
    if named is None and optional:
        named = str(usual[0])
    if not isinstance(named, str) or not named:
        raise TemplateError(f"configuration key templates.{key}: expected the path of a file, got {named!r}")
    return usual if os.path.normpath(named) == os.path.normpath(usual[0]) else [Path(named)]


def load_template(path: str | os.PathLike[str]) -> Template:
    """The template in the file at `path`, outside any look-up: it cannot include or extend another.

    Raises TemplateError naming file and line if it cannot be read or has a syntax error.
    """
    name = os.fspath(path)
    environment = jinja2.Environment()  # noqa: S701 - no HTML is made
    try:
        code = environment.compile(read_text(name), name, name)
    except jinja2.TemplateSyntaxError as error:
        raise _explained(error, [name], name) from error
    return Template(jinja2.Template.from_code(environment, code, {}), [name])


def read_text(path: str | os.PathLike[str]) -> str:
    """The UTF-8 text of the file at `path`. Raises TemplateError naming the file, and the line that is not UTF-8."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise TemplateError(f"{os.fspath(path)}: {error.strerror}") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TemplateError(f"{os.fspath(path)} line {line}: not UTF-8") from error


def _administrators_directory(config: Mapping[str, Any]) -> str | None:
    templates = config.get("templates")
    directory = templates.get("directory", DEFAULT_DIRECTORY) if isinstance(templates, Mapping) else DEFAULT_DIRECTORY
    if directory is None or isinstance(directory, str):
        return directory
    raise TemplateError(f"configuration key templates.directory: expected the path of a directory, got {directory!r}")


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise TemplateError(f"{path}: {error.strerror}") from error
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _explained(error: Exception, files: Iterable[str], name: str) -> TemplateError:
    """`error` as one line: where in which template, and what. `name` is blamed if nothing else can be."""
    if isinstance(error, TemplateError):
        return error
    if isinstance(error, jinja2.TemplateSyntaxError):
        return TemplateError(f"{error.filename or name} line {error.lineno}: {error.message}")
    *_, place = [name, *_lines_of(error.__traceback__, set(files))]
    text = " ".join(str(error).split())
    what = f"no template {text}" if isinstance(error, jinja2.TemplateNotFound) else text or type(error).__name__
    return TemplateError(f"{place}: {what}")


def _lines_of(trace: TracebackType | None, files: set[str]) -> Iterator[str]:
    """The lines of templates that `trace` goes through; jinja2 puts them there under the templates' names."""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in files:
            yield f"{trace.tb_frame.f_code.co_filename} line {trace.tb_lineno}"
        trace = trace.tb_next
