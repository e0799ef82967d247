"""The conversation with the daemon: one request, one answer, verified before anybody sees a byte of it.

Protocol: docs/spec/30-daemon.md section 1, and the word `framed`, which brings a first line with
length and digest and which older daemons ignore. `_socket` and `_sha256` are the C halves of
`socket` and `hashlib`, whose other halves take longer to import than a small fetch takes.
"""

import _socket
import sys
import time
from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAGIC = b"; confgend/1 "
LONGEST_HEADER = 65536
LONGEST_NUMBER = 15
LONGEST_BEGINNING = 64
"""Bytes of an answer by which something else than a daemon is known."""
LARGE_SIZE = 1 << 19
"""Bytes from which on OpenSSL's digest and a mapping of memory are worth the time that their imports take."""
LARGEST_MAPPING = 1 << 28
"""Bytes that are taken before they came: no more, because a length is only what somebody says."""
HEXADECIMAL = frozenset("0123456789abcdef")


class ConfgenError(Exception):
    """Why there is no file, in one line."""


class Unanswered(ConfgenError):
    """The daemon is away, in trouble, or its answer is not whole: what a fall-back copy is for."""


class TimedOut(Unanswered):
    """The daemon let a time limit pass."""


class Server:
    """Where the daemon listens: on the UNIX socket `path` if that is not empty, else at `host` and `port`.

    `timeout`: seconds to wait for a connection.
    """

    def __init__(self, path: str, host: str, port: int, timeout: float) -> None:
        self.path = path
        self.host = host
        self.port = port
        self.timeout = timeout

    def __str__(self) -> str:
        return self.path or f"{self.host} port {self.port}"


class Answer:
    """A whole answer. Without `verified` it came from a daemon that says neither length nor digest."""

    def __init__(
        self, content: bytes | memoryview, state: str = "", generated: str = "", verified: bool = True
    ) -> None:
        self.content = content
        self.state = state
        self.generated = generated
        self.verified = verified


def fetch(server: Server, request: str, wait: float) -> Answer:
    """Ask and read the answer within `wait` seconds. Raises Unanswered, ConfgenError for an error 4xx."""
    connection = connect(server)
    deadline = time.monotonic() + wait
    try:
        connection.settimeout(wait)
        connection.sendall(f"{request} framed\n".encode())
        answer = receive_answer(connection, deadline)
    except TimeoutError as error:
        from xivo_confgend.client.advice import on_silence

        raise TimedOut(f"no whole answer from {server} within {wait:g} s; {on_silence(server)}") from error
    except OSError as error:
        advice = ""
        if isinstance(error, ConnectionResetError | BrokenPipeError):
            from xivo_confgend.client.advice import on_reset

            advice = f"; {on_reset()}"
        raise Unanswered(f"the connection to {server} broke: {reason(error)}{advice}") from error
    finally:
        connection.close()
    if not answer.verified:
        refuse_other_services(server, bytes(answer.content[:LONGEST_BEGINNING]))
    return answer


def refuse_other_services(server: Server, beginning: bytes) -> None:
    """Raises Unanswered if `beginning`, of an answer without first line, is that of something else than a daemon."""
    from xivo_confgend.client.advice import other_service

    if other := other_service(beginning):
        raise Unanswered(f"{server} is not xivo-confgend: {other}")


def is_alive(server: Server, limit: float) -> bool:
    """Whether `server` does anything within `limit` seconds: a daemon ends a connection on which nothing is asked."""
    try:
        connection = connect(Server(server.path, server.host, server.port, limit))
    except Unanswered as error:
        return not isinstance(error, TimedOut)
    try:
        connection.settimeout(limit)
        connection.shutdown(_socket.SHUT_WR)
        connection.recv(1)
    except TimeoutError:
        return False
    except OSError:
        # even a refusal is a sign of life
        pass
    finally:
        connection.close()
    return True


def connect(server: Server) -> _socket.socket:
    """A connection to the first address that answers. Raises Unanswered."""
    deadline = time.monotonic() + server.timeout
    failure: Exception = OSError("no address")
    try:
        for family, address in addresses(server):
            connection = _socket.socket(family, _socket.SOCK_STREAM)
            try:
                connect_until(deadline, connection, address)
                return connection
            except OSError as error:
                failure = error
                connection.close()
    except (OSError, ValueError) as error:
        failure = error
    from xivo_confgend.client.advice import on_connecting

    kind = TimedOut if isinstance(failure, TimeoutError) else Unanswered
    raise kind(f"cannot connect to {server}: {reason(failure)}; {on_connecting(server, failure)}") from failure


def addresses(server: Server) -> "list[tuple[int, Any]]":
    """Families and addresses to try. Raises OSError and ValueError."""
    if server.path:
        return [(_socket.AF_UNIX, server.path)]
    name = server.host.removeprefix("[").removesuffix("]")
    # bytes, because a text would load the codec of international names
    host = name.encode() if name.isascii() else name
    try:
        found = _socket.getaddrinfo(host, server.port, 0, _socket.SOCK_STREAM, 0, _socket.AI_NUMERICHOST)
    except OSError:
        found = resolve(host, server)
    return [(family, address) for family, _kind, _protocol, _name, address in found]


def resolve(host: bytes | str, server: Server) -> "Any":
    """Ask for the addresses of a name in a thread, because nothing else bounds the time. Raises OSError, ValueError."""
    results: list[Any] = []
    done = allocate_lock()
    done.acquire()

    def ask() -> None:
        try:
            results.append(_socket.getaddrinfo(host, server.port, 0, _socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            results.append(error)
        done.release()

    start_new_thread(ask, ())
    if not done.acquire(timeout=server.timeout):
        raise TimeoutError("its address was not found in time")
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


def connect_until(deadline: float, connection: _socket.socket, address: object) -> None:
    """Raises OSError, TimeoutError after `deadline`."""
    while True:
        connection.settimeout(left_until(deadline))
        try:
            connection.connect(address)  # type: ignore[arg-type]
            return
        except BlockingIOError:
            # the queue of a UNIX socket is full, and then connecting does not wait
            time.sleep(0.01)


def left_until(deadline: float) -> float:
    """Seconds. Raises TimeoutError when none are left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def reason(error: BaseException) -> str:
    """What an exception says, without the numbers that only programmers read."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def receive_answer(connection: _socket.socket, deadline: float) -> Answer:
    """Read one answer. Raises Unanswered if it is not whole, OSError, and what `parse_header` raises."""
    head = b""
    while True:
        if not MAGIC.startswith(head[: len(MAGIC)]):
            return Answer(head + receive_all(connection, deadline), verified=False)
        line, newline, start = head.partition(b"\n")
        if newline:
            break
        received = receive(connection, deadline) if len(head) < LONGEST_HEADER else b""
        if not received:
            if not head:
                return Answer(b"", verified=False)
            raise Unanswered("the answer was cut off in its first line")
        head += received
    length, digest, state, generated = parse_header(line)
    content, found = receive_content(connection, deadline, start[:length], length)
    if found != digest:
        raise Unanswered("the answer does not have the digest that it says")
    return Answer(content, state, generated)


def parse_header(line: bytes) -> tuple[int, str, str, str]:
    """Length, digest, state and time of generation from the first line of an answer, without its newline.

    Raises Unanswered for an error 5xx and for what is no header, ConfgenError for every other error.
    """
    text = line.decode("utf-8", "replace")
    code, _, rest = text.removeprefix(MAGIC.decode()).partition(" ")
    if len(code) == 3 and code[0] in "45" and rest.startswith('error="') and rest.endswith('"') and len(rest) > 7:
        raise (Unanswered if code[0] == "5" else ConfgenError)(printable(unescape(rest[7:-1])))
    facts = dict(word.partition("=")[::2] for word in rest.split(" "))
    length, digest = facts.get("length", ""), facts.get("sha256", "")
    understood = (
        code == "200"
        and length.isascii()
        and length.isdigit()
        and len(length) <= LONGEST_NUMBER
        and len(digest) == 64
        and HEXADECIMAL.issuperset(digest)
        and facts.get("state") in ("fresh", "stale")
    )
    if not understood:
        raise Unanswered(f"the first line of the answer cannot be understood: {printable(text[:200])}")
    return int(length), digest, facts["state"], printable(facts.get("generated", ""))


def unescape(text: str) -> str:
    r"""`text` with `\"` and `\\` as the characters that they stand for."""
    return "\\".join(part.replace('\\"', '"') for part in text.split("\\\\"))


def printable(text: str) -> str:
    """`text` with a question mark for each character that a terminal should not be given."""
    return "".join(character if character.isprintable() else "?" for character in text)


def receive(connection: _socket.socket, deadline: float) -> bytes:
    """Something, or nothing at the end. Raises OSError."""
    connection.settimeout(left_until(deadline))
    return connection.recv(1 << 16)


def receive_all(connection: _socket.socket, deadline: float) -> bytes:
    """Everything until the end. Raises OSError."""
    return b"".join(iter(lambda: receive(connection, deadline), b""))


def receive_content(connection: _socket.socket, deadline: float, start: bytes, length: int) -> tuple[memoryview, str]:
    """`length` bytes, of which `start` came already, and their digest. Raises Unanswered if they are fewer, OSError."""
    try:
        content = new_buffer(length)
    except MemoryError as error:
        raise Unanswered(f"there is no memory for an answer of {length} bytes") from error
    position = len(start)
    content[:position] = start
    digest = new_digest(length)
    digest.update(start)
    while position < length:
        connection.settimeout(left_until(deadline))
        count = connection.recv_into(content[position:])
        if not count:
            raise Unanswered(f"the answer was cut off after {position} of {length} bytes")
        digest.update(content[position : position + count])
        position += count
    return content, digest.hexdigest()


def new_buffer(length: int) -> memoryview:
    """Memory for `length` bytes: of a large file in one go, not page by page. Raises MemoryError."""
    if LARGE_SIZE <= length <= LARGEST_MAPPING:
        try:
            import mmap

            return memoryview(mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE))
        except (ImportError, OSError):
            pass
    return memoryview(bytearray(length))


def new_digest(length: int) -> "Any":
    """SHA-256, from where it costs least for `length` bytes."""
    if length < LARGE_SIZE:
        try:
            if sys.version_info < (3, 12):
                from _sha256 import sha256  # type: ignore[import-not-found]
            else:
                from _sha2 import sha256
            return sha256()
        except ImportError:
            pass
    from hashlib import sha256

    return sha256()
