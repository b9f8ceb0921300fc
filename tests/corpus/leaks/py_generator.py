"""A generator that owns the socket is left half way: its finally never runs."""
import socket

import corpus

KEPT = []


def lines(listener):
    connection, _ = listener.accept()  # LEAK-OPEN
    try:
        rest = b""
        while True:
            data = connection.recv(64)  # LEAK-SEEN
            if not data:
                yield "end"
            rest += data
            while b"\n" in rest:
                line, rest = rest.split(b"\n", 1)
                yield line.decode()
    finally:
        connection.close()


def first_word(each, word):
    for line in each:
        if line == word:
            return line
    return None


def main():
    with corpus.listen(socket.AF_INET6) as listener:
        for i in range(8):
            corpus.visit(listener, b"a\nb\n")
            each = lines(listener)
            first_word(each, "end")
            if i % 2 == 0:
                KEPT.append(each)
            else:
                each.close()
        corpus.outlive_grace()
    corpus.done()


main()
