# Right: Perl. Usage: client.pl PORT
use strict;
use warnings;
use IO::Socket::INET;
$| = 1;
my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0]) or die $!;
my $data;
$s->recv($data, 1024);
print "$data\n";
for my $name ('Yam', 'May', 'Sarah') {
    $s->send($name);
    $s->recv($data, 1024);
    print "$data\n";
}
$s->send('exit');
$s->close;
