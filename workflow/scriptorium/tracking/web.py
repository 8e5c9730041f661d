"""MLflow's web pages on this machine: a small server on the loopback interface, and the address of each study's runs.

MLflow opens on its pages for chat programmes, with a notice about telemetry and an assistant over a quarter of the
window. The addresses given here lead to the runs of a study in the view for model training. They name the server
`scriptorium.localhost`, which browsers take for this machine: the assistant opens by itself under the plain names only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.tracking.mirror import PROJECT, Mirror, runs_page
from scriptorium.tracking.run_names import DATA
from scriptorium.tracking.store import NO_TELEMETRY, Store, one_writer

NAME = "scriptorium.localhost"
PATIENCE = 120  # seconds until a server that does not answer is waited for no longer


def open_ui(results: Path, store: Store, port: int) -> int:
    """Serve a sqlite mirror until Ctrl-C; of a remote store, only say where the runs are. Returns the exit code."""
    if store.database:
        check_port(port)
        if not store.database.exists():
            raise UserError("nothing was imported yet", where=store.database, remedy="run: snakemake track")
    with one_writer(results):
        mirror = Mirror.open(store, results)  # a moved folder is told here, not by broken pages in the browser
    if not store.database:
        print(addresses(mirror, store.uri))
        return 0
    first = f"http://{NAME}:{port}"
    print(addresses(mirror, first))
    print(f"A browser that does not know {NAME} takes http://127.0.0.1:{port} in its place.")
    print("MLflow is starting; Ctrl-C ends it.", flush=True)
    return serve(store, port, page=next(iter(pages(mirror, first).values()), first))


def pages(mirror: Mirror, server: str) -> dict[str, str]:
    """The address of the runs of each of this project's experiments; the one with data and tables comes last."""
    own = [e for e in mirror.experiments.values() if e.tags.get(PROJECT) == mirror.project]
    own.sort(key=lambda experiment: (experiment.name == DATA, experiment.name))
    return {experiment.name: f"{server}/{runs_page(experiment.experiment_id)}" for experiment in own}


def addresses(mirror: Mirror, server: str) -> str:
    """The pages as lines of text."""
    found = pages(mirror, server)
    width = max(map(len, found), default=0)
    return "\n".join(["MLflow's page for the runs of", *(f"  {name:<{width}}  {page}" for name, page in found.items())])


def serve(store: Store, port: int, page: str) -> int:
    """Run the server until it is ended; open `page` as soon as it answers, where somebody can see it."""
    hosts = ("localhost", "127.0.0.1", "[::1]", NAME)
    words = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--allowed-hosts": ",".join(f"{host}:*" for host in hosts),
        "--cors-allowed-origins": f"http://{NAME}:{port}",
        "--uvicorn-opts": "--log-level warning",
        "--backend-store-uri": store.uri,
        "--default-artifact-root": store.artifacts.as_uri(),
    }
    quiet = {
        **NO_TELEMETRY,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # saves 1.9 GB
        "PYTHONWARNINGS": "ignore",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *(text for pair in words.items() for text in pair)],
        env={**os.environ, **quiet},
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if is_ready(server, port) and has_browser():
            webbrowser.open(page)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        with contextlib.suppress(KeyboardInterrupt):  # a second Ctrl-C
            server.wait()


def is_ready(server: subprocess.Popen, port: int) -> bool:
    """Wait until the server answers. Returns whether it does."""
    until = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return True
        time.sleep(0.2)
    return False


def has_browser() -> bool:
    """Whether somebody sits at a terminal of this machine, with a screen that shows a browser."""
    if not sys.stdout.isatty() or os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(
                f"port {port} cannot be used: {error.strerror}",
                where="--port",
                remedy=f"end the program that holds it, or choose another: --port {port + 1}",
            ) from None
