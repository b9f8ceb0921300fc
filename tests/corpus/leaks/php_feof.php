<?php
// feof() looks at the end with MSG_PEEK: the program knows, and the kernel's end of stream stays unread.
$leaks = 4;
$kept = [];
$listener = stream_socket_server('tcp://127.0.0.1:0');
$name = stream_socket_get_name($listener, false);
for ($i = 0; $i < $leaks; $i++) {
    $client = stream_socket_client("tcp://$name");
    fwrite($client, "hello\n");
    fclose($client);
    $connection = stream_socket_accept($listener);  // LEAK-OPEN
    while (!feof($connection)) {
        fread($connection, 64);
    }
    $kept[] = $connection;
}
usleep((3 * (int)(getenv('CORPUS_GRACE_MS') ?: 300) + 300) * 1000);
echo "done\n";
