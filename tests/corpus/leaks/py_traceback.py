"""Exceptions that are kept for later keep the frames, and with them the sockets, alive."""

from corpus import done, listen, outlive_grace, visit

LEAKS = 5
errors = []


def handle(listener):
    connection, _ = listener.accept()  # LEAK-OPEN
    data = b""
    while not data.endswith(b"\n"):
        part = connection.recv(64)  # LEAK-SEEN
        if not part:
            raise EOFError("ended in the middle of a line")
        data += part
    connection.close()


listener = listen()
for i in range(2 * LEAKS):
    visit(listener, b"half a line" if i < LEAKS else b"a line\n")
    try:
        handle(listener)
    except EOFError as error:
        errors.append(error)
outlive_grace()
done()
