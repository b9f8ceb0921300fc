"""contextlib: pop_all() keeps the sockets for a manager that is never closed."""
import contextlib

import corpus

KEPT = []


def greet(listener):
    with contextlib.ExitStack() as stack:
        connection, _ = listener.accept()  # LEAK-OPEN
        stack.enter_context(connection)
        reader = stack.enter_context(connection.makefile("rb"))
        while reader.readline():  # LEAK-SEEN
            pass
        if len(KEPT) < 5:
            KEPT.append(stack.pop_all())


def main():
    with corpus.listen() as listener:
        for _ in range(12):
            corpus.visit(listener)
            greet(listener)
        corpus.outlive_grace()
    corpus.done()


main()
