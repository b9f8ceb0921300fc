"""asyncio over TLS, with the certificate and key given: the program is left as soon as the end was read."""
import asyncio
import asyncio.sslproto
import os
import ssl
import sys


class Talking(asyncio.Protocol):
    def data_received(self, data):
        pass


def leave(_):
    print("done", flush=True)
    os._exit(0)


async def main():
    certificate, key = sys.argv[1:3]
    of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    of_server.load_cert_chain(certificate, key)
    of_server.num_tickets = 0  # nothing is unread when the client leaves
    of_client = ssl.create_default_context(cafile=certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Talking, "127.0.0.1", 0, ssl=of_server)
    address = server.sockets[0].getsockname()
    transport, _ = await loop.create_connection(asyncio.Protocol, *address, ssl=of_client, server_hostname="localhost")
    asyncio.sslproto.SSLProtocol.eof_received = leave
    transport.abort()
    await asyncio.sleep(60)


asyncio.run(main())
