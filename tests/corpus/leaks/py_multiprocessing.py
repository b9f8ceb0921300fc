"""Worker processes of multiprocessing accept on a shared listener and forget their clients."""

import multiprocessing

from corpus import done, listen, outlive_grace, visit

LEAKS, WORKERS = 4, 2
kept = []


def work(listener):
    for _ in range(LEAKS):
        connection, _ = listener.accept()  # LEAK-OPEN
        while connection.recv(64):  # LEAK-SEEN
            pass
        kept.append(connection)
    outlive_grace()


if __name__ == "__main__":
    fork = multiprocessing.get_context("fork")
    listener = listen()
    workers = [fork.Process(target=work, args=(listener,)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for _ in range(LEAKS * WORKERS):
        visit(listener)
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    done()
