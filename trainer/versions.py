"""Which code and which profiles a run's numbers came from."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from trainer.curriculum import JSON
from trainer.errors import CheckpointError
from trainer.run_folder import write_atomically
from trainer.wire import ServiceIdentity

_PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate", "peft", "numpy", "httpx")
_DISTRIBUTION = "plumbline-trainer"


def write_versions(path: Path, service: ServiceIdentity, digests: Mapping[str, str]) -> None:
    """Write versions of packages and service, and `digests` of the profiles by the name asked for."""
    versions: dict[str, JSON] = {"trainer": _version(_DISTRIBUTION), "python": platform.python_version()}
    versions |= {name: _version(name) for name in _PACKAGES}
    versions |= {"service": service.version, "contract": service.contract, "profiles": dict(digests)}
    write_atomically(path, json.dumps(versions, indent=1) + "\n")


def read_digests(path: Path) -> Mapping[str, str]:
    """Return the profile digests that `write_versions` noted; none where there is no such file yet."""
    if not path.is_file():
        return {}
    try:
        profiles = json.loads(path.read_text(encoding="utf-8"))["profiles"]
        return {str(name): str(digest) for name, digest in profiles.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: damaged ({error}); the run cannot tell its profiles") from error


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
