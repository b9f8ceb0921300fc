"""urllib.request: answers opened, their headers looked at, neither read nor closed."""
import socketserver
import threading
import urllib.request

import corpus

KEPT = []


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 3000\r\n\r\n" + 3000 * b"x")


def probe(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/")  # LEAK-OPEN


def main():
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        KEPT.extend([probe(server.server_address[1]) for _ in range(4)])
        with probe(server.server_address[1]) as answer:
            answer.read()
        corpus.outlive_grace()
        server.shutdown()
    corpus.done()


main()
