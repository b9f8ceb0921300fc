"""What the Python programs of the corpus share: see corpus.h."""

import os
import socket
import time


def outlive_grace():
    time.sleep(3 * int(os.environ.get("CORPUS_GRACE_MS", "300")) / 1000 + 0.3)


def listen(family=socket.AF_INET):
    return socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family,
                                backlog=256)


def visit(listener, data=b"hello\n"):
    """A client that comes, says something and goes."""
    client = socket.socket(listener.family)
    client.connect(listener.getsockname())
    if data:
        client.sendall(data)
    client.close()


def done():
    print("done", flush=True)
