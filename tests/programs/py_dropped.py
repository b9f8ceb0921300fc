"""Reads 5 connections to their end, keeps them for a while, and then only forgets them."""

import socket
import time


def read_to_end(listener):
    socket.create_connection(listener.getsockname()).close()
    connection, _ = listener.accept()
    assert connection.recv(1) == b""
    return connection


with socket.create_server(("127.0.0.1", 0)) as listener:
    kept = [read_to_end(listener) for _ in range(5)]
    time.sleep(1.2)  # what is closed sooner passes for closed
    kept.clear()
print("done")
