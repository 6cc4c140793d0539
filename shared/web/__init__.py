"""The layout, language, sign-in and security headers that every service's pages share."""

from shared.web.callers import Caller, Callers
from shared.web.csrf import csrf
from shared.web.language import N_, Language, language
from shared.web.pages import Notice, Web
from shared.web.tokens import ServiceCall, TokenRefused, service_token, verify_service_token
from shared.web.viewer import Refused, SignInNeeded, Viewer, requires, viewer

__all__ = [
    "N_",
    "Caller",
    "Callers",
    "Language",
    "Notice",
    "Refused",
    "ServiceCall",
    "SignInNeeded",
    "TokenRefused",
    "Viewer",
    "Web",
    "csrf",
    "language",
    "requires",
    "service_token",
    "verify_service_token",
    "viewer",
]
