"""What stands around a house: a balancer in front of it, and a mail server that wants a password."""

import email
import email.policy
import itertools
import select
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_connection
from socketserver import BaseRequestHandler, StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Thread


class PostOffice(ThreadingTCPServer):
    """It keeps every letter, and who showed which password."""

    daemon_threads = True

    def __init__(self, password: str) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.passwords = {password}
        self.shown: list[str] = []
        self.letters: list[tuple[str, str]] = []  # to whom, and the text

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class Desk(StreamRequestHandler):
    """One customer (RFC 5321, RFC 4954)."""

    server: PostOffice

    def handle(self) -> None:
        """Until QUIT."""
        self.say("220 here")
        is_known = False
        while line := self.rfile.readline():
            word, _, rest = line.decode().strip().partition(" ")
            match word.upper():
                case "EHLO":
                    self.wfile.write(b"250-here\r\n")
                    self.say("250 AUTH PLAIN")
                case "AUTH":
                    shown = b64decode(rest.split()[-1]).split(b"\0")[-1].decode()
                    self.server.shown.append(shown)
                    is_known = shown in self.server.passwords
                    self.say("235 come in" if is_known else "535 who are you?")
                case "QUIT":
                    return self.say("221 bye")
                case _ if not is_known:
                    self.say("530 who are you?")
                case "DATA":
                    self.say("354 go on")
                    self.take()
                case _:
                    self.say("250 ok")

    def take(self) -> None:
        """A letter, until the line with a dot."""
        lines = iter(self.rfile.readline, b".\r\n")
        letter = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.letters.append((str(letter["To"]), letter.get_content()))
        self.say("250 ok")

    def say(self, text: str) -> None:
        """A line."""
        self.wfile.write(text.encode() + b"\r\n")


class Balancer(ThreadingTCPServer):
    """One address in front of as many servers as there are; whoever is taken out ends in peace."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Passage)
        self.behind: list[int] = []  # the ports of who is asked, in turn
        self.open = Counter[int]()
        self.lock, self.turn = Lock(), itertools.count()

    @property
    def address(self) -> str:
        """Where everybody calls."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def place(self) -> Iterator[int]:
        """The port of whose turn it is, for one connection."""
        with self.lock:
            port = self.behind[next(self.turn) % len(self.behind)]
            self.open[port] += 1
        try:
            yield port
        finally:
            with self.lock:
                self.open[port] -= 1


class Passage(BaseRequestHandler):
    """Bytes to and fro, until one side has said everything."""

    server: Balancer

    def handle(self) -> None:
        """One connection."""
        with self.server.place() as port, create_connection(("127.0.0.1", port)) as behind:
            other = {self.request: behind, behind: self.request}
            while True:
                for side in select.select(list(other), [], [])[0]:
                    if not (said := side.recv(65536)):
                        return
                    other[side].sendall(said)


@contextmanager
def serving[S: ThreadingTCPServer](server: S) -> Iterator[S]:
    """A server that answers for the length of the block."""
    with server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
