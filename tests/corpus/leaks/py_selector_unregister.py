"""selectors: unregistered at the end of the stream, but not closed."""
import selectors

import corpus

CLIENTS = {}


def accept(listener, selector):
    connection, address = listener.accept()  # LEAK-OPEN
    connection.setblocking(False)
    CLIENTS[address] = connection
    selector.register(connection, selectors.EVENT_READ, read)


def read(connection, selector):
    data = connection.recv(100)  # LEAK-SEEN
    if not data:
        selector.unregister(connection)


def main():
    selector = selectors.DefaultSelector()
    with corpus.listen() as listener:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, accept)
        for _ in range(6):
            corpus.visit(listener)
        while len(CLIENTS) < 6 or len(selector.get_map()) > 1:
            for key, _ in selector.select():
                key.data(key.fileobj, selector)
        corpus.outlive_grace()
    corpus.done()


main()
