<?php
// stream_select loop: the client is taken out of the set, and stays in the sessions.
function serve($client, array &$sessions): bool {
    $line = fread($client, 100);
    if ($line === '' || $line === false) return false;
    $sessions[(int)$client] = $client;
    return true;
}
$listener = stream_socket_server('tcp://127.0.0.1:0');
for ($i = 0; $i < 5; $i++) {
    $peer = stream_socket_client('tcp://' . stream_socket_get_name($listener, false));
    fwrite($peer, "hello");
    fclose($peer);
}
$sessions = [];
$set = [$listener];
$ended = 0;
while ($ended < 5) {
    $read = $set;
    $none = null;
    stream_select($read, $none, $none, 20);
    foreach ($read as $each) {
        if ($each === $listener) {
            $set[] = stream_socket_accept($listener);
        } elseif (!serve($each, $sessions)) {
            $set = array_filter($set, fn($one) => $one !== $each);
            $ended++;
        }
    }
}
unset($each, $read);
usleep((3 * (getenv('CORPUS_GRACE_MS') ?: 300) + 300) * 1000);
echo "done\n";
