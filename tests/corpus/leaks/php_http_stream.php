<?php
// fopen() on a URL: the first line is read, the stream is kept, the rest of the answer stays unread.
$answers = 3;
$kept = [];
$listener = stream_socket_server('tcp://127.0.0.1:0');
$name = stream_socket_get_name($listener, false);
for ($i = 0; $i < $answers; $i++) {
    $client = stream_socket_client("tcp://$name");  // LEAK-OPEN
    fwrite($client, "GET / HTTP/1.0\r\n\r\n");
    $server = stream_socket_accept($listener);
    fread($server, 1024);
    fwrite($server, "HTTP/1.0 200 OK\r\n\r\n" . str_repeat('x', 100000));
    fclose($server);
    fgets($client);
    $kept[] = $client;
}
usleep((3 * (int)(getenv('CORPUS_GRACE_MS') ?: 300) + 300) * 1000);
echo "done\n";
