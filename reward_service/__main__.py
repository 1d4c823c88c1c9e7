"""The command line: `reward-service serve` starts the service, `reward-service openapi` prints its document.

Exit codes: 0 after SIGTERM or Ctrl-C, 1 when the service could not start, 2 for a wrong setting, profile or
port.

Further processes of the service import this file again, so what it needs is imported inside the commands.
"""

from __future__ import annotations

import argparse
import sys

from reward_service import VERSION
from reward_service.errors import StartError


def main() -> int:
    """Run a command; a mistake of the caller is one line on stderr."""
    arguments = _parser().parse_args()
    try:
        return _openapi() if arguments.command == "openapi" else _serve(arguments)
    except StartError as error:
        sys.stderr.write(f"reward-service: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reward-service", description="Verifiable rewards over HTTP.")
    parser.add_argument("--version", action="version", version=f"reward-service {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve rewards; every option is also a variable REWARD_*")
    serve.add_argument("--host", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (8000); 0 takes a free one and prints it")
    serve.add_argument("--workers", type=int, help="server processes that share the port (1)")
    serve.add_argument("--profiles-dir", help="folder with more profiles (*.json)")
    commands.add_parser("openapi", help="print the OpenAPI document")
    return parser


def _openapi() -> int:
    from reward_service.serving import document  # noqa: PLC0415  # see the top

    sys.stdout.write(document())
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    from reward_service.serving import serve  # noqa: PLC0415  # see the top

    return serve(
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
        profiles_dir=arguments.profiles_dir,
    )


if __name__ == "__main__":
    sys.exit(main())
