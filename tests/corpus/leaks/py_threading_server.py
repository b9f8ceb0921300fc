"""A thread a client; the thread ends, a registry keeps the socket."""

import threading

from corpus import done, listen, outlive_grace, visit

LEAKS, HEALTHY = 5, 3
registry = {}


def handle(name, connection):
    data = connection.recv(64)  # LEAK-SEEN
    while data and data != b"quit":
        data = connection.recv(64)  # LEAK-SEEN
    if data == b"quit":
        registry.pop(name).close()


listener = listen()
threads = []
for i in range(LEAKS + HEALTHY):
    visit(listener, b"quit" if i >= LEAKS else b"stay")
    registry[i], _ = listener.accept()  # LEAK-OPEN
    threads.append(threading.Thread(target=handle, args=(i, registry[i])))
    threads[-1].start()
for thread in threads:
    thread.join()
outlive_grace()
done()
