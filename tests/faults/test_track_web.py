"""Proves that the web pages lead to the runs of each study, without telemetry, and end when they are told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from scriptorium.runs import Run
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.replay import import_all
from scriptorium.tracking.run_names import DATA
from scriptorium.tracking.store import locate
from scriptorium.tracking.web import NAME, has_browser, is_ready, pages
from tests.fabricate import Project, build

CORPUS = Run("results/data/corpora/english", "prepare_corpus", "", "", "english")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    made = build(tmp_path_factory.mktemp("web") / "project")
    for run in (made.runs.finetuning[0], made.runs.pretraining[0], CORPUS):
        made.add(run)
    import_all(made.results, made.runs, locate(None, made.results))
    return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_every_study_has_an_address_in_the_view_for_model_training_and_data_come_last(project):
    mirror = Mirror.open(locate(None, project.results), project.results)
    found = pages(mirror, "http://host:1")
    assert list(found) == [project.runs.finetuning[0].study, project.runs.pretraining[0].study, DATA]
    for name, page in found.items():
        number = mirror.experiments[name].experiment_id
        assert page.startswith(f"http://host:1/#/experiments/{number}/runs?")
        assert page.endswith("workflowType=machine_learning")


def test_a_browser_is_opened_only_where_somebody_sits(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert has_browser()
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert not has_browser()
    monkeypatch.delenv("SSH_CONNECTION")
    monkeypatch.delenv("DISPLAY")
    assert not has_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert not has_browser()


@pytest.mark.slow
def test_the_pages_answer_under_their_address_without_telemetry_until_they_are_ended(project):
    port = free_port()
    words = [sys.executable, "-m", "scriptorium.track", "ui", "--port", str(port)]
    clean = {k: v for k, v in os.environ.items() if k not in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI")}
    shown = subprocess.Popen(words, cwd=project.root, env=clean, stdout=subprocess.PIPE, text=True)
    try:
        assert is_ready(shown, port)

        def ask(path: str, **body: object) -> dict:
            """A request as the browser sends it from the address that is printed."""
            headers = {"Host": f"{NAME}:{port}", "Origin": f"http://{NAME}:{port}", "Content-Type": "application/json"}
            data = json.dumps(body).encode() if body else None
            request = urllib.request.Request(f"http://127.0.0.1:{port}/ajax-api/{path}", data, headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)

        assert ask("3.0/mlflow/ui-telemetry")["disable_ui_telemetry"] is True
        found = ask("2.0/mlflow/experiments/search", max_results=100)["experiments"]
        names = {experiment["experiment_id"]: experiment["name"] for experiment in found}
        runs = ask("2.0/mlflow/runs/search", experiment_ids=list(names), max_results=100)["runs"]
        assert len([run for run in runs if run["info"]["status"] == "FINISHED"]) == 6
    finally:
        shown.send_signal(signal.SIGTERM)
        out = shown.communicate(timeout=60)[0]
    for number, name in names.items():
        if name != "Default":
            assert f"{name}" in out
            assert f"http://{NAME}:{port}/#/experiments/{number}/runs?" in out
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.2)
    pytest.fail("the server still answers")
