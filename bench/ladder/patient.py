"""A server that reads each question to its end. "leak": the connection is forgotten. "wait": it is answered when
standard input says so. patient.py threads|loop"""
import asyncio
import socket
import sys
import threading
import time

forgotten = []
may_answer = False


def await_order():
    global may_answer
    sys.stdin.readline()
    may_answer = True


def serve(connection):
    question = b""
    while part := connection.recv(64):
        question += part
    if question == b"leak":
        forgotten.append(connection)
        return
    while not may_answer:
        time.sleep(0.05)
    connection.sendall(b"late")
    connection.close()


def serve_in_threads(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=[connection], daemon=True).start()


async def serve_in_loop(connection):
    loop = asyncio.get_running_loop()
    question = b""
    while part := await loop.sock_recv(connection, 64):
        question += part
    if question == b"leak":
        forgotten.append(connection)
        return
    while not may_answer:
        await asyncio.sleep(0.05)
    await loop.sock_sendall(connection, b"late")
    connection.close()


async def loop_forever(listener):
    loop = asyncio.get_running_loop()
    tasks = set()
    listener.setblocking(False)
    while True:
        connection, _ = await loop.sock_accept(listener)
        connection.setblocking(False)
        tasks.add(asyncio.create_task(serve_in_loop(connection)))


with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
    print(server.getsockname()[1], flush=True)
    threading.Thread(target=await_order, daemon=True).start()
    if sys.argv[1] == "threads":
        serve_in_threads(server)
    else:
        asyncio.run(loop_forever(server))
