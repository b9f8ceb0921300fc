"""The handler keeps finished connections in a list."""

from corpus import done, listen, outlive_grace, visit

LEAKS, HEALTHY = 6, 4
kept = []


def read_request(connection):
    return connection.recv(64)  # LEAK-SEEN


listener = listen()
for i in range(LEAKS + HEALTHY):
    visit(listener)
    connection, _ = listener.accept()  # LEAK-OPEN
    while read_request(connection):
        pass
    if i < LEAKS:
        kept.append(connection)
    else:
        connection.close()
outlive_grace()
done()
