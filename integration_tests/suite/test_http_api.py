"""The HTTP API as a whole, asked over real sockets: who may what, how it is answered, where it listens."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme
import yaml

from integration_tests.suite.helpers.api import FILE, TOKENS, Certificates, client, guarded, problem, token, until
from integration_tests.suite.helpers.puppets import Puppets
from xivo_confgend.testing.daemon import Daemon

HARDENED = """#!{python}
import ctypes, os, sys
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
READS = ("/1.0/files", FILE, f"{FILE}/info", f"{FILE}/versions", "/1.0/drivers", "/1.0/config", "/1.0/metrics")
PUBLIC = ("/", "/1.0/status", "/1.0/session", "/1.0/api/api.yml", "/static/index.html")


def raw(daemon: Daemon, request: bytes) -> bytes:
    """Everything that is answered to these bytes."""
    with socket.create_connection(("127.0.0.1", daemon.config["rest_api"]["port"]), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.fixture(scope="module")
def guarded_daemon(tmp_path_factory) -> Iterator[Daemon]:
    """One daemon for all tests that leave it as it is."""
    directory = tmp_path_factory.mktemp("guarded")
    with Puppets(directory / "puppets").daemon(directory / "daemon", rest_api=guarded()) as daemon:
        yield daemon


class TestProblems:
    @pytest.fixture
    def http(self, guarded_daemon):
        with client(guarded_daemon, "owner") as http:
            yield http

    @pytest.mark.parametrize(
        ("method", "path", "expected"),
        [
            ("GET", "/1.0/files?colour=red", (400, "invalid-parameter")),
            ("GET", f"{FILE}?cached=yes", (400, "invalid-parameter")),
            ("GET", f"{FILE}?cached=true&cached=true", (400, "invalid-parameter")),
            ("GET", f"{FILE}/diff?from=abc", (400, "invalid-parameter")),
            ("GET", f"{FILE}/diff?context=-1", (400, "invalid-parameter")),
            ("GET", "/1.0/files?state=odd", (400, "invalid-parameter")),
            ("GET", "/1.0/files?resource=%ff", (400, "invalid-parameter")),
            ("GET", "/1.0/audit?limit=0", (400, "invalid-parameter")),
            ("GET", "/1.0/files/test/nope.conf", (404, "no-such-file")),
            ("GET", "/1.0/files/test/.hidden", (404, "no-such-file")),
            ("GET", "/1.0/files/..%2f..%2fetc/passwd", (404, "no-such-path")),
            ("GET", f"{FILE}/versions/{'0' * 64}", (404, "no-such-version")),
            ("GET", f"{FILE}/versions/short", (404, "no-such-version")),
            ("GET", f"{FILE}/pin", (404, "not-pinned")),
            ("GET", "/nope", (404, "no-such-path")),
            ("GET", "/1.0/files/", (404, "no-such-path")),
            ("GET", "//1.0//files", (404, "no-such-path")),
            ("GET", "/static/../services.py", (404, "no-such-path")),
            ("GET", "/static/%2e%2e/services.py", (404, "no-such-path")),
            ("PATCH", "/1.0/files", (405, "method-not-allowed")),
            ("PUT", FILE, (405, "method-not-allowed")),
        ],
    )
    def test_an_error_is_a_problem_document(self, http, method, path, expected):
        assert problem(http.request(method, path)) == expected

    def test_a_wrong_parameter_is_named(self, http):
        document = http.get("/1.0/files?colour=red&state=odd").json()
        assert sorted((e["in"], e["name"]) for e in document["errors"]) == [("query", "colour"), ("query", "state")]

    def test_a_wrong_method_is_told_the_right_ones(self, http):
        assert http.put(FILE).headers["allow"] == "DELETE, GET, HEAD, POST"

    @pytest.mark.parametrize(
        ("body", "media_type", "expected"),
        [
            (b"{", "application/json", (400, "invalid-body")),
            (b"[]", "application/json", (400, "invalid-body")),
            (b'{"digest": NaN}', "application/json", (400, "invalid-body")),
            (b'{"digest": 5}', "application/json", (400, "invalid-body")),
            (b'{"digest": "' + b"0" * 64 + b'", "colour": "red"}', "application/json", (400, "invalid-body")),
            (b"\xff", "application/json", (400, "invalid-body")),
            (b"[" * 60_000, "application/json", (400, "invalid-body")),
            (b"{}", "text/plain", (415, "unsupported-media-type")),
            (b" " * 70_000, "application/json", (413, "body-too-large")),
            (b'{"digest": "' + b"0" * 64 + b'"}', "application/json", (404, "no-such-version")),
        ],
    )
    def test_a_body_is_validated(self, http, body, media_type, expected):
        assert problem(http.put(f"{FILE}/pin", content=body, headers={"Content-Type": media_type})) == expected

    def test_a_body_that_nobody_asked_for_is_an_error(self, http):
        assert problem(http.post(FILE, content=b"x")) == (400, "invalid-body")

    def test_a_path_that_is_not_utf8_is_an_error(self, http):
        assert problem(http.get("/1.0/files/%ff/x")) == (400, "invalid-request")

    def test_every_answer_has_the_security_headers(self, http):
        for path in ("/", "/1.0/files", "/nope", FILE):
            headers = http.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]

    def test_a_flood_of_a_body_is_not_kept(self, http):
        assert problem(http.put(f"{FILE}/pin", content=b"x" * 3_000_000)) == (413, "body-too-large")

    @pytest.mark.parametrize(
        "garbage", [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01", b"\0" * 1000, b"GET / HTTP/9\r\n\r\n"]
    )
    def test_garbage_costs_nothing_but_its_connection(self, guarded_daemon, http, garbage):
        raw(guarded_daemon, garbage)
        assert http.get("/1.0/session").status_code == 200
        assert "Traceback" not in guarded_daemon.log


class TestPermissions:
    @pytest.mark.parametrize("account", [None, *TOKENS])
    @pytest.mark.parametrize("path", READS)
    def test_reading_takes_the_permission_to_read(self, guarded_daemon, account, path):
        with client(guarded_daemon, account) as http:
            status = http.get(path).status_code
        assert status == (401 if account is None else 200 if "read" in TOKENS[account] else 403)

    @pytest.mark.parametrize("account", [None, *TOKENS])
    @pytest.mark.parametrize(
        ("method", "path", "body", "well"),
        [
            ("POST", FILE, None, 200),
            ("DELETE", FILE, None, 204),
            ("PUT", f"{FILE}/pin", {"digest": "0" * 64}, 404),
            ("DELETE", f"{FILE}/pin", None, 204),
            ("GET", "/1.0/audit", None, 200),
        ],
    )
    def test_operating_takes_the_permission_to_operate(self, guarded_daemon, account, method, path, body, well):
        with client(guarded_daemon, account) as http:
            status = http.request(method, path, json=body).status_code
        assert status == (401 if account is None else well if "operate" in TOKENS[account] else 403)

    @pytest.mark.parametrize("path", PUBLIC)
    def test_what_holds_no_data_is_for_everybody(self, guarded_daemon, path):
        assert client(guarded_daemon).get(path).status_code in (200, 503)

    def test_a_token_may_come_as_a_bearer(self, guarded_daemon):
        answer = client(guarded_daemon).get("/1.0/session", headers={"Authorization": f"Bearer {token('operator')}"})
        assert answer.json() == {
            "name": "operator", "method": "token", "permissions": ["operate", "read"], "token_expected": True,
        }  # fmt: skip

    def test_a_wrong_token_is_nobody(self, guarded_daemon):
        answer = client(guarded_daemon).get("/1.0/files", headers={"X-Auth-Token": "wrong-token-77"})
        assert problem(answer) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "wrong-token-77" not in guarded_daemon.log + answer.text

    def test_who_is_refused_does_not_learn_which_files_there_are(self, guarded_daemon):
        for path in (FILE, "/1.0/files/test/nope.conf"):
            assert problem(client(guarded_daemon).get(path)) == (401, "unauthorized")

    def test_no_token_is_ever_logged(self, guarded_daemon):
        with client(guarded_daemon, "owner") as http:
            http.post(FILE)
        assert "audit: token owner" in guarded_daemon.log
        assert token("owner") not in guarded_daemon.log

    def test_a_page_of_another_site_may_not_operate(self, guarded_daemon):
        with client(guarded_daemon, "owner") as http:
            assert problem(http.post(FILE, headers={"Origin": "https://evil.example"})) == (403, "forbidden")
            assert http.post(FILE, headers={"Origin": guarded_daemon.api}).status_code == 200


class TestThisMachineOnly:
    def test_without_tokens_this_machine_reads_without_secrets(self, api_daemon, puppets):
        puppets.tell("first", "say", content="password = hidden7\n")
        with client(api_daemon()) as http:
            assert http.get("/1.0/session").json()["permissions"] == ["read"]
            assert http.get(FILE).text == "password = ********\n"
            assert problem(http.post(FILE)) == (403, "forbidden")

    def test_the_unix_socket_is_this_machine(self, api_daemon, tmp_path):
        path = str(tmp_path / "api.sock")
        api_daemon(socket=path)
        with httpx.Client(transport=httpx.HTTPTransport(uds=path), base_url="http://anything") as http:
            assert http.get("/1.0/session").json()["method"] == "local"
        assert oct(Path(path).stat().st_mode & 0o777) == "0o660"

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
    def test_what_a_proxy_passes_on_is_not_from_this_machine(self, api_daemon, header):
        assert problem(client(api_daemon()).get("/1.0/files", headers={header: "192.0.2.7"})) == (403, "forbidden")

    def test_a_name_that_was_bent_to_this_machine_is_refused(self, api_daemon):
        assert problem(client(api_daemon()).get("/1.0/files", headers={"Host": "evil.example"})) == (421, "misdirected")

    def test_another_address_of_this_machine_is_not_loopback(self, api_daemon):
        address = next((a for a in _addresses() if not a.startswith("127.")), None)
        if address is None:
            pytest.skip("this machine has no other address")
        daemon = api_daemon(listen="*")
        port = daemon.config["rest_api"]["port"]
        assert problem(httpx.get(f"http://{address}:{port}/1.0/status")) == (403, "forbidden")
        assert "nobody but this machine is answered" in daemon.log


def _addresses() -> list[str]:
    return subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()


class TestTLS:
    @pytest.fixture
    def tls_daemon(self, api_daemon, certificates: Certificates):
        return api_daemon(
            **guarded(certificate=str(certificates.server), private_key=str(certificates.server_key),
                      client_ca=str(certificates.authority), certificates={"alice": ["read", "operate"]})
        )  # fmt: skip

    def connect(self, daemon: Daemon, certificates: Certificates, *own: Path) -> httpx.Client:
        context = ssl.create_default_context(cafile=str(certificates.authority))
        if own:
            context.load_cert_chain(*map(str, own))
        return httpx.Client(base_url=daemon.api, verify=context)

    def test_a_token_works_over_tls(self, tls_daemon, certificates):
        with self.connect(tls_daemon, certificates) as http:
            answer = http.get("/1.0/session", headers={"X-Auth-Token": token("reader")})
        assert answer.json()["name"] == "reader"

    def test_a_client_certificate_says_who_is_asking(self, tls_daemon, certificates):
        with self.connect(tls_daemon, certificates, certificates.alice, certificates.alice_key) as http:
            assert http.get("/1.0/session").json()["permissions"] == ["operate", "read"]
            assert http.post(FILE).status_code == 200
        assert "audit: certificate alice" in tls_daemon.log

    def test_without_certificate_and_token_nobody_is_asking(self, tls_daemon, certificates):
        with self.connect(tls_daemon, certificates) as http:
            assert problem(http.get("/1.0/files")) == (401, "unauthorized")

    def test_a_certificate_of_another_authority_is_refused(self, tls_daemon, certificates):
        with (
            self.connect(tls_daemon, certificates, certificates.stranger, certificates.stranger_key) as http,
            pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)),
        ):
            http.get("/1.0/session")

    def test_old_versions_of_tls_are_refused(self, tls_daemon):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        port = tls_daemon.config["rest_api"]["port"]
        with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises((ssl.SSLError, OSError)):
            context.wrap_socket(plain).recv(1)

    def test_tls_works_where_no_memory_may_be_written_and_executed(self, tmp_path, certificates):
        """As the systemd unit has it (MemoryDenyWriteExecute)."""
        hardened = tmp_path / "python"
        hardened.write_text(HARDENED.format(python=sys.executable))
        hardened.chmod(0o755)
        rest_api = guarded(certificate=str(certificates.server), private_key=str(certificates.server_key),
                           client_ca=str(certificates.authority), certificates={"alice": ["read"]})  # fmt: skip
        with (
            Daemon(tmp_path / "daemon", {"rest_api": rest_api}, python=hardened) as daemon,
            self.connect(daemon, certificates, certificates.alice, certificates.alice_key) as http,
        ):
            assert http.get("/1.0/session").json()["name"] == "alice"
            assert http.get("/1.0/drivers").status_code == 200

    def test_a_reload_exchanges_the_certificate(self, tls_daemon, certificates, tmp_path):
        other = trustme.CA()
        issued = other.issue_cert("localhost", "127.0.0.1")
        other.cert_pem.write_to_path(tmp_path / "ca.pem")
        issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "new.pem")
        tls_daemon.config["rest_api"] |= {
            "certificate": str(tmp_path / "new.pem"),
            "private_key": str(tmp_path / "new.pem"),
        }
        tls_daemon.reload()
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        assert httpx.get(f"{tls_daemon.api}/1.0/session", verify=context).status_code == 200


class TestConfiguration:
    @pytest.mark.parametrize(
        ("rest_api", "expected"),
        [
            ({"certificate": "{server}", "private_key": "/nowhere"}, "rest_api, private_key: /nowhere: No such file"),
            ({"certificate": "{authority}", "private_key": "{server_key}"}, "does not belong to"),
            ({"certificate": "{server_key}", "private_key": "{server_key}"}, "there is no PEM certificate in it"),
            ({"certificate": "{server}", "private_key": "{server}"}, "there is no PEM key without passphrase"),
            ({"colour": "red"}, "rest_api, colour: is not a key of the HTTP API"),
            ({"tokens": [{"name": "x", "sha256": "my-token", "permissions": ["read"]}]}, "token 1: sha256: expected"),
            ({"tokens": [{"name": "x", "sha256": "0" * 64, "permissions": ["all"]}]}, "token 1: permissions: expected"),
        ],
    )
    def test_check_says_in_one_line_what_is_wrong(self, tmp_path, certificates, rest_api, expected):
        filled = {k: v.format(**vars(certificates)) if isinstance(v, str) else v for k, v in rest_api.items()}
        (tmp_path / "conf.d").mkdir()
        (tmp_path / "config.yml").write_text(yaml.safe_dump({"rest_api": filled}))
        command = [sys.executable, "-m", "xivo_confgend.main", "-c", str(tmp_path / "config.yml"), "--check"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert expected in done.stderr and done.stderr.count("\n") == 1
        assert "my-token" not in done.stderr

    def test_a_reload_with_a_bad_certificate_changes_nothing(self, api_daemon):
        daemon = api_daemon(**guarded())
        daemon.config["rest_api"] |= {"certificate": "/nowhere", "private_key": "/nowhere"}
        daemon.reload()
        assert "was not reloaded" in daemon.log
        daemon.config["rest_api"] |= {"certificate": None, "private_key": None}
        assert client(daemon, "reader").get("/1.0/files").status_code == 200

    def test_a_reload_takes_rights_away(self, api_daemon):
        daemon = api_daemon(**guarded())
        daemon.config["rest_api"]["tokens"] = [t for t in daemon.config["rest_api"]["tokens"] if t["name"] != "reader"]
        with client(daemon, "reader") as http:
            assert http.get("/1.0/files").status_code == 200
            daemon.reload()
            assert http.get("/1.0/files").status_code == 401

    def test_a_reload_switches_the_api_off_and_on(self, api_daemon):
        daemon = api_daemon()
        daemon.config["rest_api"]["enabled"] = False
        daemon.reload()
        with pytest.raises(httpx.ConnectError):
            client(daemon).get("/1.0/session")
        daemon.config["rest_api"]["enabled"] = True
        daemon.reload()
        assert client(daemon).get("/1.0/session").status_code == 200
        assert daemon.fetch("test/first.conf").text == "first\n"

    def test_files_are_served_although_the_port_is_taken(self, api_daemon):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            daemon = api_daemon(port=port)
            assert daemon.fetch("test/first.conf").text == "first\n"
        assert f"the HTTP API is not served on 127.0.0.1:{port}: " in daemon.log

    def test_a_daemon_without_the_api_does_not_import_what_it_needs(self, tmp_path):
        shown = {"PYTHONPROFILEIMPORTTIME": "1"}
        with Daemon(tmp_path, {"rest_api": {"enabled": False}}, shown) as daemon:
            daemon.stop()
            imported = {
                line.rpartition("|")[2].strip() for line in daemon.log.splitlines() if line.startswith("import time")
            }
        assert "xivo_confgend.controller" in imported
        assert not imported & {"klein", "marshmallow", "prometheus_client", "xivo_confgend.http"}

    def test_an_unfinished_answer_does_not_keep_the_daemon_from_stopping(self, api_daemon):
        daemon = api_daemon()
        with client(daemon) as http, http.stream("GET", "/1.0/events") as answer:
            next(answer.iter_lines())
            assert daemon.stop() == 0

    def test_a_socket_left_by_a_killed_daemon_is_taken_over(self, api_daemon, tmp_path):
        path = str(tmp_path / "api.sock")
        daemon = api_daemon(socket=path)
        daemon.stop(signal.SIGKILL)
        daemon.start()
        with httpx.Client(transport=httpx.HTTPTransport(uds=path), base_url="http://anything") as http:
            assert until(lambda: http.get("/1.0/session").status_code == 200)


class TestDocument:
    def test_the_document_is_merged_from_all_plugins(self, api_daemon):
        document = yaml.safe_load(client(api_daemon()).get("/1.0/api/api.yml").text)
        assert {"/", "/1.0/files", "/1.0/status", "/1.0/events", "/1.0/audit", "/1.0/session"} <= set(document["paths"])
        assert document["openapi"].startswith("3.")

    def test_a_plugin_that_is_switched_off_is_neither_served_nor_described(self, api_daemon):
        with client(api_daemon({"enabled_plugins": {"drivers": False}})) as http:
            assert problem(http.get("/1.0/drivers")) == (404, "no-such-path")
            assert "/1.0/drivers" not in http.get("/1.0/api/api.yml").text

    def test_a_reload_switches_a_plugin(self, api_daemon):
        daemon = api_daemon()
        daemon.config["enabled_plugins"] = {"drivers": False}
        daemon.reload()
        with client(daemon) as http:
            assert http.get("/1.0/drivers").status_code == 404
            assert http.get("/1.0/files").status_code == 200
