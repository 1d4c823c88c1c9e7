"""The application of a further server process: built there, so that the process answers its parent while it imports.

The parent asks a new process for a sign of life within seconds and kills it where none comes; importing the
service may take longer than that on a busy machine. So this module imports next to nothing.
"""

from __future__ import annotations

import importlib
import pickle
from typing import Any


class DeferredApplication:
    """A factory that can be sent to another process; calling it there imports the service and builds it."""

    def __init__(self, settings: object) -> None:
        self._settings = pickle.dumps(settings)

    def __call__(self) -> Any:
        """Build the ASGI application."""
        serving = importlib.import_module("reward_service.serving")
        return serving.application(pickle.loads(self._settings))
