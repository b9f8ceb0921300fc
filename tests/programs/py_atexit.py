"""Reads 5 connections to their end and keeps them; only a function that atexit runs closes them."""

import atexit
import socket
import time


def read_to_end(listener):
    socket.create_connection(listener.getsockname()).close()
    connection, _ = listener.accept()
    assert connection.recv(1) == b""
    return connection


def close_all():
    for connection in kept:
        connection.close()


with socket.create_server(("127.0.0.1", 0)) as listener:
    kept = [read_to_end(listener) for _ in range(5)]
    atexit.register(close_all)
    time.sleep(1.2)  # what is closed sooner passes for closed
print("done")
