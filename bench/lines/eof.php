<?php
// Prints how long the first TCP socket took, and each read that told the end of a connection, in nanoseconds.
function handle($connection): int
{
    $began = hrtime(true);
    fread($connection, 64);
    $took = hrtime(true) - $began;
    fclose($connection);
    return $took;
}

stream_socket_server('udp://127.0.0.1:0', $error, $message, STREAM_SERVER_BIND);  // no stack is taken of datagrams
$start = hrtime(true);
$listener = stream_socket_server('tcp://127.0.0.1:0');
echo hrtime(true) - $start, "\n";
for ($i = 0; $i < (int)$argv[1]; $i++) {
    fclose(stream_socket_client('tcp://' . stream_socket_get_name($listener, false)));
    echo handle(stream_socket_accept($listener)), "\n";
}
