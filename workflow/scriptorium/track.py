"""The MLflow mirror of the ledgers: `python -m scriptorium.track {import,follow,audit,ui}`.

import  replays every ledger below results/ into MLflow; a second import changes nothing
follow  sends one run's ledger to an http(s) server while it grows (started by the job itself)
audit   compares what the configuration expects, ledgers, files and MLflow; exit code 1 if anything is wrong
ui      opens MLflow's user interface on this machine

Exit codes: 0 well · 1 audit found something · 2 wrong input, or MLflow does not answer (one readable paragraph).
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.manifest import write_json
from scriptorium.runs import Runs
from scriptorium.spec import overlay
from scriptorium.tracking.store import Store, locate, one_writer


def load_runs(sources: Sequence[str], root: Path) -> Runs:
    """The runs of a configuration: files (or JSON texts) merged from left to right, as Snakemake merges them."""
    merged: dict[str, Any] = {}
    for source in sources:
        is_text = source.lstrip().startswith("{")
        where = "--config" if is_text else source
        try:
            values = yaml.safe_load(source if is_text else Path(source).read_text(encoding="utf-8")) or {}
        except FileNotFoundError:
            raise UserError("file not found", where=where, remedy="call this in the project's folder") from None
        except yaml.YAMLError as error:
            raise UserError(f"not YAML: {error}", where=where) from None
        merged = overlay(merged, values)
    return Runs(loading.load(merged, root, where="--config" if len(sources) > 1 else where))


def open_ui(results: Path, store: Store, port: int) -> None:
    """Become a small MLflow server on the loopback interface; of a remote store, only say where it is."""
    if store.database is None:
        print(f"MLflow UI: {store.uri}")
        return
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
    if not store.database.exists():
        raise UserError("nothing was imported yet", where=store.database, remedy="run: snakemake track")
    from scriptorium.tracking.mirror import Mirror

    with one_writer(results):
        Mirror.open(store, results)  # a moved folder is told here, not by broken pages in the browser
    print(f"MLflow UI: http://127.0.0.1:{port}/#/experiments?workflowType=machine_learning")
    print("           ready in about ten seconds; Ctrl-C ends it", flush=True)
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # saves 1.9 GB
    server = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--backend-store-uri",
        store.uri,
        "--default-artifact-root",
        store.artifacts.as_uri(),
    ]
    os.execv(sys.executable, server)


def main(words: Sequence[str] | None = None) -> int:
    arguments = parse(words)
    results: Path = arguments.results
    try:
        runs = load_runs(arguments.config, root=Path())
        uri = arguments.uri or os.environ.get("SCRIPTORIUM_TRACKING_URI") or runs.config.tracking.uri
        store = locate(uri, results)
        if arguments.what == "import":
            from scriptorium.tracking.replay import import_all

            counts = import_all(results, runs, store)
            if arguments.summary:
                write_json(arguments.summary, counts)
            states = ", ".join(f"{n} {status}" for status, n in sorted(counts["status"].items()))
            print(f"{counts['runs']} ledgers are in MLflow ({states or 'none yet'}): {store.uri}")
            for path in counts["unreadable"]:
                print(f"left out: {path}/run.json cannot be read", file=sys.stderr)
        elif arguments.what == "follow":
            from scriptorium.tracking.follow import follow

            return follow(arguments.run_dir, arguments.parent, results, runs, store)
        elif arguments.what == "audit":
            from scriptorium.tracking.audit import audit

            return audit(results, runs, store, content=not arguments.quick)
        else:
            open_ui(results, store, arguments.port)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scriptorium.track", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="what", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config",
        nargs="+",
        default=[os.environ.get("SCRIPTORIUM_CONFIG") or "config/config.yaml"],
        metavar="FILE",
        help="configuration files or JSON texts, merged from left to right",
    )
    common.add_argument("--results", type=Path, default=Path("results"))
    common.add_argument(
        "--uri", help="MLflow's address; else SCRIPTORIUM_TRACKING_URI, tracking.uri, sqlite in results"
    )
    importing = commands.add_parser("import", parents=[common], help="replay all ledgers into MLflow")
    importing.add_argument("--summary", type=Path, metavar="FILE", help="write counts as JSON")
    following = commands.add_parser("follow", parents=[common], help="mirror one run while it goes on")
    following.add_argument("run_dir", type=Path)
    following.add_argument("--parent", type=int, required=True, help="process id of the job")
    auditing = commands.add_parser("audit", parents=[common], help="compare configuration, ledgers, files and MLflow")
    auditing.add_argument("--quick", action="store_true", help="compare sizes of files, not their sha256")
    showing = commands.add_parser("ui", parents=[common], help="open MLflow's user interface")
    showing.add_argument("--port", type=int, default=5000)
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
