"""urllib3: a pool manager for each thread, the thread is over, its connection stays in the pool."""

import threading

import urllib3

from corpus import done, listen, outlive_grace

THREADS = 4
listener = listen()
served, pools = [], []


def serve():
    for _ in range(THREADS):
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        served.append(connection)


def fetch(url):
    pool = urllib3.PoolManager()
    pools.append(pool)
    assert pool.request("GET", url).data == b"hi"  # LEAK-OPEN


server = threading.Thread(target=serve)
server.start()
url = "http://127.0.0.1:%d/" % listener.getsockname()[1]
threads = [threading.Thread(target=fetch, args=(url,)) for _ in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
server.join()
for connection in served:
    connection.close()
outlive_grace()
done()
