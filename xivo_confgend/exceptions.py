"""What can go wrong, as the rooms of the daemon tell each other.

Not for drivers: a driver may raise anything, the worker turns it into a `GenerationError`.
"""

LONGEST_LINE = 500


def one_line(text: str) -> str:
    """`text` as one printable line of at most `LONGEST_LINE` characters, for a log or a client.

    What comes from a driver or a client may hold line breaks and control characters (defect D18 of
    docs/spec/30-daemon.md), and be as long as a file.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 2 * LONGEST_LINE]).split())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"


def reason_of(error: BaseException | None) -> str:
    """Kind and text of an error that is not ours, as one line."""
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be had)"
    return one_line(f"{type(error).__name__}: {text}").removesuffix(":")


class ConfgendError(Exception):
    """Base of all errors of the daemon; its text is one line that an operator can act on."""


class ConfigurationError(ConfgendError):
    """The configuration cannot be used; the text names file, line or key and what was expected."""


class DriverError(ConfgendError):
    """A driver cannot be had for a file: not installed, ambiguous, not loadable, switched off."""


class NoSuchFile(DriverError):
    """No driver is installed, selected or allowed for the file."""


class GenerationError(ConfgendError):
    """A driver did not deliver: it raised, returned `None`, timed out or died."""


class DatabaseAway(GenerationError):
    """The driver did not deliver because the database could not be reached or broke off."""


class RequestError(ConfgendError):
    """A request that the wire protocol refuses."""


class StoreError(ConfgendError):
    """The store cannot be read or written."""


class TemplateError(ConfgendError):
    """A template of the administrator cannot be used; the text names file and line."""
