"""socketserver's forking server, a socket handed to a process, detach(), and a pair between processes."""

import multiprocessing
import os
import socket
import socketserver
import threading

from corpus import done, outlive_grace


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ForkingTCPServer):
    request_queue_size = 64


def serve(connection):
    while data := connection.recv(64):
        connection.sendall(data)
    connection.close()


with Server(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in range(5):
        with socket.create_connection(server.server_address) as client:
            client.sendall(b"line\n")
            assert client.recv(64) == b"line\n"
            client.shutdown(socket.SHUT_WR)  # the child that serves it holds a copy of it, too
    server.shutdown()
near, far = socket.socketpair()
process = multiprocessing.get_context("fork").Process(target=serve, args=(far,))
process.start()
far.close()
near.sendall(b"hello")
assert near.recv(64) == b"hello"
outlive_grace()
near.shutdown(socket.SHUT_WR)
assert near.recv(64) == b""
process.join()
os.close(near.detach())
outlive_grace()
done()
