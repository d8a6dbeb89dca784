"""Ports that stay ours while nobody listens on them: else the system gives them to the next client that connects."""

import socket


def keep(address: tuple[str, int]) -> socket.socket:
    """Hold a port without listening: connections are refused, and a server may listen there while it is held."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(address)
    return held
