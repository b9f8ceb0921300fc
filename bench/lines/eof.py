"""Prints how long the first TCP socket took, and each recv() that told the end of a connection, in nanoseconds."""
import socket
import sys
import time

socket.socket(type=socket.SOCK_DGRAM).close()  # loads what sockets need; no stack is taken of datagrams
start = time.perf_counter_ns()
first = socket.socket()
print(time.perf_counter_ns() - start)
listener = socket.create_server(("127.0.0.1", 0))


def handle(connection):
    began = time.perf_counter_ns()
    data = connection.recv(64)
    took = time.perf_counter_ns() - began
    assert data == b""
    connection.close()
    return took


for _ in range(int(sys.argv[1])):
    socket.create_connection(listener.getsockname()).close()
    print(handle(listener.accept()[0]))
