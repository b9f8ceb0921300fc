"""requests sessions in with-blocks, a pool that is reused, responses that are read."""

import http.server
import threading

import requests

from corpus import done, outlive_grace


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d/" % server.server_address[1]
for _ in range(5):
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(3):
            assert session.get(url, timeout=20).text == "hi"
outlive_grace()
done()
