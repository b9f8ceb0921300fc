"""Reads 6 connections to their end and keeps them; 2 it does not look at. Ends with its input."""
import socket
import sys

server = socket.create_server(("127.0.0.1", 0))
kept = []
for number in range(8):
    client = socket.create_connection(server.getsockname())
    connection, _ = server.accept()
    client.close()
    if number < 6:
        assert connection.recv(10) == b""
    kept.append(connection)
print("ready", flush=True)
sys.stdin.read()
