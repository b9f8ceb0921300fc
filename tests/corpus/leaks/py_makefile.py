"""socket.makefile(): the socket object is closed, the file made from it is not, so the descriptor lives on."""

from corpus import done, listen, outlive_grace, visit

LEAKS, HEALTHY = 5, 3
files = []
listener = listen()
for i in range(LEAKS + HEALTHY):
    visit(listener, b"one\ntwo\n")
    connection, _ = listener.accept()  # LEAK-OPEN
    lines = connection.makefile("rb")
    assert lines.readlines() == [b"one\n", b"two\n"]  # LEAK-SEEN
    connection.close()
    if i < LEAKS:
        files.append(lines)
    else:
        lines.close()
del lines
outlive_grace()
done()
