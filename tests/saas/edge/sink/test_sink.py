"""A collector that is away loses nothing, stops nothing, and is given what it missed, in order."""

import logging
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from django.core.exceptions import ImproperlyConfigured

from saas.edge.sink import handler as sink
from saas.edge.sink.handler import Address, SinkHandler, parsed
from saas.edge.sink.spool import SEGMENT, Spool
from tests.practices import ROOT

pytestmark = [pytest.mark.practice("LOG-03")]

LINE = re.compile(rb"<(\d+)>1 \S+Z \S+ strongroom (\S+) (\S+) \[meta sequenceId=\"(\d+)\"\] (.*)\n")
LINES = 1500
FORKING = """
import logging, multiprocessing, pathlib, sys
from saas.edge.sink.handler import Address, SinkHandler
from saas.edge.sink.spool import Spool
handler = SinkHandler(Address("127.0.0.1", int(sys.argv[1]), False), Spool(pathlib.Path(sys.argv[2]), 2 ** 24))
log = logging.getLogger("saas.access")
log.addHandler(handler)
log.warning("the parent's")
handler.close()  # as granian does, which sets the logs up anew
child = multiprocessing.get_context("fork").Process(target=log.warning, args=["the child's"])
child.start()
child.join()
"""
TALKER = """
import logging, pathlib, sys, time
from saas.edge.sink.handler import Address, SinkHandler
from saas.edge.sink.spool import Spool
port, folder, count, pause = int(sys.argv[1]), pathlib.Path(sys.argv[2]), *sys.argv[3:]
handler = SinkHandler(Address("127.0.0.1", port, False), Spool(folder, 2 ** 24))
log = logging.getLogger("saas.access")
log.addHandler(handler)
log.setLevel("INFO")
longest = 0.0
for number in range(int(count)):
    begun = time.perf_counter()
    log.info('{"n": %d, "pad": "%s"}', number, "x" * 500)
    longest = max(longest, time.perf_counter() - begun)
    time.sleep(float(pause))
print(longest)
"""


class Collector:
    """A real listener, which can be killed with what it has not read, and come back."""

    def __init__(self):
        self.got = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.begin()

    def begin(self):
        self.open = [self.server]
        threading.Thread(target=self.accept, args=(self.server,), daemon=True).start()

    def accept(self, server):
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                self.open.append(connection)
                threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, connection):
        rest = b""
        with suppress(OSError):
            while data := connection.recv(65536):
                *whole, rest = [*(rest + data).splitlines(keepends=True), b""]
                if whole and not whole[-1].endswith(b"\n"):
                    rest = whole.pop()
                self.got += whole
                time.sleep(0.005)  # so that something is unread when it is killed

    def kill(self):
        for one in self.open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def revive(self):
        self.server = socket.create_server(("127.0.0.1", self.port))
        self.begin()

    def numbers(self):
        """By process, the numbers in the order of their first coming."""
        found = {}
        for line in list(self.got):
            _, process, _, number, _ = LINE.fullmatch(line).groups()
            found.setdefault(process, {}).setdefault(int(number), None)
        return {process: list(numbers) for process, numbers in found.items()}


@pytest.fixture
def collector():
    """One that listens."""
    one = Collector()
    yield one
    one.kill()


def talking(collector, folder, count=LINES, pause=0.002):
    """A process that logs."""
    command = [sys.executable, "-c", TALKER, collector.port, folder, count, pause]
    return subprocess.Popen([str(part) for part in command], cwd=ROOT, stdout=subprocess.PIPE)


def wait_until(true, seconds=60):
    """Look again and again."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


def logger_to(collector, folder, most=2**24):
    """A logger of this process, and its handler."""
    handler = SinkHandler(Address("127.0.0.1", collector.port, False), Spool(folder, most))
    log = logging.Logger("saas.access")
    log.addHandler(handler)
    return log, handler


def test_a_collector_that_is_killed_and_comes_back_misses_no_line(collector, tmp_path):
    talkers = [talking(collector, tmp_path) for _ in range(2)]
    for fall in range(1, 3):
        wait_until(lambda fall=fall: len(collector.got) > LINES * fall // 3)
        collector.kill()
        wait_until(lambda: [*tmp_path.glob("*/*.lines")])  # somebody has noticed
        collector.revive()
    longest = [float(talker.communicate(timeout=120)[0]) for talker in talkers]
    expected = list(range(1, LINES + 1))
    wait_until(lambda: list(collector.numbers().values()) == [expected, expected])
    assert max(longest) < sink.TIMEOUT  # nobody waited for one
    assert not [*tmp_path.glob("*/*.lines")]


def test_what_a_process_leaves_on_disk_is_sent_by_the_next_one(collector, tmp_path):
    collector.kill()
    first = talking(collector, tmp_path, 200, 0)
    first.communicate(timeout=120)
    assert (
        len(b"".join(path.read_bytes() for path in tmp_path.glob("*/*.lines")).splitlines()) == 200
    )
    collector.revive()
    second = talking(collector, tmp_path, 1, 0)
    second.communicate(timeout=120)
    wait_until(lambda: sorted(map(len, collector.numbers().values())) == [1, 200])
    assert all(numbers == sorted(numbers) for numbers in collector.numbers().values())


def test_what_was_doubtful_when_a_process_ended_comes_first(collector, tmp_path):
    first = talking(collector, tmp_path, 400, 0.002)
    wait_until(lambda: len(collector.got) > 100)
    collector.kill()
    first.communicate(timeout=120)
    collector.revive()
    talking(collector, tmp_path, 1, 0).communicate(timeout=120)
    wait_until(lambda: sorted(map(len, collector.numbers().values())) == [1, 400])
    assert all(numbers == sorted(numbers) for numbers in collector.numbers().values())


def test_a_fork_begins_anew_and_ends_with_its_last_line(collector, tmp_path):
    command = [sys.executable, "-c", FORKING, str(collector.port), str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    wait_until(lambda: len(collector.got) == 2)
    assert [line.partition(b"] ")[2] for line in collector.got] == [
        b"the parent's\n",
        b"the child's\n",
    ]


def test_the_spool_of_a_living_process_is_nobody_elses(tmp_path):
    mine, theirs = Spool(tmp_path, 2**20), Spool(tmp_path, 2**20)
    mine.put([b"a\n"])
    theirs.claim()
    assert theirs.first() == []
    assert mine.first() == [b"a\n"]


def test_a_full_spool_drops_the_oldest_and_says_how_many(collector, tmp_path):
    collector.kill()
    log, handler = logger_to(collector, tmp_path, most=SEGMENT)
    for number in range(4000):
        log.info('{"n": %d, "pad": "%s"}', number, "x" * 1000)
    wait_until(lambda: not handler.waiting)
    size = sum(path.stat().st_size for path in tmp_path.glob("*/*.lines"))
    assert size <= 2 * SEGMENT
    collector.revive()
    wait_until(lambda: collector.got and b"log.dropped" in collector.got[-1])
    (count,) = re.findall(rb'"count": (\d+)', collector.got[-1])
    (numbers,) = collector.numbers().values()
    assert int(count) == 4001 - len(numbers) > 0
    assert numbers == list(range(4002 - len(numbers), 4002))
    handler.close()


def test_without_a_disk_nothing_stops(collector, tmp_path, monkeypatch):
    monkeypatch.setattr(sink, "QUEUE", 100)
    nowhere = tmp_path / "a file"
    nowhere.write_text("")
    collector.kill()
    log, handler = logger_to(collector, nowhere)
    ship, held = handler.ship, threading.Event()
    monkeypatch.setattr(handler, "ship", lambda: held.wait(60) and ship())
    for number in range(300):
        log.info('{"n": %d}', number)
    assert len(handler.waiting) == 100  # whatever the network makes the thread wait for
    held.set()
    wait_until(lambda: handler.tries)
    collector.revive()
    wait_until(lambda: collector.got and b"log.dropped" in collector.got[-1])
    (numbers,) = collector.numbers().values()
    assert numbers == list(range(201, 302))
    assert b'"count": 200' in collector.got[-1]
    handler.close()


def test_a_disk_that_fills_up_leaves_no_half_line(tmp_path):
    spool = Spool(tmp_path, 2**20)
    spool.put([b"whole\n"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
        with pytest.raises(OSError, match="large"):
            spool.put([b"x" * 100 + b"\n"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert spool.first() == [b"whole\n"]


def test_a_sink_is_named_by_scheme_host_and_port():
    assert parsed("tcp://logs.example:601") == ("logs.example", 601, False)
    assert parsed("tls://logs.example:6514").is_tls
    for text in (
        "logs.example:601",
        "udp://a:1",
        "tcp://a",
        "tcp://:1",
        "tcp://a:x",
        "tcp://a:1/x",
    ):
        with pytest.raises(ImproperlyConfigured):
            parsed(text)
