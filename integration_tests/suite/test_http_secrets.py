"""A session that may only read sees every path of the API and none of the secrets of the demonstration company."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from itertools import islice

import psycopg2
import pytest
import yaml

from integration_tests.suite.helpers.api import client, events, guarded, until
from xivo_confgend.testing.daemon import Daemon
from xivo_confgend.testing.postgresql import PostgreSQL
from xivo_confgend_wazo.demonstration import fill

USERS = 60
DATABASE_PASSWORD = "hidden-in-the-uri-3"
SECRETS = {
    "endpoint_sip_section_option": ("value", "key ILIKE '%%password%%' OR key ILIKE '%%secret%%' OR key = 'md5_cred'"),
    "usersip": ("secret", None),
    "usersip.md5secret": ("md5secret", None),
    "useriax": ("secret", None),
    "staticiax": ("var_val", "var_name = 'register'"),
    "staticsip": ("var_val", "var_name = 'register'"),
    "voicemail": ("password", None),
}


@pytest.fixture(scope="module")
def demonstration(postgresql: PostgreSQL) -> str:
    """URL of the company's database, with a password that nobody is to see."""
    uri = postgresql.create_database("http_secrets")
    fill(uri, USERS)
    return uri


@pytest.fixture(scope="module")
def secrets(demonstration) -> set[str]:
    """Every password, registration string and mailbox code that the database holds."""
    found: set[str] = set()
    with psycopg2.connect(demonstration) as connection, connection.cursor() as cursor:
        for name, (column, condition) in SECRETS.items():
            table = name.partition(".")[0]
            cursor.execute("SELECT to_regclass(%s)", [table])
            if cursor.fetchone()[0] is None:
                continue
            cursor.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {condition or 'true'}")
            found |= {row[0] for row in cursor if row[0]}
    connection.close()
    assert len(found) > USERS
    return found


@pytest.fixture(scope="module")
def daemon(demonstration, tmp_path_factory) -> Iterator[Daemon]:
    uri = demonstration.replace("postgres@", f"postgres:{DATABASE_PASSWORD}@")
    config = {"db_uri": uri, "plugins": {"asterisk.sip.conf": None}, "debug": True, "rest_api": guarded()}
    with Daemon(tmp_path_factory.mktemp("secrets"), config) as daemon:
        yield daemon


def mailbox_code(text: str) -> re.Pattern[str]:
    """A short code is found where a mailbox has it: four digits alone are everywhere."""
    return re.compile(rf"=>\s*{re.escape(text)},")


def leaks(text: str, secrets: set[str]) -> list[str]:
    """Which of the secrets are in `text`."""
    return [
        secret for secret in secrets
        if secret in text and (len(secret) > 5 or mailbox_code(secret).search(text))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def answers(daemon) -> dict[str, str]:
    """Everything that a reader can be told, by where it was told."""
    told: dict[str, str] = {}
    with client(daemon, "owner") as owner, client(daemon, "reader") as reader:
        with reader.stream("GET", "/1.0/events") as stream:
            listening = events(stream)
            names = [item["name"] for item in reader.get("/1.0/files").json()["items"]]
            for name in names:
                owner.post(f"/1.0/files/{name}")
            # A second version of a file with secrets, so that there is something to compare.
            path = "/1.0/files/asterisk/pjsip.conf"
            first = until(lambda: owner.get(f"{path}/versions").json()["items"])[0]["digest"]
            change_passwords(daemon.config["db_uri"])
            owner.post(path)
            until(lambda: owner.get(f"{path}/versions").json()["total"] == 2)
            owner.put(f"{path}/pin", json={"digest": first})
            told["events"] = "".join(f"{event.data}" for event in islice(listening, 2 * len(names)))
        paths = ["/", "/1.0/files", "/1.0/drivers", "/1.0/config", "/1.0/status", "/1.0/metrics", "/1.0/metrics/recent",
                 "/1.0/audit", "/1.0/session", "/1.0/api/api.yml"]  # fmt: skip
        for name in names:
            base = f"/1.0/files/{name}"
            kept = [f"{base}/versions/{v['digest']}" for v in reader.get(f"{base}/versions").json()["items"]]
            paths += [
                base,
                f"{base}?cached=true",
                f"{base}/info",
                f"{base}/versions",
                f"{base}/diff",
                f"{base}/pin",
                *kept,
            ]
        for path in paths:
            for method in ("GET", "POST", "PUT", "DELETE"):
                answer = reader.request(method, path)
                told[f"{method} {path}"] = answer.text + str(dict(answer.headers))
            with reader.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
                body = b"".join(answer.iter_raw())
            told[f"gzip {path}"] = gzip.decompress(body).decode() if body[:2] == b"\x1f\x8b" else body.decode()
            told[f"range {path}"] = reader.get(path, headers={"Range": "bytes=1000-200000"}).text
    return told


def change_passwords(uri: str) -> None:
    """Give some endpoints other passwords, which are as secret."""
    with psycopg2.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE endpoint_sip_section_option SET value = reverse(value) WHERE key = 'password' AND value < 'm'"
        )
    connection.close()


def test_the_files_do_hold_the_secrets(daemon, secrets):
    """Else the other tests show nothing."""
    with client(daemon, "owner") as owner:
        names = [item["name"] for item in owner.get("/1.0/files").json()["items"]]
        text = "".join(owner.get(f"/1.0/files/{name}").text for name in names)
    assert len(leaks(text, secrets)) > USERS


def test_no_answer_to_a_reader_holds_a_secret(answers, secrets):
    changed = {secret[::-1] for secret in secrets}
    found = {where: leaks(text, secrets | changed) for where, text in answers.items()}
    assert {where: some[:3] for where, some in found.items() if some} == {}


def test_the_diff_shows_that_passwords_changed(answers):
    diff = answers["GET /1.0/files/asterisk/pjsip.conf/diff"]
    assert "-password = ********\n+password = ********\n" in diff


def test_no_log_line_holds_a_secret(daemon, answers, secrets):
    assert leaks(daemon.log, secrets) == []


def test_the_password_of_the_database_is_nowhere(daemon, answers):
    assert all(DATABASE_PASSWORD not in text for text in answers.values())
    assert DATABASE_PASSWORD not in daemon.log


def test_what_a_reader_sees_is_the_file_without_its_secrets(daemon):
    with client(daemon, "owner") as owner, client(daemon, "reader") as reader:
        for item in owner.get("/1.0/files").json()["items"]:
            whole, masked = (http.get(f"/1.0/files/{item['name']}?cached=true").text for http in (owner, reader))
            assert masked.count("\n") == whole.count("\n")
            pairs = zip(whole.split("\n"), masked.split("\n"), strict=True)
            assert all("********" in shown for line, shown in pairs if line != shown), item["name"]


def test_the_configuration_that_was_read_is_not_changed_by_masking(daemon):
    assert DATABASE_PASSWORD in yaml.safe_load(daemon.config_file.read_text())["db_uri"]
