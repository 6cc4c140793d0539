"""Where a redirect may lead: only to a path of this console."""

from urllib.parse import urlsplit


def safe_path(path: str, otherwise: str) -> str:
    """The path when a browser will surely stay on this console with it; else ``otherwise``.

    Refused besides addresses: "//host", "/\\host" (browsers read the backslash as a slash), and control characters and
    spaces anywhere (browsers drop tabs and newlines, so "/\\t/host" would become "//host").
    """
    if not path.startswith("/") or path.startswith("//") or len(path) > 2000:
        return otherwise
    if "\\" in path or any(character <= " " or character == "\x7f" for character in path):
        return otherwise
    try:
        parts = urlsplit(path)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else path
