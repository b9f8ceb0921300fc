"""Sockets in reference cycles, the collector off or too late: released by nobody."""

import gc

from corpus import done, listen, outlive_grace, visit

LEAKS = 7
gc.disable()


class Session:
    def __init__(self, connection):
        self.connection = connection
        self.on_end = self.finish

    def finish(self):
        self.connection.close()

    def run(self):
        while self.connection.recv(64):  # LEAK-SEEN
            pass


listener = listen()
for _ in range(LEAKS):
    visit(listener)
    connection, _ = listener.accept()  # LEAK-OPEN
    Session(connection).run()
    del connection
outlive_grace()
done()
