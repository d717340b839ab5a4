"""Requests to an ASGI application as a server makes them: paths and headers as they are given."""

import asyncio
import json
from urllib.parse import unquote


class Answer:
    """What the application answered."""

    def __init__(self, messages):
        start, *parts = messages
        self.status_code = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.content = b"".join(part.get("body", b"") for part in parts)

    @property
    def text(self):
        return self.content.decode()

    def json(self):
        return json.loads(self.content)


class Client:
    """A browser without a window, at one address."""

    def __init__(self, app, port):
        self.app, self.host = app, f"127.0.0.1:{port}"

    def get(self, path, headers=()):
        return self.ask("GET", path, dict(headers))

    def post(self, path, content, headers=()):
        return self.ask("POST", path, dict(headers), content)

    def ask(self, method, path, headers, content=b""):
        headers = {"host": self.host, **headers}
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquote(path), "raw_path": path.encode(), "root_path": "",
            "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": None,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        messages = []

        async def receive():
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message):
            messages.append(message)

        asyncio.run(self.app(scope, receive, send))
        return Answer(messages)
