# A hash keeps the handles of clients that are gone.
use strict;
use warnings;
use IO::Socket::INET;

my ($leaks, $healthy) = (5, 3);
our %clients;  # a lexical would be closed by the end of its scope, before the program ends
my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') or die "listen: $!";
for my $i (1 .. $leaks + $healthy) {
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport) or die "connect: $!";
    syswrite $client, "hello\n";
    close $client;
    my $connection = $listener->accept;
    my $data;
    1 while sysread $connection, $data, 64;
    if ($i > $leaks) { close $connection }
    else             { $clients{$i} = $connection }
}
select undef, undef, undef, 3 * ($ENV{CORPUS_GRACE_MS} // 300) / 1000 + 0.3;
$| = 1;
print "done\n";
