"""torchrun, which leaves in a file which of its processes failed first: `--failure=FILE` before its own words."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run


def main() -> None:
    words = sys.argv[1:]
    path = Path(words.pop(0).partition("=")[2]) if words[0].startswith("--failure=") else None
    try:
        run(parse_args(words))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if path is not None:
            # on the machine's own clock, which is good enough to tell who failed seconds before the others
            facts = {"rank": rank, "code": failure.exitcode, "host": socket.gethostname(), "time": failure.timestamp}
            path.write_text(json.dumps(facts), encoding="utf-8")
        sys.exit(1)


if __name__ == "__main__":
    main()
