"""The page for labelling, served to the browser on this computer only."""

from __future__ import annotations

import secrets
import socket
import sys
from importlib.resources import files as resources
from typing import TYPE_CHECKING, Any

from striate.analysis.html_templates import environment

from .label_pictures import LabelPictures
from .label_session import LabelSession

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

HOST = "127.0.0.1"
_PACKAGE = "striate.labelling"
_ASSETS = {"label.js": "text/javascript", "label.css": "text/css"}
_MOST_BYTES = 10_000  # of what the page sends
_HEADERS = {
    "content-security-policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def open_socket(port: int) -> socket.socket:
    """Return a socket that listens on this computer; port 0 takes a free one.

    Raises
    ------
    OSError
        If the port is in use or reserved.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there, it would take a port that is in use
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise OSError(
            f"--port {port}: {(error.strerror or str(error)).lower()}; choose another, or leave "
            "the option out for a free one"
        ) from None
    return listening


def new_token() -> str:
    """Return the secret part of the address, without which nothing is served."""
    return secrets.token_urlsafe(16)


def new_server(app: Any) -> uvicorn.Server:
    """Return a server, whose ``run(sockets=[open_socket(port)])`` serves until Ctrl-C."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(app, log_level="error", access_log=False, lifespan="off", ws="none")
    )


def label_app(session: LabelSession, pictures: LabelPictures, token: str, port: int) -> Starlette:
    """Return the application.

    Parameters
    ----------
    session : LabelSession
        What is labelled.
    pictures : LabelPictures
        Pictures of the images.
    token : str
        Secret part of the address: the page is ``http://127.0.0.1:PORT/TOKEN/``.
    port : int
        Port that it is served on.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    page = environment(_PACKAGE).get_template("label.html").render(folder=session.folder.name)

    def show_page(request: Request) -> Response:
        return Response(page, media_type="text/html")

    def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            return Response("no such file", 404)
        content = (resources(_PACKAGE) / "templates" / name).read_bytes()
        return Response(content, media_type=_ASSETS[name])

    def picture(request: Request) -> Response:
        try:
            small = request.query_params.get("size") == "small"
            content = pictures.png(request.path_params["index"], small=small)
        except (IndexError, ValueError) as error:
            return Response(str(error), 404, media_type="text/plain")
        return Response(content, media_type="image/png")

    def state(request: Request) -> Response:
        return JSONResponse(session.state(again=request.query_params.get("look") == "again"))

    async def act(request: Request) -> Response:
        from starlette.concurrency import run_in_threadpool

        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return Response("JSON is needed", 415)
        body = await _short_body(request)
        if body is None:
            return Response("too long", 413)
        answer, status = await run_in_threadpool(_answer, session, body)
        return JSONResponse(answer, status)

    routes = [
        Route(f"/{token}/", show_page),
        Route(f"/{token}/state", state),
        Route(f"/{token}/map", lambda request: JSONResponse(session.map())),
        Route(f"/{token}/act", act, methods=["POST"]),
        Route(f"/{token}/picture/{{index:int}}", picture),
        Route(f"/{token}/{{name}}", asset),
    ]
    return Starlette(routes=routes, middleware=[Middleware(OnlyOwnPage, port=port)])


async def _short_body(request: Request) -> bytes | None:
    """Return what was sent, or None if it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return None
    return body


def _answer(session: LabelSession, body: bytes) -> tuple[dict[str, Any], int]:
    """Do what the page asks for; return its new state and the HTTP status."""
    import json

    first = None
    try:
        wish = json.loads(body)
        if not isinstance(wish, dict):
            raise ValueError("an object is needed")
        again = wish.get("look") == "again"
        first = _done(session, wish, again)
    except ValueError as error:
        return {"error": str(error)}, 400
    except OSError as error:
        return {"error": f"not saved: {error.strerror or error}"}, 507
    return session.state(again=again, first=first), 200


def _done(session: LabelSession, wish: dict[str, Any], again: bool) -> int | None:
    """Do what the page asks for; return the image to show first, if it matters."""
    action, index, text = wish.get("action"), wish.get("index"), wish.get("label", "")
    if not isinstance(text, str):
        raise ValueError("label must be a text")
    if action == "undo":
        return session.undo()
    if action == "add":
        session.add_class(text)
        return index if isinstance(index, int) else None
    if not isinstance(index, int) or isinstance(index, bool):
        raise ValueError("index must be a whole number")
    if action == "label cluster":
        session.label_cluster(index, text)
    elif action == "label":
        session.label(index, text, again=again)
    elif action == "not sure":
        session.not_sure(index)
    elif action == "skip":
        session.skip(index)
    else:
        raise ValueError(f"there is no action {action!r}")
    return None


class OnlyOwnPage:
    """Middleware that refuses requests of other pages, and says so to the browser.

    A page elsewhere on the web can make the browser send requests here, and a name that leads to
    127.0.0.1 can make them look like its own: Host and Origin tell them apart.
    """

    def __init__(self, app: Any, port: int) -> None:
        self.app = app
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or refuse it."""
        from starlette.datastructures import Headers, MutableHeaders
        from starlette.responses import PlainTextResponse

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        app = self.app
        if scope["type"] == "http" and not self._is_own(Headers(scope=scope)):
            app = PlainTextResponse("refused: open the page by its own address", 403)
        await app(scope, receive, send_with_headers)

    def _is_own(self, headers: Any) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        return (
            headers.get("host") in self._hosts
            and (origin is None or origin in self._origins)
            and site in ("none", "same-origin")
        )
