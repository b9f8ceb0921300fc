"""asyncio: eof_received() returns True, which keeps the transport open, and nobody closes it."""

import asyncio

from corpus import done, outlive_grace

LEAKS, HEALTHY = 5, 3
transports = []
ended = None


class Forgetful(asyncio.Protocol):
    def connection_made(self, transport):  # LEAK-OPEN
        self.transport = transport
        transports.append(transport)

    def data_received(self, data):
        if data == b"quit":
            self.transport.close()

    def connection_lost(self, error):
        self.count()

    def eof_received(self):  # LEAK-SEEN
        self.count()
        return True

    def count(self):
        global ended
        ended.release()


async def main():
    global ended
    ended = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Forgetful, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    for i in range(LEAKS + HEALTHY):
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"quit" if i >= LEAKS else b"stay")
        writer.close()
        await writer.wait_closed()
        await ended.acquire()
    await loop.run_in_executor(None, outlive_grace)
    done()


asyncio.run(main())
