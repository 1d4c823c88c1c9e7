"""Killable worker processes: what runs here can hang, exhaust its memory or crash and harms only its own item.

Each worker answers one task at a time over its own pipe. Workers are forked by the standard library's fork server,
a single-threaded process with the heavy modules preloaded, never by the process that serves requests; so a fresh
worker costs milliseconds, and threads and event loops are never forked.

Why an own supervisor: the budget of a task is *processor time of its worker*, read from the kernel's clock of that
process. A task waits for an idle worker before any clock runs, and a crowded machine slows a task without charging
it, so load never changes a verdict. Process pools (pebble, concurrent.futures) offer wall-clock limits only, and
through threads.

    outcome of a task                           what `run` does
    the function returned or raised             returns the Judgement, raises the RewardError
    CPU, memory or stack budget used up         VerifierTimeout: depends on the input only, cached like a verdict
    the worker died (signal, exit) or stalled   VerifierFailed: retryable, not cached; the worker is replaced
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import signal
import time
from collections import OrderedDict
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from reward_service.isolation_worker import Limits, Reply, serve
from reward_service.rewards.score import Judgement, Pending, RewardError, VerifierFailed, VerifierTimeout

PRELOAD = ("reward_service.isolation_worker", "reward_service.rewards.math.symbolic")
START_S = 60.0  # importing sympy on a busy machine
STALL_FACTOR = 20.0  # wall clock per CPU budget after which a worker that burns no CPU counts as stuck
STALL_FLOOR_S = 10.0
RESPAWN_PAUSE_S = 1.0


class _Worker:
    """One child process and the pipe to it. Used by one task at a time."""

    def __init__(self, limits: Limits, preload: tuple[str, ...]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(preload))
        self.connection, theirs = context.Pipe()
        self.process: ForkServerProcess = context.Process(
            target=serve, args=(theirs, limits, preload), daemon=True
        )
        self.process.start()
        theirs.close()

    def is_gone(self) -> bool:
        """Whether the idle worker has died: an idle pipe is readable only at its end."""
        return self.connection.poll()

    def cpu_s(self) -> float:
        """Processor seconds the worker has used; 0 when it is gone (its pipe then says so)."""
        try:
            # Linux's CPU clock of another process, see clock_getcpuclockid(3)
            return time.clock_gettime((~(self.process.pid or 0) << 3) | 2)
        except OSError:
            return 0.0

    def end(self) -> int | None:
        """Kill, reap and return the exit code (negative: the signal)."""
        self.process.kill()
        self.process.join()
        code = self.process.exitcode
        self.process.close()
        self.connection.close()
        return code

    async def ready(self) -> None:
        """Wait until the worker has imported its modules."""
        if not await _readable(self.connection, START_S):
            raise VerifierFailed(f"a worker was not ready within {START_S:g} s")
        self.connection.recv()

    async def ask(self, request: bytes, timeout_s: float) -> Reply:
        """Send one task, wait for its reply within `timeout_s` of the worker's CPU time."""
        loop = asyncio.get_running_loop()
        started, began = self.cpu_s(), loop.time()
        self.connection.send_bytes(request)
        remaining = timeout_s
        while not await _readable(self.connection, remaining):
            remaining = timeout_s - (self.cpu_s() - started)
            if remaining <= 0:
                raise VerifierTimeout(f"the verifier's budget of {timeout_s:g} s ran out on this input")
            if loop.time() - began > max(STALL_FLOOR_S, STALL_FACTOR * timeout_s):
                raise VerifierFailed("a worker stopped making progress; send the item again")
            remaining = max(remaining, 0.01)
        reply: Reply = self.connection.recv()
        return reply


class Workers:
    """A fixed number of worker processes in front of which tasks queue, first come first served.

    timeout_s: CPU seconds one task may use. memory_bytes: address space of a worker. tasks_per_worker: tasks after
    which a worker is replaced (it is also replaced when it has grown to half its memory). cache_size: outcomes kept.
    Belongs to the event loop that calls `start`.
    """

    def __init__(
        self,
        processes: int,
        timeout_s: float,
        memory_bytes: int,
        *,
        tasks_per_worker: int = 1000,
        cache_size: int = 65536,
        preload: tuple[str, ...] = PRELOAD,
    ) -> None:
        self._processes = processes
        self._limits = Limits(memory_bytes, timeout_s, tasks_per_worker)
        self._preload = preload
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._alive: set[_Worker] = set()
        self._respawning: set[asyncio.Task[None]] = set()
        self._running: dict[Pending, asyncio.Task[Judgement]] = {}
        self._cache = _Cache(cache_size)
        self._stopping = False
        self.restarts = 0

    @property
    def in_flight(self) -> int:
        """Tasks waiting or running."""
        return len(self._running)

    @property
    def busy(self) -> int:
        """Workers running a task or being replaced."""
        return self._processes - self._idle.qsize()

    @property
    def cache_hits(self) -> int:
        """Tasks answered without a worker."""
        return self._cache.hits

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the living workers."""
        return tuple(worker.process.pid for worker in self._alive if worker.process.pid is not None)

    async def start(self) -> None:
        """Start every worker and return when each has its modules loaded. Raises VerifierFailed if one does not."""
        self._stopping = False
        await asyncio.gather(*(self._spawn() for _ in range(self._processes)))

    async def stop(self) -> None:
        """Kill every worker. Tasks in flight raise VerifierFailed."""
        self._stopping = True
        tasks = [*self._running.values(), *self._respawning]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._idle = asyncio.Queue()
        for worker in list(self._alive):
            await self._retire(worker)

    async def run(self, pending: Pending) -> Judgement:
        """The outcome of `pending`, from the cache, from an equal task in flight, or from a worker.

        Raises what the function raised, VerifierTimeout or VerifierFailed (see the module).
        """
        cached = self._cache.get(pending)
        if cached is not None:
            return _unwrap(cached)
        task = self._running.get(pending)
        if task is None:
            if self._stopping:
                raise VerifierFailed("the workers are stopped; send the item again")
            task = asyncio.create_task(self._execute(pending))
            self._running[pending] = task
            task.add_done_callback(lambda _: self._running.pop(pending, None))
        try:
            # a caller that goes away must not take the outcome from others that wait for the same task
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise VerifierFailed("the workers stopped; send the item again") from None
            raise

    async def _execute(self, pending: Pending) -> Judgement:
        request = pickle.dumps((pending.function, pending.arguments))
        worker = await self._take()
        try:
            reply = await worker.ask(request, self._limits.timeout_s)
        except VerifierTimeout as timeout:
            await self._replace(worker)
            self._cache.put(pending, timeout)
            raise VerifierTimeout(*timeout.args) from None
        except (VerifierFailed, asyncio.CancelledError):
            await self._replace(worker)
            raise
        except (EOFError, OSError):
            raise await self._died(worker) from None
        if reply.tired or isinstance(reply.outcome, VerifierTimeout):
            await self._replace(worker)
        else:
            self._idle.put_nowait(worker)
        if not isinstance(reply.outcome, VerifierFailed):
            self._cache.put(pending, reply.outcome)
        return _unwrap(reply.outcome)

    async def _died(self, worker: _Worker) -> RewardError:
        code = await self._replace(worker)
        if code == -signal.SIGXCPU:
            return VerifierTimeout(
                f"the verifier's budget of {self._limits.timeout_s:g} s ran out on this input"
            )
        return VerifierFailed(f"a worker died (exit code {code}); send the item again")

    async def _take(self) -> _Worker:
        while True:
            worker = await self._idle.get()
            if not worker.is_gone():
                return worker
            await self._replace(worker)

    async def _spawn(self) -> None:
        worker = await asyncio.to_thread(_Worker, self._limits, self._preload)
        self._alive.add(worker)
        try:
            await worker.ready()
        except (VerifierFailed, EOFError, OSError, asyncio.CancelledError):
            await self._retire(worker)
            raise
        self._idle.put_nowait(worker)

    async def _respawn(self) -> None:
        while not self._stopping:
            try:
                await self._spawn()
                break
            except (VerifierFailed, EOFError, OSError):
                # no process to be had just now; tasks go on waiting, other workers go on working
                await asyncio.sleep(RESPAWN_PAUSE_S)

    async def _replace(self, worker: _Worker) -> int | None:
        self.restarts += 1
        code = await self._retire(worker)
        if not self._stopping:
            task = asyncio.create_task(self._respawn())
            self._respawning.add(task)
            task.add_done_callback(self._respawning.discard)
        return code

    async def _retire(self, worker: _Worker) -> int | None:
        self._alive.discard(worker)
        # shielded: a worker half ended because the caller was cancelled would stay behind
        return await asyncio.shield(asyncio.to_thread(worker.end))


class _Cache:
    """The outcomes used last, at most `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._outcomes: OrderedDict[Pending, Judgement | RewardError] = OrderedDict()
        self.hits = 0

    def get(self, pending: Pending) -> Judgement | RewardError | None:
        outcome = self._outcomes.get(pending)
        if outcome is not None:
            self.hits += 1
            self._outcomes.move_to_end(pending)
        return outcome

    def put(self, pending: Pending, outcome: Judgement | RewardError) -> None:
        self._outcomes[pending] = outcome
        if len(self._outcomes) > self._size:
            self._outcomes.popitem(last=False)


def _unwrap(outcome: Judgement | RewardError) -> Judgement:
    if isinstance(outcome, Judgement):
        return outcome
    # a fresh exception each time: raising the cached one would grow its traceback
    raise type(outcome)(*outcome.args)


async def _readable(connection: Connection, seconds: float) -> bool:
    """Wait until the pipe has something to read, or its end; False after `seconds`."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    loop.add_reader(connection.fileno(), event.set)
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(connection.fileno())
    return True
