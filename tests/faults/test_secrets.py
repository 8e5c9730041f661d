"""Proves that no secret passes any door: terminal, log, ledger, MLflow. One function hides them; all doors call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scriptorium import track
from scriptorium.errors import UserError
from scriptorium.fetching.spec import FetchSpec
from scriptorium.masked import masked
from scriptorium.stage import execute
from scriptorium.stages import fetch
from scriptorium.tracking.store import locate
from tests.faults.test_bad_config import edit, load, root  # noqa: F401

SECRET = "hunter2-s3cr3t"
ADDRESSES = [
    f"https://me:{SECRET}@host/x.tsv",
    f"https://{SECRET}@host/x.tsv",
    f"http://host/x.tsv?token={SECRET}",
    f"http://host/x.tsv?a=1&access_token={SECRET}&b=2",
    f"http://host/x?X-Amz-Signature={SECRET}",
    f"http://host/x?api_key={SECRET}#part",
    f"sqlite+pg://u:{SECRET}@host:5432/db",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_secret_of_an_address_is_hidden_and_the_rest_is_kept(address):
    said = masked(f"cannot reach {address}, sorry")
    assert SECRET not in said and "host" in said and said.endswith(", sorry")
    assert masked(said) == said
    assert SECRET not in masked(json.dumps({"uri": address})) and json.loads(masked(json.dumps({"uri": address})))


@pytest.mark.parametrize("text", ["me@host.org", "see http://host/a@b", "https://host/x?page=2", "key=value", "a;b"])
def test_what_is_no_secret_stays(text):
    assert masked(text) == text


@pytest.mark.parametrize("address", ADDRESSES)
def test_catalogue_refuses_an_address_with_a_secret_and_does_not_say_it(root, address):  # noqa: F811
    with (root / "config/datasets.tsv").open("a", encoding="utf-8") as table:
        table.write(f"mine\t-\turl\t{address}\t\t{'0' * 64}\t\t-\t-\t\n")
    with pytest.raises(UserError, match=r"data set 'mine': location holds a user name, password or token") as caught:
        load(root)
    assert SECRET not in str(caught.value) and "netrc" in str(caught.value)


@pytest.mark.parametrize("address", ADDRESSES[:-1])
def test_tracking_uri_refuses_a_secret_and_does_not_say_it(root, address):  # noqa: F811
    with pytest.raises(UserError, match=r"tracking.uri must not hold") as caught:
        load(root, tracking__uri=address)
    assert SECRET not in str(caught.value)


def test_address_in_the_environment_keeps_no_parameters(tmp_path):
    with pytest.raises(UserError, match="MLFLOW_TRACKING_TOKEN") as caught:
        locate(f"http://host:5000?token={SECRET}", tmp_path)
    assert SECRET not in str(caught.value)


def test_nothing_that_a_job_writes_holds_a_secret(tmp_path, capfd):
    """Its notes, its failure and what a library says of an address."""

    def run(job):
        job.ledger.note(f"read {ADDRESSES[0]}")
        job.ledger.update(origin=ADDRESSES[2])
        raise RuntimeError(f"no answer from {ADDRESSES[1]}")

    run.__module__ = fetch.__name__
    spec = FetchSpec(name="x", source="file", location="x")
    with pytest.raises(RuntimeError):
        execute("fetch", spec, run, out=tmp_path / "out", inputs={}, state=tmp_path / "state")
    script = (
        "import logging, sys; from scriptorium import stage; from scriptorium.stages import fetch\n"
        "def run(job):\n"
        f"    logging.info('got {ADDRESSES[0]}'); raise RuntimeError('{ADDRESSES[3]}')\n"
        "run.__module__ = 'scriptorium.stages.fetch'; stage.main(fetch.FetchSpec, run)\n"
    )
    (tmp_path / "fetch.py").write_text(script)
    spec = '{"name": "x", "source": "file", "location": "x"}'
    words = [sys.executable, str(tmp_path / "fetch.py"), "--spec", spec, "--out", "made", "--state", "state"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "RuntimeError" in done.stderr and "got https://***@host" in done.stderr
    (tmp_path / "fetch.py").unlink()
    (tmp_path / "log").write_text(done.stdout + done.stderr + "".join(capfd.readouterr()))
    written = [path for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert len(written) > 4
    for path in written:
        assert SECRET.encode() not in path.read_bytes(), path


def test_import_from_an_address_with_a_secret_never_prints_it(root, monkeypatch, capfd):  # noqa: F811
    monkeypatch.chdir(root)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    for address in (ADDRESSES[2].replace("host", "127.0.0.1:9"), f"http://me:{SECRET}@127.0.0.1:9"):
        assert track.main(["import", "--uri", address]) == 2
    assert SECRET not in "".join(capfd.readouterr())
