# SPDX-License-Identifier: MIT
# One handover by hand in Perl, with IO::FDPass or Socket::MsgHdr.
#
# usage: peer.pl MODULE receive PATH READY-FD TARGET PROGRAM
#        peer.pl MODULE send PATH SOURCE
use strict;
use warnings;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SCM_RIGHTS SOL_SOCKET);

my ($module, $verb, $path, @rest) = @ARGV;
eval "require $module" or die $@;

sub give {
	my ($connection, $fd) = @_;
	return IO::FDPass::send(fileno $connection, $fd) if $module eq 'IO::FDPass';
	my $message = Socket::MsgHdr->new(buf => 'F');
	$message->cmsghdr(SOL_SOCKET, SCM_RIGHTS, pack('i', $fd));
	return Socket::MsgHdr::sendmsg($connection, $message);
}

sub take {
	my ($connection) = @_;
	return IO::FDPass::recv(fileno $connection) if $module eq 'IO::FDPass';
	my $message = Socket::MsgHdr->new(buflen => 1, controllen => 64);
	Socket::MsgHdr::recvmsg($connection, $message);
	my (undef, undef, $data) = $message->cmsghdr;
	return unpack 'i', $data;
}

if ($verb eq 'receive') {
	my ($ready, $target, $program) = @rest;
	my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die "$path: $!";
	POSIX::write($ready, "\n", 1);
	my $connection = $listener->accept or die "accept: $!";
	my $fd = take($connection);
	syswrite $connection, 'A';
	unlink $path;
	POSIX::dup2($fd, $target) or die "dup2: $!";
	exec { $program } $program;
}
my $connection = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!";
give($connection, $rest[0]) or die "send: $!";
sysread $connection, my $answer, 1;
