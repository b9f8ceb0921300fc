# Lexical handles go out of scope: closed.
use strict;
use warnings;
use IO::Socket::INET;

my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') or die "listen: $!";
for (1 .. 8) {
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport) or die "connect: $!";
    print $client "hello\n";
    close $client;
    my $connection = $listener->accept;
    1 while <$connection>;
}
select undef, undef, undef, 3 * ($ENV{CORPUS_GRACE_MS} // 300) / 1000 + 0.3;
$| = 1;
print "done\n";
