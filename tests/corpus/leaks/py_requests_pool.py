"""requests: sessions that are kept and never used again; the server closes their idle connections."""

import socket
import threading

import requests

from corpus import done, listen, outlive_grace

SESSIONS = 4
listener = listen()
served = []


def serve():
    for _ in range(SESSIONS):
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        served.append(connection)


server = threading.Thread(target=serve)
server.start()
sessions = []
for _ in range(SESSIONS):
    session = requests.Session()
    session.trust_env = False
    assert session.get("http://127.0.0.1:%d/" % listener.getsockname()[1], timeout=20).text == "hi"  # LEAK-OPEN
    sessions.append(session)
server.join()
for connection in served:
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()
outlive_grace()
done()
