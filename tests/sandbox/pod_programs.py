"""Images for tests: a server of a few lines that starts at once and does what it is told."""

import sys
from pathlib import Path

from gate.sandbox.kubernetes.runtime.images import Image

SERVER = """
import os, signal, socket, sys, time
version = sys.argv[1]
ready = "unready" not in sys.argv
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: print("not yet", flush=True))
else:
    signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), sys.exit(0)))
server = socket.create_server((os.environ["HOST"], 8080))
print("serving", version, flush=True)
while True:
    client, _ = server.accept()
    words = client.recv(65536).split(b" ")
    if len(words) < 2:  # somebody only looked whether the port is open
        client.close()
        continue
    path = words[1].decode()
    if path == "/crash":
        print("crashing", flush=True)
        os._exit(3)
    if path in ("/ready", "/unready"):
        ready = path == "/ready"
    body = version
    if path.startswith("/env/"):
        body = os.environ.get(path[5:], "")
    status = "503 No" if path == "/readyz" and not ready else "200 OK"
    head = f"HTTP/1.1 {status}\\r\\nContent-Length: {len(body)}\\r\\nConnection: close\\r\\n\\r\\n"
    client.sendall((head + body).encode())
    client.close()
"""


def python(program: str, *arguments: str) -> tuple[str, ...]:
    """A command line that runs this program, with an interpreter that starts fast."""
    return (sys.executable, "-I", "-S", "-c", program, *arguments)


def server(name: str, *arguments: str) -> Image:
    """An image of the server that answers every request with its version, and exits with 0 on SIGTERM."""
    return Image(name=name, argv=python(SERVER, *(arguments or (name,))))


def is_alive(pid: int) -> bool:
    """A process that is dead but not yet buried by its parent counts as dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
