"""Speed over HTTP: items per second and server CPU per item, beside echo services, in one run.

    python bench/service.py [seconds per row]

One connection, one request in flight, prepared bytes: the client costs next to nothing. CPU is that of the server
process and its verifier processes. `x bare` compares the CPU with the bare ASGI echo of the same batch.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil

HERE = Path(__file__).parent
SIZES = (1, 64, 512)
THINKING = "The circle is to the left of the square, near the border. " * 6


def grounding_batch(size: int) -> bytes:
    """Groups of 8 completions of one prompt, about 400 characters each."""
    items = [
        {
            "completion": f"<think>{THINKING}</think><answer>[{i % 7}, 2, 30, 40]</answer>",
            "reference": {"boxes": [{"box": [1, 2, 30 + i // 8 % 10, 40]}]},
            "id": str(i),
            "group": f"g{i // 8}",
        }
        for i in range(size)
    ]
    return orjson.dumps({"items": items})


def maths_batch(size: int, turn: int) -> bytes:
    """Ordinary pairs that differ from batch to batch, so that no cache answers; one in four needs sympy."""
    kinds = [
        lambda n: (str(n), str(n)),
        lambda n: (f"\\frac{{{n}}}{{4}}", str(n / 4)),
        lambda n: (f"{n}%", str(n / 100)),
        lambda n: (f"x^2 + {2 * n}x + {n * n}", f"(x + {n})^2"),
    ]
    items = []
    for i in range(size):
        answer, reference = kinds[i % 4](turn * size + i)
        items.append(
            {"completion": f"<think>{THINKING}</think><answer>{answer}</answer>", "reference": reference}
        )
    return orjson.dumps({"items": items})


@contextlib.contextmanager
def served(command: list[str], port: int) -> Iterator[tuple[psutil.Process, http.client.HTTPConnection]]:
    process = subprocess.Popen(
        [sys.executable, *command], cwd=HERE.parent, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        connection = connect(port)
        yield psutil.Process(process.pid), connection
        connection.close()
    finally:
        process.terminate()
        process.wait()


def connect(port: int) -> http.client.HTTPConnection:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        try:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            response.read()
            if response.status != 503:
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
        except ConnectionError:
            connection.close()
        time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")


def post(connection: http.client.HTTPConnection, path: str, body: bytes) -> None:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    assert response.status == 200, answer[:500]


def cpu_s(process: psutil.Process) -> float:
    """User and system seconds of the process and of all its descendants, those that ended (recycled workers) included."""
    return sum(sum(each.cpu_times()[:4]) for each in (process, *process.children(recursive=True)))


def measure(
    process: psutil.Process,
    connection: http.client.HTTPConnection,
    path: str,
    bodies: Iterator[bytes],
    size: int,
    seconds: float,
) -> tuple[float, float]:
    """Items per second, and microseconds of server CPU per item."""
    post(connection, path, next(bodies))
    began, used, items = time.perf_counter(), cpu_s(process), 0
    while time.perf_counter() - began < seconds:
        post(connection, path, next(bodies))
        items += size
    elapsed, used = time.perf_counter() - began, cpu_s(process) - used
    return items / elapsed, used / items * 1e6


def same(body: bytes) -> Iterator[bytes]:
    while True:
        yield body


def fresh_maths(size: int) -> Iterator[bytes]:
    turn = 0
    while True:
        turn += 1
        yield maths_batch(size, turn)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    rows: dict[tuple[str, int], tuple[float, float]] = {}
    for name in ("bare", "fastapi"):
        port = free_port()
        with served([str(HERE / "echoes.py"), name, str(port)], port) as (process, connection):
            for size in SIZES:
                rows[f"{name} echo", size] = measure(
                    process, connection, "/", same(grounding_batch(size)), size, seconds
                )
    port = free_port()
    with served(["-m", "reward_service", "serve", "--port", str(port)], port) as (process, connection):
        for size in SIZES:
            body = same(grounding_batch(size))
            rows["grounding", size] = measure(process, connection, "/reward/grounding", body, size, seconds)
        for size in SIZES:
            rows["maths", size] = measure(
                process, connection, "/reward/math", fresh_maths(size), size, seconds
            )
    print(f"{'what':14}{'items':>6}{'items/s':>12}{'CPU µs/item':>14}{'x bare':>9}{'x fastapi':>11}")
    for (name, size), (rate, cost) in rows.items():
        bare, fastapi = rows["bare echo", size][1], rows["fastapi echo", size][1]
        print(f"{name:14}{size:6}{rate:12,.0f}{cost:14.1f}{cost / bare:9.1f}{cost / fastapi:11.1f}")


if __name__ == "__main__":
    main()
