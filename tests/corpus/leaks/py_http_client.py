"""http.client: connections kept in a list after their responses; the server closes them."""
import http.client
import http.server
import threading

import corpus

KEPT = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        self.close_connection = True

    def log_message(self, *_):
        pass


def fetch(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")  # LEAK-OPEN
    connection.getresponse().read()
    return connection


def main():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        KEPT.extend([fetch(server.server_port) for _ in range(5)])
        corpus.outlive_grace()
        server.shutdown()
    corpus.done()


main()
