"""A wire to a server that a test can cut and mend."""

import socket
import threading
from contextlib import suppress


class Wire:
    """A port of this machine that leads to another one."""

    def __init__(self, host, port):
        self.target = (host, int(port))
        self.whole = True
        self.ends = []

    def __enter__(self):
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        self.thread.join()
        self.cut()

    def cut(self):
        """Nothing comes through any more."""
        self.whole = False
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.ends.clear()

    def mend(self):
        """New connections come through."""
        self.whole = True

    def serve(self):
        """Take callers until the door is shut."""
        while True:
            try:
                caller, _ = self.door.accept()
            except OSError:
                return
            if not self.whole:
                caller.close()
                continue
            target = socket.create_connection(self.target)
            self.ends += [caller, target]
            for source, sink in ((caller, target), (target, caller)):
                threading.Thread(target=pump, args=(source, sink), daemon=True).start()


def pump(source, sink):
    """Whatever comes in goes out."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
