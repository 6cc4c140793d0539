"""What goes wrong in production, done on purpose to a running stack. Each runs until the load is over."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable

import psutil
from aiokafka import AIOKafkaProducer

from bench.stack import Stack
from local import daemon
from local.parts.kafka import Kafka
from local.parts.postgres import Postgres
from local.processes import Service, start_services
from local.stack import environment
from shared.contracts import SERVICES, Topic
from shared.contracts.asyncapi import HEARD_BY
from shared.kafka import client

HEARERS = ("linkage", "scoring", "alerts", "audit")
FROZEN_SECONDS = (12.0, 16.0)
"""The broker gives a silent member's partitions away after ten."""
Harm = Callable[[Stack, asyncio.Event, random.Random], Awaitable[int]]
"""Does its harm again and again; how often."""


async def kill_services(stack: Stack, over: asyncio.Event, chance: random.Random) -> int:
    """``kill -9`` of a service at random, started again as an orchestrator would."""
    return await _each(over, chance, lambda: _end(stack, chance.choice(SERVICES), signal.SIGKILL))


async def end_services(stack: Stack, over: asyncio.Event, chance: random.Random) -> int:
    """SIGTERM under load: the service finishes what it holds and leaves."""
    return await _each(over, chance, lambda: _end(stack, chance.choice(SERVICES), signal.SIGTERM))


async def freeze_services(stack: Stack, over: asyncio.Event, chance: random.Random) -> int:
    """SIGSTOP of a service for longer than the broker waits for a member, while a second replica has its partitions;
    then it goes on, with what it held in its hands, as if no time had passed."""

    async def harm() -> None:
        name = chance.choice(HEARERS)
        running = daemon.find(stack.home, name)
        if running is None:
            return
        daemon.signalled(running, signal.SIGSTOP)
        try:
            await _visitor(stack, chance, name, chance.uniform(*FROZEN_SECONDS))
        finally:
            daemon.signalled(running, signal.SIGCONT)
        await asyncio.to_thread(start_services, stack.home, stack.up.parts, names=[name])  # if it has left

    return await _each(over, chance, harm)


async def kill_broker(stack: Stack, over: asyncio.Event, chance: random.Random) -> int:
    async def harm() -> None:
        kafka = Kafka(stack.home)
        kafka.kill()
        await asyncio.to_thread(kafka.start)

    return await _each(over, chance, harm)


async def restart_database(stack: Stack, over: asyncio.Event, chance: random.Random) -> int:
    async def harm() -> None:
        postgres = Postgres(stack.home)
        if chance.random() < 0.5:
            await asyncio.to_thread(postgres.stop)
        else:
            postgres.kill()
        await asyncio.to_thread(postgres.start)

    return await _each(over, chance, harm)


async def rebalance(stack: Stack, over: asyncio.Event, chance: random.Random) -> int:
    """A second replica of a service joins and is killed or leaves, so partitions change hands all the time."""
    return await _each(over, chance, lambda: _visitor(stack, chance, chance.choice(HEARERS), chance.uniform(2.0, 5.0)))


async def poison(stack: Stack, over: asyncio.Event, chance: random.Random) -> int:
    """Unreadable messages straight onto every topic, past every check. Returns how many ears heard one."""
    heard = 0
    async with AIOKafkaProducer(**client(stack.up.parts.kafka)) as producer:
        while not over.is_set():
            topic = chance.choice([topic for topic in Topic if HEARD_BY[topic]])
            await producer.send_and_wait(topic.spec.name, chance.randbytes(chance.randrange(1, 200)), key=b"poison")
            heard += len(HEARD_BY[topic])
            await _pause(over, 0.05)
    return heard


async def none(stack: Stack, over: asyncio.Event, chance: random.Random) -> int:
    """No harm: what is sent is harm enough (shuffled, twice)."""
    await over.wait()
    return 0


async def _each(over: asyncio.Event, chance: random.Random, harm: Callable[[], Awaitable[None]]) -> int:
    """At least once, then until the load is over."""
    times = 0
    while not times or not over.is_set():
        await _pause(over, chance.uniform(0.3, 2.0))
        await harm()
        times += 1
    return times


async def _end(stack: Stack, name: str, by: signal.Signals) -> None:
    running = daemon.find(stack.home, name)
    if running is not None:
        if by is signal.SIGKILL:
            daemon.kill(stack.home, running)
        else:
            await asyncio.to_thread(daemon.stop, stack.home, running, 40.0)
    await asyncio.to_thread(start_services, stack.home, stack.up.parts, names=[name])


async def _visitor(stack: Stack, chance: random.Random, name: str, seconds: float) -> None:
    env = environment(stack.home, stack.up.parts, name) | {"JIGSAW_HTTP_PORT": str(stack.home.port("visitor"))}
    command = Service(stack.home, name, env).command(stack.home.port("visitor"))
    running = daemon.start(stack.home, "visitor", command, stack.home.port("visitor"))
    await asyncio.sleep(seconds)
    psutil.Process(running.pid).send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
    await asyncio.to_thread(daemon.until, lambda: not daemon.alive(running), 40.0)


async def _pause(over: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        return
