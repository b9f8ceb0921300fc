"""ssl: the handshake fails; the exception handler keeps the plain socket."""
import socket
import ssl

import corpus

KEPT = []


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with corpus.listen() as listener:
        for _ in range(4):
            corpus.visit(listener, b"GET / HTTP/1.0\r\n\r\n")
            connection, _ = listener.accept()  # LEAK-OPEN
            wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            try:
                wrapped.do_handshake()
            except (ssl.SSLError, OSError):
                KEPT.append(wrapped)
        corpus.outlive_grace()
    corpus.done()


main()
