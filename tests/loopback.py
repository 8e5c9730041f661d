"""A loopback HTTP server with the faults that downloads meet, and small helpers for the tests of data sources."""

from __future__ import annotations

import contextlib
import hashlib
import io
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from scriptorium.fetching.spec import FetchSpec
from scriptorium.ledger import Ledger


class Server:
    """Serves `files` (path -> bytes, or (content type, bytes)); the faults are switched on by attributes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | tuple[str, bytes]] = {}
        self.ranges = True  # answer Range requests
        self.cut: list[int] = []  # for each coming answer: close the connection after so many bytes
        self.stall = threading.Event()  # while clear, an answer that is cut keeps its connection open
        self.stall.set()
        self.requests: list[tuple[str, str | None]] = []  # (path, Range header)
        self.headers: list[Mapping[str, str]] = []
        self.url = ""


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked = self.headers.get("Range")
            server.requests.append((path, asked))
            server.headers.append(dict(self.headers))
            found = server.files.get(path)
            if found is None:
                self.send_error(404)
                return
            kind, body = found if isinstance(found, tuple) else ("application/octet-stream", found)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
            if start and start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            end = start + server.cut.pop(0) if server.cut else len(body)
            self.wfile.write(body[start:end])
            if end < len(body):
                self.wfile.flush()
                server.stall.wait(30)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stall.set()
        http.shutdown()
        thread.join()
        http.server_close()


@contextlib.contextmanager
def dripping(every: float | None) -> Iterator[str]:
    """A server that answers every request with one byte each so many seconds (None: with nothing). Yields its URL."""
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if every is None:
                ended.wait()
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
            for byte in head + b" " * 100_000:
                if ended.wait(every):
                    return
                connection.send(bytes([byte]))

    def serve_all() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve_all, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zip_of(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(files: Mapping[str, str | bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Fetcher:
    """Runs `sources.fetch` in a project folder of its own."""

    def __init__(self, root: Path):
        self.root, self.out, self.state = root, root / "resources" / "thing", root / "state"
        self.ledger = Ledger.open(root / "ledger", key="0", stage="fetch")

    def __call__(self, source: str, location: str | Path, *members: str, **more: str) -> dict[str, bytes]:
        """Fetch; returns the files by their path below the target."""
        from scriptorium.fetching import sources

        spec = FetchSpec(name="thing", source=source, location=str(location), members=members, **more)
        made = sources.fetch(spec, self.out, self.state, self.ledger)
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in made}

    def left_behind(self) -> set[str]:
        """Everything below resources/ after a failure: it should be nothing."""
        return {path.relative_to(self.root).as_posix() for path in (self.root / "resources").rglob("*")}
