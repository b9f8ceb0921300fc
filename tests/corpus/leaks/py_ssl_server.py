"""A TLS server: the client leaves, recv() gives b"", the wrapped socket is kept."""

import socket
import ssl
import subprocess
import threading

from corpus import done, listen, outlive_grace

LEAKS, HEALTHY = 3, 2
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"], check=True, capture_output=True)
server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_side.load_cert_chain("cert.pem", "key.pem")
client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client_side.check_hostname = False
client_side.verify_mode = ssl.CERT_NONE
server_side.num_tickets = 0  # unread tickets would turn the client's close into a reset
listener = listen()
kept = []


def drive():
    for _ in range(LEAKS + HEALTHY):
        with socket.create_connection(listener.getsockname()) as plain:
            with client_side.wrap_socket(plain) as client:
                client.sendall(b"hello")


client = threading.Thread(target=drive)
client.start()
for i in range(LEAKS + HEALTHY):
    plain, _ = listener.accept()  # LEAK-OPEN
    connection = server_side.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True)
    while connection.recv(64):  # LEAK-SEEN
        pass
    if i < LEAKS:
        kept.append(connection)
    else:
        connection.close()
client.join()
outlive_grace()
done()
