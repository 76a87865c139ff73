"""Who else stands in a house and asks for a secret: a mail server that wants a password."""

import email
import email.policy
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


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


@contextmanager
def open_office(password: str) -> Iterator[PostOffice]:
    """For the length of the block."""
    with PostOffice(password) as office:
        thread = Thread(target=office.serve_forever)
        thread.start()
        try:
            yield office
        finally:
            office.shutdown()
            thread.join()
