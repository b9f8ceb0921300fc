"""A server that keeps the connection in a list after recv() == b"": 7 leaks, 5 healthy.

With "fixed" it closes them all.
"""

import socket
import sys

LEAKS, HEALTHY = 7, 5
kept = []


def read_request(connection):
    return connection.recv(64)


def handle(connection, close_it):
    while read_request(connection):
        pass
    if close_it:
        connection.close()
    else:
        kept.append(connection)


def main():
    fixed = "fixed" in sys.argv
    listener = socket.create_server(("127.0.0.1", 0))
    for i in range(LEAKS + HEALTHY):
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"hello\n")
        connection, _ = listener.accept()
        handle(connection, fixed or i >= LEAKS)
    listener.close()
    print("done")
    sys.stdout.flush()


main()
