"""The client's configuration file, an INI file with one section: loaded only when it says anything."""

import configparser

from xivo_confgend.client.wire import ConfgenError

SECTION = "confgen"
LARGEST_NUMBER = 65535


def parse_config(path: str, text: str) -> dict[str, str | int]:
    """What `text`, the content of `path`, says of its keys, by key. Raises ConfgenError."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ConfgenError(f"{path}: {' '.join(str(error).split())}") from error
    if not parser.has_section(SECTION):
        return {}
    section = parser[SECTION]
    texts = {key: section.get(key, "") for key in ("server", "socket", "fallback_dir")}
    return {**texts, **{key: _number(path, key, section.get(key, "")) for key in ("port", "timeout")}}


def _number(path: str, key: str, value: str) -> int:
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and int(value) <= LARGEST_NUMBER):
        raise ConfgenError(f"{path}: {key} is {value!r}, not a number up to {LARGEST_NUMBER}")
    return int(value)
