"""What to try when the daemon cannot be asked: loaded only then."""

import errno
import os

from xivo_confgend.client.wire import Server

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
FILES_PORT = 8669
API_PORT = 8670
OTHER_SERVICES = {
    b"HTTP/": f"that is an HTTP server; files are asked for at port {FILES_PORT} unless listen_port says otherwise",
    b"SSH-": "that is an SSH server",
    b"Asterisk Call Manager/": "that is the manager interface of Asterisk",
    b"\x15\x03": "that is a server that wants TLS",
    b"220 ": "that is a mail or FTP server",
}
"""How other services answer a request: none of this begins a configuration file."""


def on_connecting(server: Server, error: Exception) -> str:
    """What to try when `error` is why there is no connection to `server`."""
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM):
        return f"may the account with the user id {os.geteuid()} use it?"
    if isinstance(error, TimeoutError) or number in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "is the machine up, and does a firewall let this through?"
    if server.path:
        return "is xivo-confgend running (systemctl status xivo-confgend), and does it listen on this socket?"
    if number != errno.ECONNREFUSED:
        return "is the host right (--host, or server in the configuration of this command)?"
    here = server.host.strip("[]") in LOCAL_HOSTS
    running = "systemctl status xivo-confgend" if here else f"systemctl status xivo-confgend on {server.host}"
    return f"is xivo-confgend running ({running}), and is the port right (--port)?"


def on_silence(server: Server) -> str:
    """What to try when a connection is made and no answer comes."""
    if server.path:
        return "does the log of the daemon say why?"
    return f"does the log of the daemon say why, and is this its port ({FILES_PORT} unless listen_port says otherwise)?"


def on_reset() -> str:
    """What to try when the daemon closes the connection without a word."""
    account = os.geteuid()
    return f"is the account with the user id {account} in its allowed_users? Its log says whom it refused"


def other_service(content: bytes) -> str:
    """What answered instead of a daemon, if `content` shows it; else empty."""
    return next((told for beginning, told in OTHER_SERVICES.items() if content.startswith(beginning)), "")


def on_api(error: BaseException) -> str:
    """What to try when `error` is why the HTTP API gives no answer that can be understood."""
    from http.client import HTTPException
    from ssl import SSLCertVerificationError, SSLError

    if isinstance(error, SSLCertVerificationError):
        return "let SSL_CERT_FILE name the certificate of the authority that signed its certificate"
    if isinstance(error, SSLError):
        return "does it speak HTTPS? Otherwise write http:// in --api or XIVO_CONFGEND_API"
    if isinstance(error, HTTPException | ConnectionResetError | ValueError):
        return f"is it the HTTP API (port {API_PORT} unless rest_api.port says otherwise), and not https://?"
    if isinstance(error, ConnectionRefusedError):
        return (
            "is xivo-confgend running (systemctl status xivo-confgend), and is its rest_api there?"
            " --api or XIVO_CONFGEND_API names another address"
        )
    return "is the address right? --api or XIVO_CONFGEND_API names another one"


def on_refusal(has_token: bool) -> str:
    """What to try when the HTTP API wants to know who asks, or refuses a permission."""
    what = "check the token in XIVO_CONFGEND_TOKEN" if has_token else "set XIVO_CONFGEND_TOKEN to a token"
    return f'{what} ("Who may" in docs/http-api.md explains tokens and permissions)'
