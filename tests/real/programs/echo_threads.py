"""Blocking sockets: a thread per connection on one side, 25 clients one after the other on the other."""

import hashlib
import socket
import threading


def serve(connection):
    with connection:
        while data := connection.recv(4096):
            connection.sendall(data)


def accept_all(listener, count):
    threads = []
    for _ in range(count):
        connection, _ = listener.accept()
        thread = threading.Thread(target=serve, args=(connection,))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def ask(address, question):
    with socket.create_connection(address) as client:
        client.sendall(question)
        client.shutdown(socket.SHUT_WR)
        return client.makefile("rb").read()


def main():
    count = 25
    answers = hashlib.sha256()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=accept_all, args=(listener, count))
        server.start()
        for i in range(count):
            answers.update(ask(listener.getsockname(), b"question %d " % i * 1000))
        server.join()
    print("done", answers.hexdigest())


main()
