# Right: Perl, a process for each client. Usage: server.pl PORT DELAY
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes 'sleep';
$| = 1;
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
my ($port, $delay) = @ARGV;
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 10, ReuseAddr => 1) or die $!;
print "Waiting for connection...\n";
while (my $sock = $s->accept) {
    next if fork;
    my $address = $sock->peerhost . ':' . $sock->peerport;
    print "Accept new connection from $address...\n";
    $sock->send('Welcome!');
    while (1) {
        my $data = '';
        defined $sock->recv($data, 1024) or last;
        sleep $delay;
        last if $data eq '' || $data eq 'exit';
        defined $sock->send("Hello, $data!") or last;
    }
    $sock->close;
    print "Connection from $address closed.\n";
    exit;
}
