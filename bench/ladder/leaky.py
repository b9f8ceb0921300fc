"""A server whose answers are right and whose handler forgets a connection each time: leaky.py BACKEND_PORT."""
import http.server
import socket
import sys

forgotten = []


def ask_backend():
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    while connection.recv(64):
        pass
    forgotten.append(connection)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/leak"):
            ask_backend()
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
