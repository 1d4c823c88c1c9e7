"""Two echo services to compare with: FastAPI with pydantic models in and out, and bare ASGI with orjson.

Both take the service's own grounding batches and give each item its id and the length of its completion.
"""

from __future__ import annotations

import sys
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Item(BaseModel):
    completion: str
    reference: dict[str, list[dict[str, list[float]]]] | str
    id: str | None = None
    group: str | None = None


class Batch(BaseModel):
    items: list[Item]


class Result(BaseModel):
    id: str | None
    reward: float
    status: str
    components: dict[str, float]
    answer: str
    explanation: str


class Answer(BaseModel):
    rewards: list[float]
    results: list[Result]


fastapi_echo = FastAPI()


@fastapi_echo.post("/")
async def echo(batch: Batch) -> Answer:
    results = [
        Result(id=i.id, reward=1.0, status="scored", components={}, answer="", explanation="")
        for i in batch.items
    ]
    return Answer(rewards=[1.0] * len(results), results=results)


async def bare_echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    items = orjson.loads(body)["items"] if body else []
    results = [
        {"id": i["id"], "reward": 1.0, "status": "scored", "components": {}, "answer": "", "explanation": ""}
        for i in items
    ]
    answer = orjson.dumps({"rewards": [1.0] * len(results), "results": results})
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]}
    )
    await send({"type": "http.response.body", "body": answer})


if __name__ == "__main__":
    name, port = sys.argv[1:]
    app = fastapi_echo if name == "fastapi" else bare_echo
    uvicorn.run(
        app,
        port=int(port),
        loop="uvloop",
        http="httptools",
        log_level="error",
        access_log=False,
        lifespan="off",
    )
