"""A retry loop keeps the sockets of refused attempts."""

import socket

from corpus import done, listen, outlive_grace

LEAKS = 6
attempts = []
listener = listen()
nobody = listener.getsockname()
listener.close()
for _ in range(LEAKS):
    attempt = socket.socket()  # LEAK-OPEN
    attempts.append(attempt)
    try:
        attempt.connect(nobody)  # LEAK-SEEN
    except ConnectionRefusedError:
        pass
outlive_grace()
done()
