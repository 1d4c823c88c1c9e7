"""Write contract 1 anew from the running code: `python -m contract.v1.generate` (or `make contract`).

`openapi.json` is the service's own document. Each file in `golden/` holds a request and the answer to it; the
request is kept, status and answer are written. To add an exchange, write a file with name, method, path and
request, and run this.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from reward_service.app import Service, create_app
from reward_service.settings import Settings

HERE = Path(__file__).parent
OPENAPI = HERE / "openapi.json"
GOLDEN = HERE / "golden"


def main() -> None:
    """Write the document and every exchange."""
    app = create_app(Settings())
    OPENAPI.write_text(written(app.openapi()))
    asyncio.run(_write_exchanges(app))


def written(document: Any) -> str:
    """The text of a contract file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


async def _write_exchanges(app: Any) -> None:
    service: Service = app.state.service
    await service.verifier.start()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            for path in sorted(GOLDEN.glob("*.json")):
                exchange = json.loads(path.read_text())
                path.write_text(written(exchange | await answer(client, exchange)))
    finally:
        await service.verifier.stop()


async def answer(client: httpx.AsyncClient, exchange: dict[str, Any]) -> dict[str, Any]:
    """Send the request of an exchange; give status and answer. A request that is a string is sent as is."""
    request = exchange["request"]
    body = request if isinstance(request, str) or request is None else json.dumps(request)
    response = await client.request(exchange["method"], exchange["path"], content=body)
    return {"status": response.status_code, "response": response.json()}


if __name__ == "__main__":
    main()
