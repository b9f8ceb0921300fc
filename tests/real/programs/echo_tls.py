"""TLS on both sides, with the certificate and key given: 15 connections, closed with and without unwrap()."""

import contextlib
import socket
import ssl
import sys
import threading


def serve(listener, context, count):
    for _ in range(count):
        raw, _ = listener.accept()
        with context.wrap_socket(raw, server_side=True) as connection:
            while data := connection.recv(4096):
                connection.sendall(data[::-1])
            with contextlib.suppress(OSError):  # the client waits for it, or has gone without
                connection.unwrap()


def ask(address, context, i):
    with socket.create_connection(address) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as client:
            client.sendall(b"question %d" % i)
            answer = client.recv(4096)
            if i % 2:
                client.unwrap().close()
            return answer


def main():
    certificate, key = sys.argv[1:3]
    count = 15
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate, key)
    client_context = ssl.create_default_context(cafile=certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener, server_context, count))
        server.start()
        answers = [ask(listener.getsockname(), client_context, i) for i in range(count)]
        server.join()
    print("done", sum(answer == (b"question %d" % i)[::-1] for i, answer in enumerate(answers)))


main()
