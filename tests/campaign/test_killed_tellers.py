"""kill -9 of whoever cuts and sends: each edition is cut once, everybody is told at least once, and twice only where it
was killed between sending and writing that down, with the same bytes under the same id."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from campaign.forking import Violated, Zygote
from campaign.kills import silent
from campaign.report import report, seed, size
from campaign.teller import Broken, Tell, settings, steps
from delivery import post
from delivery.post import MORNING, World
from delivery.receiver import receiver, says
from sqlalchemy import func, select

from tests.store.kinds import on_sqlite
from tracker.delivery import deliveries, dispatch, notices, sender, subscriptions
from tracker.delivery.deliveries import LEASE
from tracker.delivery.editions import cuts, editions
from tracker.store.engine import reading

SENT = ("after send", "mark")
"""The steps after which a message is out and that is not yet written down."""
UNCOMMITTED = ("cut", "freeze", "insert deliveries", "advance")
"""The steps before the transaction in which an edition is cut is committed."""
WAITING = ("committed", "lease")
"""The steps at which nobody has taken the delivery yet; a claim is committed like anything else."""
TABLES = (editions, cuts, deliveries.deliveries)
KINDS = [("email", False), ("email", True), ("webhook", False), ("webhook", True)]
"""Over which channel, and whether at once."""
MOST = 180
"""As many deaths as there are in one world, a day each: at its hour, summer time or not, something is due."""


@dataclass
class Listener:
    """Who is told, on a port of this machine. ``taken``: id and bytes of each message since it was asked last."""

    port: int
    address: str
    taken: Callable[[], list[tuple[str, bytes]]]


@contextmanager
def listener(channel: str) -> Iterator[Listener]:
    if channel == "email":
        with post.mail_server() as server:

            def mails() -> list[tuple[str, bytes]]:
                found = [
                    (str(mail["Message-ID"]), raw) for mail, raw in zip(server.mails, server.raw, strict=True)
                ]
                server.mails.clear(), server.raw.clear()
                return found

            yield Listener(server.port, "reader@example.org", mails)
        return
    with receiver() as here:

        def requests() -> list[tuple[str, bytes]]:
            found = [(one.headers["webhook-id"], one.body) for one in here.got]
            here.got.clear()
            return found

        yield Listener(here.port, here.url, requests)


@dataclass
class Telling:
    """A world in which tellers are killed: what they are to tell, and what came of it."""

    zygote: Zygote
    url: str
    channel: str
    world: World
    to: Listener
    editions: int = 0
    taken: list[tuple[str, bytes]] = field(default_factory=list)

    def news(self) -> None:
        """On the next day there is something to tell."""
        self.editions += 1
        self.taken = []
        self.world.clock.now = MORNING + timedelta(days=self.editions, hours=-1)
        self.world.log(
            {"type": "talks.held", "subject": "partner:MX"}, title=f"They met, day {self.editions}"
        )
        self.world.clock.forward(hours=1)

    def kill(self, step: str, broken: Broken = "") -> None:
        """A teller's life, to this step; then its lease runs out."""
        self.world.engine.dispose()
        task = Tell(self.url, self.world.clock(), self.channel, self.to.port, step, broken)
        for _ in self.zygote.life(task):
            pass
        silent(self.world.engine)
        self.taken += self.to.taken()
        self.world.clock.now += LEASE

    def go_on(self) -> None:
        """What the next one does, which nobody kills."""
        dispatch.cut_due(self.world.engine, self.world.clock())
        sender.send_due(self.world.engine, self.world.settings, self.world.clock)
        self.taken += self.to.taken()

    def look(self, step: str, cut: bool, times: int, state: str = "accepted") -> None:
        """Violated where not every edition is cut, once and whole, or where the last was not told so many times, by the
        same bytes under the same id."""
        number = self.editions if cut else self.editions - 1
        with reading(self.world.engine) as connection:
            found = [connection.scalar(select(func.count()).select_from(table)) for table in TABLES]
            last = deliveries.listed(connection, limit=1)
        if found != [number] * len(TABLES):
            raise Violated(
                f"killed at {step}: {found} editions, cuts and deliveries, and there should be {number}"
            )
        if len(self.taken) != times or len(set(self.taken)) > 1:
            raise Violated(
                f"killed at {step}: told {len(self.taken)} times, and it should be {times}, all the same"
            )
        if cut and last[0].state != state:
            raise Violated(f"killed at {step}: the delivery is {last[0].state}, and should be {state}")
        if self.taken and not self.taken[0][0].strip("<").startswith(last[0].reference):
            raise Violated(f"killed at {step}: told under another id than is on record")


@contextmanager
def telling(zygote: Zygote, url: str, channel: str, at_once: bool) -> Iterator[Telling]:
    with listener(channel) as to:
        world = post.world(url)
        world.settings = settings(to.port)
        world.subscribe(to.address, channel, at_once=at_once)
        yield Telling(zygote, url, channel, world, to)
        world.engine.dispose()


def kill_tellers(here: Telling, deaths: Iterable[str], broken: Broken = "") -> Counter[str]:
    """Kill a teller of one edition after another at these steps; what was counted."""
    counts = Counter[str]()
    for step in deaths:
        here.news()
        here.kill(step, broken)
        here.go_on()
        here.look(step, cut=True, times=2 if step in SENT else 1)
        counts[f"killed at: {step}"] += 1
        counts["editions, each cut once"] += 1
        counts["told twice, by the same message"] += step in SENT
    return counts


@pytest.mark.parametrize(
    ("channel", "at_once"), [("email", False), ("webhook", True)], ids=["mail", "webhook"]
)
def test_one_after_another_is_killed_a_step_later(
    zygote: Zygote, database_url: str, channel: str, at_once: bool
) -> None:
    """Until the edition is committed there is nothing of it; until it was sent, nobody was told; the last one that is
    killed has sent it and written that down."""
    with telling(zygote, database_url, channel, at_once) as here:
        for _ in range(2):
            here.news()
            for step in steps(channel):
                here.kill(step)
                cut, times = step not in UNCOMMITTED, {"after send": 1, "mark": 2, "marked": 3}.get(step, 0)
                state = "accepted" if step == "marked" else "pending" if step in WAITING else "sending"
                here.look(step, cut, times, state)
            here.go_on()
            here.look("marked", cut=True, times=3)


@pytest.mark.campaign
def test_killed_again_and_again(zygote: Zygote, empty: Callable[[], str], database_url: str) -> None:
    chosen, counts = seed(), Counter[str]()
    for channel, at_once in KINDS:
        deaths = [*steps(channel)] * (size("TELLER_KILLS", 200) // len(KINDS))
        Random(f"{chosen} {channel} {at_once}").shuffle(deaths)
        for first in range(0, len(deaths), MOST):
            with telling(zygote, empty(), channel, at_once) as here:
                counts += kill_tellers(here, deaths[first : first + MOST])
    report("tellers", database_url, chosen, counts)


@on_sqlite
@pytest.mark.parametrize(("broken", "step"), [("marks first", "render"), ("another id", "after send")])
def test_a_teller_that_breaks_its_word_is_found_out(
    zygote: Zygote, database_url: str, broken: Broken, step: str
) -> None:
    with telling(zygote, database_url, "webhook", True) as here, pytest.raises(Violated):
        kill_tellers(here, [step], broken)


@on_sqlite
def test_an_answer_to_a_challenge_that_nobody_wrote_down_is_asked_for_again(
    zygote: Zygote, database_url: str
) -> None:
    with receiver() as here:
        world = post.world(database_url)
        world.settings = settings(here.port)
        made = world.enrol(here.url, "webhook")
        assert made is not None
        here.scripts = [says(200, post.SEALER.token(notices.CONFIRM, made.subscription.id))] * 2
        for _ in zygote.life(Tell(database_url, world.clock(), "webhook", here.port, "mark")):
            pass
        for state in ("pending", "active"):
            with reading(world.engine) as connection:
                assert subscriptions.get(connection, made.subscription.id).state == state
            world.clock.now += timedelta(minutes=5)
            sender.send_due(world.engine, world.settings, world.clock)
        assert len({(one.headers["webhook-id"], one.body) for one in here.got}) == 1
        world.engine.dispose()
