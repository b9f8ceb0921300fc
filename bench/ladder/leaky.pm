# A handler inside nginx whose answers are right and which forgets a connection each time.
package leaky;
use nginx;
use IO::Socket::INET;

our @forgotten;

sub ask_backend {
    my $connection = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ENV{BACKEND_PORT}) or die;
    1 while sysread($connection, my $bytes, 64);
    push @forgotten, $connection;
}

sub answer {
    my $request = shift;
    ask_backend() if $request->uri =~ m{^/leak};
    $request->send_http_header('text/plain');
    $request->print($request->uri);
    return OK;
}

1;
