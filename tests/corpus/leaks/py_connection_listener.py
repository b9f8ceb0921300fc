"""multiprocessing.connection over a UNIX path: EOFError is caught, the connection is kept."""
import multiprocessing.connection
import os
import tempfile

import corpus

KEPT = []


def serve(listener):
    connection = listener.accept()  # LEAK-OPEN
    KEPT.append(connection)
    try:
        while True:
            connection.recv()  # LEAK-SEEN
    except EOFError:
        pass


def main():
    path = os.path.join(tempfile.mkdtemp(), "s")
    with multiprocessing.connection.Listener(path, "AF_UNIX", backlog=9) as listener:
        for i in range(8):
            with multiprocessing.connection.Client(path) as client:
                client.send(i)
            serve(listener)
            if i % 2 == 0:
                KEPT.pop().close()
        corpus.outlive_grace()
    corpus.done()


main()
