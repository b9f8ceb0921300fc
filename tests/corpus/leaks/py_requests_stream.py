"""requests with stream=True: part of the body is read, the response is neither drained nor closed."""

import threading

import requests

from corpus import done, listen, outlive_grace

RESPONSES = 4
listener = listen()


def serve():
    for _ in range(RESPONSES):
        connection, _ = listener.accept()
        connection.recv(4096)
        body = b"x" * 100000
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        connection.close()


server = threading.Thread(target=serve)
server.start()
session = requests.Session()
session.trust_env = False
responses = []
for _ in range(RESPONSES):
    response = session.get("http://127.0.0.1:%d/" % listener.getsockname()[1], stream=True, timeout=20)  # LEAK-OPEN
    assert response.raw.read(100) == b"x" * 100
    responses.append(response)
server.join()
outlive_grace()
done()
