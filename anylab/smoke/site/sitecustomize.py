"""Loaded by every Python of a smoke run: only this machine can be reached, as behind a switched-off internet."""

import errno
import socket

_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo
_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


def _is_local(host):
    host = host.decode() if isinstance(host, bytes) else host
    return host in (None, "") or str(host).startswith(_LOCAL)


def connect(self, address):
    if isinstance(address, tuple) and not _is_local(address[0]):
        raise OSError(errno.ENETUNREACH, "Network is unreachable (a smoke run has no network)")
    return _connect(self, address)


def getaddrinfo(host, *args, **kwargs):
    if not _is_local(host):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution (a smoke run has no network)")
    return _getaddrinfo(host, *args, **kwargs)


socket.socket.connect = connect
socket.getaddrinfo = getaddrinfo
