"""asyncio, threads, subprocess and requests-like use, all closed."""

import asyncio
import socketserver
import subprocess
import threading

from corpus import done, outlive_grace, visit


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


async def echo(reader, writer):
    while data := await reader.read(64):
        writer.write(data)
    writer.close()
    await writer.wait_closed()


async def talk(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def asynchronous():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*(talk(port) for _ in range(10)))
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0
    server.close()
    await server.wait_closed()


with Server(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in range(10):
        visit(server.socket, b"one\ntwo\n")
    subprocess.run(["true"], check=True, close_fds=True)
    asyncio.run(asynchronous())
    outlive_grace()
    server.shutdown()
done()
