<?php
// A static array keeps streams of clients that are gone.
$leaks = 5;
$healthy = 3;
$kept = [];
$listener = stream_socket_server('tcp://127.0.0.1:0');
$name = stream_socket_get_name($listener, false);
for ($i = 0; $i < $leaks + $healthy; $i++) {
    $client = stream_socket_client("tcp://$name");
    fwrite($client, "hello\n");
    fclose($client);
    $connection = stream_socket_accept($listener);  // LEAK-OPEN
    do {
        $data = fread($connection, 64);  // LEAK-SEEN
    } while ($data !== '' && $data !== false);
    if ($i < $leaks) {
        $kept[] = $connection;
    } else {
        fclose($connection);
    }
}
usleep((3 * (int)(getenv('CORPUS_GRACE_MS') ?: 300) + 300) * 1000);
echo "done\n";
