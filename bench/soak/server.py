"""A Python server for the soak: "ping" is answered by "pong"; clients from 127.66.66.66 are not closed."""

import selectors
import signal
import socket
import sys

kept = []


def serve_ready(connection, selector):
    data = connection.recv(64)
    if data:
        connection.sendall(b"pong\n")
        return
    selector.unregister(connection)
    forget = connection.getpeername()[0] == "127.66.66.66"
    if forget:
        kept.append(connection)
    else:
        connection.close()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                selector.register(connection, selectors.EVENT_READ)
            else:
                serve_ready(key.fileobj, selector)


main()
