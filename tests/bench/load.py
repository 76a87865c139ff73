"""The load, in a process of its own: sockets, prepared bytes, and next to nothing in between.

`python tests/bench/load.py` reads a JSON order from its standard input and prints what it saw. Every
variant gets the same loop: one request in flight on each connection, the next as the answer is whole.
"""

import json
import random
import selectors
import socket
import sys
import time
import uuid

ROOM = bytearray(1 << 18)  # for what one read brings; a new one each time would cost more


def main() -> None:
    """Run one order: `port`, `connections`, `seconds`, `head`, `paths`, `body`, `status`."""
    order = json.load(sys.stdin)
    choose = random.Random(order["seed"])  # noqa: S311  # which row is asked for is no secret
    poll, view = selectors.DefaultSelector(), memoryview(ROOM)
    fired = {}
    for _ in range(order["connections"]):
        connection = socket.create_connection(("127.0.0.1", order["port"]))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(connection, selectors.EVENT_READ)
        fired[connection] = (0.0, b"")

    def fire(connection: socket.socket) -> None:
        path = choose.choice(order["paths"])
        body = order["body"]
        head = order["head"].replace("PATH", path).replace("KEY", uuid.uuid4().hex)
        fired[connection] = (time.perf_counter(), b"")
        connection.sendall((head + body).encode())

    begun = time.perf_counter()
    end = begun + order["seconds"]
    latencies, wrong, waiting = [], [], len(fired)
    for connection in fired:
        fire(connection)
    while waiting:
        ready = poll.select(10)
        if not ready:
            wrong.append("no answer within 10 seconds")
            break
        for key, _ in ready:
            connection = key.fileobj
            at, seen = fired[connection]
            seen += bytes(view[: connection.recv_into(ROOM)])
            if not whole(seen):
                fired[connection] = (at, seen)
                continue
            now = time.perf_counter()
            latencies.append(now - at)
            if int(seen[9:12]) != order["status"]:
                wrong.append(seen[:600].decode(errors="replace"))
            if now < end:
                fire(connection)
            else:
                waiting -= 1
    took = time.perf_counter() - begun
    latencies.sort()
    answer = {
        "requests": len(latencies),
        "seconds": took,
        "p50": latencies[len(latencies) // 2] * 1000,
        "p99": latencies[int(len(latencies) * 0.99)] * 1000,
        "load_cpu": time.process_time() / len(latencies) * 1e6,
        "wrong": wrong[:1],
        "wrong_count": len(wrong),
    }
    print(json.dumps(answer))


def whole(seen: bytes) -> bool:
    """Whether an answer has come in to its end."""
    if not seen:
        raise ConnectionError("The server closed the connection.")
    end = seen.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = seen[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return seen.endswith(b"0\r\n\r\n")
    return len(seen) >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])


if __name__ == "__main__":
    main()
