"""
Serves LocalEmu with one thread per connection. Its own servers pass a request from an event loop to a thread and back
eight times, which takes longer than most requests do. They also serve TLS, and create a key for it at each start.
"""

import threading
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from socketserver import ThreadingTCPServer
from urllib.parse import unquote

from localemu.runtime.components import BaseComponents
from localemu.runtime.runtime import LocalemuRuntime
from localemu.runtime.server.core import RuntimeServer
from rolo.gateway.wsgi import WsgiGateway


class Handler(BaseHTTPRequestHandler):
    # Connections stay open until the client closes them: a request that arrived just as the server closed the connection
    # would take effect without an answer, and its client would send it again.
    protocol_version = "HTTP/1.1"
    # An answer is sent in one piece.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_request(self):
        # A client that asks for permission first may send its body now.
        self.wfile.flush()
        body = self.body()
        path, _, query = self.path.partition("?")
        environ = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.path,
            "REQUEST_URI": self.path,
            "SERVER_NAME": self.server.server_address[0],
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            # Unchanged: WSGI's form of header names cannot be reversed.
            "rolo.headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()],
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        self.answer(self.server.application(environ, self.start_response))

    def __getattr__(self, name):
        # `do_GET`, `do_PROPFIND`: LocalEmu answers every method.
        if name.startswith("do_"):
            return self.handle_request
        raise AttributeError(name)

    def body(self):
        """Reads the whole body, so that the next request of the connection begins after it."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def start_response(self, status, headers, exc_info=None):
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        names = set()
        for name, value in headers:
            if name.lower() not in ("connection", "keep-alive"):
                names.add(name.lower())
                self.send_header(name, value)
        self.without_body = self.command == "HEAD" or int(code) in (204, 304) or code.startswith("1")
        self.chunked = not self.without_body and "content-length" not in names
        if self.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def answer(self, chunks):
        try:
            for chunk in chunks:
                if not chunk or self.without_body:
                    continue
                if not self.chunked:
                    self.wfile.write(chunk)
                    continue
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            if self.chunked:
                self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            self.close_connection = True
        finally:
            if close := getattr(chunks, "close", None):
                close()

    def log_message(self, format, *args):
        pass  # LocalEmu logs what it answers.


class HttpServer(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address, application):
        super().__init__(address, Handler)
        self.application = application

    def handle_error(self, request, client_address):
        pass  # A client that is gone.


class ThreadedServer(RuntimeServer):
    def __init__(self):
        self.servers = []
        self.ended = threading.Event()

    def register(self, gateway, listen, ssl_creds=None):
        application = WsgiGateway(gateway)
        self.servers += [HttpServer((place.host, place.port), application) for place in listen]

    def run(self):
        for server in self.servers:
            threading.Thread(target=server.serve_forever, name="gateway", daemon=True).start()
        self.ended.wait()

    def shutdown(self):
        for server in self.servers:
            server.shutdown()
        self.ended.set()


def register_plain(self):
    self.components.runtime_server.register(self.components.gateway, self.config.GATEWAY_LISTEN)


def install():
    """Must be called before LocalEmu starts."""
    BaseComponents.runtime_server = property(lambda self: self.__dict__.setdefault("threaded", ThreadedServer()))
    LocalemuRuntime._init_gateway_server = register_plain
