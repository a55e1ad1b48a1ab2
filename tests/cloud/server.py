"""The HTTP server: keep-alive connections on plain sockets, so that a fault can break them as networks do.

A framework hides the socket behind buffers and duplicates of its descriptor, and then a reset is none.
"""

import email.utils
import select
import socket
import struct
import threading
import time
import urllib.parse

LARGEST_HEAD = 64 * 1024


class Request:
    """One HTTP request."""

    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))


class Breakage(Exception):
    """Ends a connection instead of a whole answer. Kinds: `reset`, `close`, `hang` and `cut`."""

    def __init__(self, kind, seconds=0.0, reply=None):
        super().__init__(kind)
        self.kind, self.seconds, self.reply = kind, seconds, reply


class Server:
    """Listens on the loopback interface; one thread for each connection."""

    def __init__(self, port, handle, clock, tls=None):
        """`handle` makes a `Reply` of a `Request`; `clock` gives the time of the `Date` header for it."""
        self.handle, self.clock, self.tls = handle, clock, tls
        self.socket = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = self.socket.getsockname()[1]
        # When the last request came.
        self.used = time.monotonic()

    def run(self):
        """Accepts connections until the process ends."""
        while True:
            connection, _ = self.socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            reader = _Reader(connection)
            while (request := reader.request()) is not None:
                self.used = time.monotonic()
                reply = self.handle(request)
                connection.sendall(self._bytes(request, reply))
                if request.headers.get("connection", "").lower() == "close":
                    break
        except Breakage as breakage:
            self._break(connection, breakage)
        except (OSError, ValueError):
            pass  # The client has gone, or sent what is no HTTP.
        finally:
            connection.close()

    def _bytes(self, request, reply):
        lines = [
            f"HTTP/1.1 {reply.status} {'OK' if reply.status == 200 else 'Error'}",
            f"x-amzn-requestid: {reply.request_id}",
            f"Content-Type: {reply.kind}",
            f"Content-Length: {len(reply.body)}",
            f"Date: {email.utils.formatdate(self.clock(request), usegmt=True)}",
            "Server: AmazonEC2",
            *(f"{name}: {value}" for name, value in reply.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + reply.body

    def _break(self, connection, breakage):
        if breakage.kind == "cut":
            # The length announces all, half arrives: only an end of the stream tells the client.
            whole = self._bytes(breakage.reply[0], breakage.reply[1])
            connection.sendall(whole[: len(whole) - (len(breakage.reply[1].body) + 1) // 2])
        elif breakage.kind == "hang":
            _wait_for_end(connection, breakage.seconds)
        elif breakage.kind == "reset":
            # Closing with a linger time of 0 sends RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _wait_for_end(connection, seconds):
    """Says nothing until the client gives up."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        readable, _, _ = select.select([connection], [], [], left)
        if readable and not connection.recv(4096):
            return


class _Reader:
    """Cuts the bytes of a connection into requests."""

    def __init__(self, connection):
        self.connection, self.buffer = connection, b""

    def request(self):
        """The next request, `None` once the client has closed the connection."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            if len(self.buffer) > LARGEST_HEAD:
                raise ValueError("the head of a request does not end")
            more = self.connection.recv(65536)
            if not more:
                return None
            self.buffer += more
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        self.buffer = self.buffer[end + 4:]
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Request(method, target, headers, self._body(int(headers.get("content-length", 0))))

    def _body(self, length):
        parts, have = [self.buffer], len(self.buffer)
        while have < length:
            more = self.connection.recv(min(1 << 20, length - have))
            if not more:
                raise ValueError("the body of a request is shorter than announced")
            parts.append(more)
            have += len(more)
        whole = b"".join(parts)
        self.buffer = whole[length:]
        return whole[:length]
