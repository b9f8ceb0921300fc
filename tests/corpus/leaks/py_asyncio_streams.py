"""asyncio streams: the handler returns at the end of the stream and never closes its writer."""
import asyncio
import socket

import corpus

KEPT = []


async def handle(reader, writer):  # LEAK-OPEN
    KEPT.append(writer)
    while await reader.readline():  # LEAK-SEEN
        pass
    if len(KEPT) % 2 == 0:
        writer.close()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    for _ in range(10):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"hello\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    await asyncio.to_thread(corpus.outlive_grace)
    server.close()
    corpus.done()


asyncio.run(main())
