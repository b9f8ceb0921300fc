<?php
// Reads connections to their end and keeps the streams: 6 of them, or none with "fixed".
namespace Shop;

class Pool
{
    private static array $kept = [];

    public static function next($listener)
    {
        return stream_socket_accept($listener);
    }

    public function drain($connection, bool $fixed): void
    {
        do {
            $data = fread($connection, 64);
        } while ($data !== '' && $data !== false);
        if ($fixed) {
            fclose($connection);
        } else {
            self::$kept[] = $connection;
        }
    }
}

function serve($listener, int $count, bool $fixed): void
{
    $pool = new Pool();
    for ($i = 0; $i < $count; $i++) {
        $client = stream_socket_client('tcp://' . stream_socket_get_name($listener, false));
        fwrite($client, "hello\n");
        fclose($client);
        $connections = [Pool::next($listener)];
        array_map(fn($connection) => $pool->drain($connection, $fixed), $connections);
    }
}

$listener = stream_socket_server('tcp://127.0.0.1:0');
serve($listener, 6, ($argv[1] ?? '') === 'fixed');
echo "done\n";
