"""The MLflow mirror of the ledgers: `python -m scriptorium.track {import,follow,audit,ui}`.

import  replays every ledger below results/ into MLflow; a second import changes nothing
follow  sends one run's ledger to an http(s) server while it grows (started by the job itself)
audit   compares what the configuration expects, ledgers, files and MLflow; exit code 1 if anything is wrong
ui      serves MLflow's pages on this machine, and gives the address of each study's runs

Exit codes: 0 well · 1 audit found something · 2 wrong input, or MLflow does not answer (one readable paragraph)
· 3 the import left runs out, and says which and why.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.manifest import write_json
from scriptorium.runs import Runs
from scriptorium.tracking.complaints import of_the_store
from scriptorium.tracking.store import locate


def load_runs(sources: Sequence[str], root: Path) -> Runs:
    """The runs of a configuration: files (or JSON texts) merged from left to right, as Snakemake merges them."""
    return Runs(loading.load(loading.merged(sources), root, where="--config" if len(sources) > 1 else sources[0]))


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
            if counts["earlier_versions"]:
                print(
                    f"{counts['earlier_versions']} of them were written by an earlier version, and are read as they are"
                )
            for path, reason in counts["left_out"].items():
                print(f"left out: {path}: {reason}", file=sys.stderr)
            return 3 if counts["left_out"] else 0
        elif arguments.what == "follow":
            from scriptorium.tracking.follow import follow

            return follow(arguments.run_dir, arguments.parent, results, runs, store)
        elif arguments.what == "audit":
            from scriptorium.tracking.audit import audit

            return audit(results, runs, store, content=not arguments.quick)
        else:
            from scriptorium.tracking.web import open_ui

            return open_ui(results, store, arguments.port)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, wherever it is noticed
        if known := of_the_store(error, results):
            print(f"error: {known}", file=sys.stderr)
            return 2
        raise


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
