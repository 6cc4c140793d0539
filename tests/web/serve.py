"""Serves the example: ``python -m tests.web.serve PORT ISSUER``."""

import sys

import uvicorn

from tests.web.example.main import make_app
from tests.web.processes import Settings

if __name__ == "__main__":
    port, issuer = int(sys.argv[1]), sys.argv[2]
    app = make_app(Settings(console=f"http://127.0.0.1:{port}", oidc_issuer=issuer))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)
