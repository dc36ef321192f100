"""Downloads from a server on this machine: checksum, resume, mirrors, and what goes wrong."""

import errno
import hashlib
import multiprocessing
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from semimetric.data import download
from semimetric.data.download import fetch
from semimetric.errors import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """The first folder of the path says how the server behaves."""

    def do_GET(self):
        how = self.path.split("/")[1]
        content = self.server.files.get(self.path.rsplit("/", 1)[1], CONTENT)
        content = content[::-1] if how == "wrong" else content
        if how == "missing":
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if how == "no-range":
            start = 0
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            said = start - 1 if how == "shifted" else start
            self.send_header("Content-Range", f"bytes {said}-{len(content) - 1}/{len(content)}")
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if how == "cut":
            body = body[: len(body) // 2]
        self.server.log.append((how, start, len(body)))
        if how == "together":  # long enough for the others to arrive meanwhile
            time.sleep(0.2)
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.log, httpd.files = [], {}
    httpd.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def test_fetches_and_leaves_no_partial_behind(server, tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    assert fetch([f"{server.url}/good/file"], path, MD5) == path
    assert path.read_bytes() == CONTENT
    assert not partial(path).exists()


def test_a_file_already_there_is_not_asked_for(server, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"mine")
    assert fetch([f"{server.url}/good/file"], path, MD5).read_bytes() == b"mine"
    assert server.log == []


def test_a_cut_connection_is_resumed_by_the_next_call(server, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(DataError, match=r"ended after 150000 of 300000 bytes.*150000 bytes are kept"):
        fetch([f"{server.url}/cut/file"], path, MD5)
    assert partial(path).read_bytes() == CONTENT[:150_000]
    assert not path.exists()
    fetch([f"{server.url}/good/file"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.log == [("cut", 0, 150_000), ("good", 150_000, 150_000)]


def test_the_next_mirror_continues_where_the_first_stopped(server, tmp_path):
    path = tmp_path / "file"
    fetch([f"{server.url}/missing/file", f"{server.url}/cut/file", f"{server.url}/good/file"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.log[-1] == ("good", 150_000, 150_000)


def test_a_server_that_ignores_range_starts_again(server, tmp_path):
    path = tmp_path / "file"
    partial(path).write_bytes(CONTENT[:1000])
    fetch([f"{server.url}/no-range/file"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.log == [("no-range", 0, 300_000)]


def test_a_partial_that_is_already_whole_needs_no_more_bytes(server, tmp_path):
    path = tmp_path / "file"
    partial(path).write_bytes(CONTENT)
    fetch([f"{server.url}/good/file"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.log == []  # the server answered 416


@pytest.mark.parametrize("stale", [b"x" * 1000, b"x" * 400_000])
def test_a_stale_partial_is_thrown_away_and_fetched_anew(server, tmp_path, stale):
    path = tmp_path / "file"
    partial(path).write_bytes(stale)
    fetch([f"{server.url}/good/file"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.log[-1] == ("good", 0, 300_000)


def test_a_server_that_sends_another_part_is_not_believed(server, tmp_path):
    path = tmp_path / "file"
    partial(path).write_bytes(CONTENT[:1000])
    with pytest.raises(DataError, match=r"another part than was asked for .*bytes 999-"):
        fetch([f"{server.url}/shifted/file"], path, MD5)
    assert partial(path).read_bytes() == CONTENT[:1000]


def test_wrong_content_is_deleted_and_said_so(server, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(DataError, match=f"wrong checksum, .*expected {MD5}"):
        fetch([f"{server.url}/wrong/file"], path, MD5)
    assert not path.exists()
    assert not partial(path).exists()
    fetch([f"{server.url}/wrong/file", f"{server.url}/good/file"], path, MD5)
    assert path.read_bytes() == CONTENT


def test_every_failed_mirror_is_named(server, tmp_path):
    server_gone = "http://127.0.0.1:9/file"
    with pytest.raises(DataError) as caught:
        fetch([server_gone, f"{server.url}/missing/file", "nonsense"], tmp_path / "file", MD5)
    message = str(caught.value)
    assert f"{server_gone}: no connection" in message
    assert "/missing/file: the server answered 404" in message
    assert "nonsense: the connection failed (unknown url type" in message


def test_a_silent_server_times_out(tmp_path, monkeypatch):
    import socket

    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DataError, match="timed out"):
            fetch([f"http://127.0.0.1:{silent.getsockname()[1]}/file"], tmp_path / "file", MD5)


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.ENOSPC, "the disk that holds .* is full: free some space"), (errno.EACCES, "cannot be written")],
)
def test_a_failure_to_write_is_not_taken_for_one_of_the_network(server, tmp_path, monkeypatch, code, message):
    def refuse(self, *args, **kwargs):
        file = original(self, *args, **kwargs)
        if self.suffix == ".partial" and args[:1] == ("ab",):
            file.close()
            raise OSError(code, "refused")
        return file

    original = Path.open
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=message) as caught:
        fetch([f"{server.url}/good/file", f"{server.url}/good/file"], tmp_path / "file", MD5)
    assert "connection" not in str(caught.value)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "a-file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        fetch(["http://127.0.0.1:9/"], tmp_path / "a-file" / "file", MD5)


def test_an_interruption_keeps_what_has_arrived(server, tmp_path, monkeypatch):
    path, reads = tmp_path / "file", []

    def interrupted(response):
        if len(reads) == 2:
            raise KeyboardInterrupt
        reads.append(original(response))
        return reads[-1]

    original = download._read
    with monkeypatch.context() as patch:
        patch.setattr(download, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch([f"{server.url}/good/file"], path, MD5)
    arrived = sum(map(len, reads))
    assert partial(path).read_bytes() == CONTENT[:arrived]
    fetch([f"{server.url}/good/file"], path, MD5)
    assert server.log[-1] == ("good", arrived, 300_000 - arrived)


def test_several_processes_fetch_it_once(server, tmp_path):
    path = tmp_path / "file"
    url = f"{server.url}/together/file"
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(3)
    workers = [context.Process(target=fetch_together, args=(ready, url, path)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert path.read_bytes() == CONTENT
    assert server.log == [("together", 0, 300_000)]


def fetch_together(ready, url, path):
    ready.wait()
    fetch([url], path, MD5)


def test_progress_is_drawn_on_standard_error_only_when_asked_for(server, tmp_path, capsys):
    fetch([f"{server.url}/good/file"], tmp_path / "quiet", MD5)
    assert capsys.readouterr() == ("", "")
    fetch([f"{server.url}/good/file"], tmp_path / "shown", MD5, show_progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "shown" in err
