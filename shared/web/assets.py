"""Style sheets, scripts and pictures under ``/<service>/static/<version>/``, which a browser may keep for ever."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


class Assets(StaticFiles):
    """Files of the folders; the first that has one wins. The version is a digest of all: a change changes each address.

    Another version than ours is answered too, but not for ever: while a release rolls out, a page of one replica may
    ask another.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__(directory=folders[0])
        present = [folder for folder in folders if folder.is_dir()]
        self.all_directories = list(present)
        self.version = _digest(present)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file behind ``<version>/<path>``."""
        version, _, file = path.partition("/")
        if not file:
            raise HTTPException(404)
        response = await super().get_response(file, scope)
        response.headers["Cache-Control"] = FOR_EVER if version == self.version else ASK_AGAIN
        return response


def _digest(folders: Sequence[Path]) -> str:
    digest = sha256()
    for folder in folders:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
