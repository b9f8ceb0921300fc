# Objects that refer to themselves are never freed, and with them their sockets.
use strict;
use warnings;
use IO::Socket::INET;

my $leaks = 4;
my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') or die "listen: $!";
for (1 .. $leaks) {
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport) or die "connect: $!";
    print $client "a line\n";
    close $client;
    my $session = { socket => scalar $listener->accept };
    $session->{on_end} = sub { close $session->{socket} };
    my $socket = $session->{socket};
    1 while <$socket>;
}
select undef, undef, undef, 3 * ($ENV{CORPUS_GRACE_MS} // 300) / 1000 + 0.3;
$| = 1;
print "done\n";
