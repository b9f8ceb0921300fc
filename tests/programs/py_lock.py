"""One thread sees the end of stream with a library's lock held and the interpreter's released; another holds
the interpreter's and waits for the library's. Whoever asks for the interpreter's lock in between hangs them.

Usage: py_lock.py LIBRARY
"""

import ctypes
import os
import socket
import sys
import threading
import time


def wait_for_end(library, connection, inside):
    inside.set()
    assert library.locked_recv(connection.fileno()) == 0


def close_later(client):
    """In a process of its own: nobody here can run Python while both locks are held."""
    if os.fork() == 0:
        time.sleep(0.2)
        os._exit(0)
    client.close()


def main():
    released = ctypes.CDLL(sys.argv[1])
    held = ctypes.PyDLL(sys.argv[1])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
    inside = threading.Event()
    reader = threading.Thread(target=wait_for_end, args=(released, connection, inside))
    close_later(client)
    reader.start()
    inside.wait()
    held.take_lock()
    reader.join()
    print("done")


main()
