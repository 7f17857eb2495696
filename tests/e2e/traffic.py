# SPDX-License-Identifier: GPL-2.0-only
"""traffic.py: what sockets do on loopback, for suites that compare how it is told."""
import socket


def talk(server, address):
    """A connection that says five bytes, is accepted and closed by its client first."""
    client = socket.create_connection((address, server.getsockname()[1]))
    accepted = server.accept()[0]
    client.sendall(b"hello")
    accepted.recv(5)
    client.close()
    accepted.close()


def find_taken(family, address, port):
    with socket.socket(family) as other:
        try:
            other.bind((address, port))
        except OSError:
            pass


def find_refused():
    """By a port that is bound, so that nobody else comes to listen there."""
    with socket.socket() as refused:
        refused.bind(("127.0.0.1", 0))
        try:
            socket.create_connection(refused.getsockname()).close()
        except OSError:
            pass
