"""Children started between and during connections: their close_range() must not confuse ours."""

import os
import socket
import subprocess


def child(i):
    return subprocess.run(["/bin/echo", str(i)], capture_output=True, check=True).stdout


def main():
    total = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for i in range(12):
            client = socket.create_connection(listener.getsockname())
            connection, _ = listener.accept()
            client.sendall(child(i))
            client.close()
            total += int(connection.recv(64))
            child(i)
            assert connection.recv(64) == b""
            os.system("true")
            connection.close()
    print("done", total)


main()
