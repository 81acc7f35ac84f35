"""When a digest is due: every local date once, at its hour, whatever the clocks do."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest
from campaign.report import report, seed
from delivery.clocks import Clocks, Stretch
from hypothesis import given
from hypothesis import strategies as st

from tracker.delivery.schedule import WEEKDAYS, Due, following, instant, latest

ZONES = sorted(available_timezones())
DAYS = (date(2024, 1, 1), date(2030, 12, 31))


def due(day: str, hour: int, zone: str) -> str | None:
    found = instant(date.fromisoformat(day), hour, ZoneInfo(zone))
    return found and f"{found:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("day", "hour", "zone", "expected"),
    [
        ("2025-03-08", 8, "America/New_York", "2025-03-08T13:00"),
        ("2025-03-09", 8, "America/New_York", "2025-03-09T12:00"),  # 23 hours later
        (
            "2025-03-09",
            2,
            "America/New_York",
            "2025-03-09T07:00",
        ),  # there is no 02:00: the first instant after
        ("2025-11-02", 1, "America/New_York", "2025-11-02T05:00"),  # 01:00 comes twice: the first
        ("2025-11-02", 8, "America/New_York", "2025-11-02T13:00"),
        ("2025-03-30", 1, "Europe/London", "2025-03-30T01:00"),
        ("2025-10-26", 1, "Europe/London", "2025-10-26T00:00"),
        ("2024-09-08", 0, "America/Santiago", "2024-09-08T04:00"),  # midnight is skipped
        ("2024-04-26", 0, "Africa/Cairo", "2024-04-25T22:00"),
        (
            "2024-03-30",
            23,
            "America/Nuuk",
            "2024-03-31T01:00",
        ),  # up to midnight: the first instant is the next day's
        ("2024-10-06", 2, "Australia/Lord_Howe", "2024-10-05T15:30"),  # half an hour is skipped
        ("2011-12-30", 8, "Pacific/Apia", None),  # a day that Samoa left out
        ("2011-12-31", 8, "Pacific/Apia", "2011-12-30T18:00"),
    ],
)
def test_the_hour_is_local(day: str, hour: int, zone: str, expected: str | None) -> None:
    assert due(day, hour, zone) == expected


def first_not_before(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The first minute at which a clock on the wall has reached a date and hour: by looking at it minute by minute."""
    wanted = datetime(day.year, day.month, day.day, hour)  # noqa: DTZ001
    at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=16)
    while at.astimezone(zone).replace(tzinfo=None) < wanted:
        at += timedelta(minutes=1)
    return at


@given(st.sampled_from(ZONES), st.dates(*DAYS), st.integers(0, 23))
def test_it_is_due_when_the_clock_on_the_wall_first_reaches_it(zone: str, day: date, hour: int) -> None:
    assert instant(day, hour, ZoneInfo(zone)) == first_not_before(day, hour, ZoneInfo(zone))


@given(
    st.sampled_from(ZONES), st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31)), st.integers(0, 23),  # noqa: DTZ001
    st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True),
)  # fmt: skip
def test_what_is_due_next_follows_what_was_due_last(
    zone: str, naive: datetime, hour: int, weekdays: list[str]
) -> None:
    now, where = naive.replace(tzinfo=UTC), ZoneInfo(zone)
    last = latest(now, hour, where, weekdays)
    after = following(now, hour, where, weekdays)
    assert last is not None
    assert last.at <= now < after.at
    assert following(last.at, hour, where, weekdays) == after
    between = [last.day + timedelta(days=n) for n in range(1, (after.day - last.day).days)]
    assert not [day for day in between if WEEKDAYS[day.weekday()] in weekdays]


def test_only_on_the_days_of_the_week_that_were_chosen() -> None:
    friday = datetime(2025, 3, 14, 13, tzinfo=UTC)
    zone = ZoneInfo("America/New_York")
    assert following(friday, 8, zone, ["mon", "fri"]) == Due(
        date(2025, 3, 17), datetime(2025, 3, 17, 12, tzinfo=UTC)
    )


SAMPLE = (
    "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "America/Havana", "America/New_York", "America/Nuuk",
    "America/Santiago", "America/Scoresbysund", "America/St_Johns", "Antarctica/Troll", "Asia/Gaza", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Europe/London", "Pacific/Apia", "Pacific/Chatham",
)  # fmt: skip
"""Gaps of half an hour and of two, at midnight and up to midnight; summer time that is winter's; forty-five minutes."""
LEFT_OUT = (
    ("Pacific/Apia", "2011-12-30"), ("Pacific/Fakaofo", "2011-12-30"), ("Pacific/Kiritimati", "1994-12-31"),
    ("Pacific/Kanton", "1994-12-31"), ("Pacific/Kwajalein", "1993-08-21"),
)  # fmt: skip
"""The zones that crossed the date line, and the dates that they left out."""
MOMENT = timedelta(microseconds=1)


def assert_due_once(clocks: Clocks, days: Iterable[date], hours: Iterable[int] = range(24)) -> int:
    """Every local date and hour has the instant that the clocks show; how many were asked for."""
    asked = 0
    for hour in hours:
        before = None
        for day in days:
            found = instant(day, hour, clocks.zone)
            assert found == clocks.due(day, hour), (clocks.zone, day, hour, found)
            assert before is None or found is None or before < found, (clocks.zone, day, hour)
            before, asked = found or before, asked + 1
    return asked


def assert_one_follows_another(
    clocks: Clocks, days: Sequence[date], hour: int, weekdays: Sequence[str]
) -> int:
    """From one due digest to the next and back, on these days of the week, without one left out; how many."""
    chosen = [day for day in days if WEEKDAYS[day.weekday()] in weekdays]
    expected = [Due(day, at) for day in chosen if (at := clocks.due(day, hour))]
    for last, due in pairwise(expected):
        assert following(last.at, hour, clocks.zone, weekdays) == due, (clocks.zone, last, hour, weekdays)
        assert following(due.at - MOMENT, hour, clocks.zone, weekdays) == due
        assert latest(due.at, hour, clocks.zone, weekdays) == due
        assert latest(due.at - MOMENT, hour, clocks.zone, weekdays) == last
    return max(len(expected) - 1, 0)


def around(clocks: Clocks, days: int) -> Iterator[list[date]]:
    """The days around each change of the clocks."""
    for change in clocks.changes():
        yield [change + timedelta(days=n) for n in range(-days, days + 1)]


@pytest.mark.parametrize("zone", SAMPLE)
def test_every_hour_around_every_change_of_the_clocks(zone: str) -> None:
    clocks = Clocks(zone, date(2025, 1, 1), date(2025, 12, 31))
    assert_due_once(clocks, [*clocks.days()], (0, 8, 23))
    for days in around(clocks, 2):
        assert_due_once(clocks, days)
        for hour in (0, 1, 2, 3, 23):
            assert_one_follows_another(clocks, days, hour, WEEKDAYS)


@pytest.mark.parametrize(("zone", "left_out"), LEFT_OUT)
def test_a_date_that_a_zone_left_out_has_no_digest_and_its_neighbours_have_theirs(
    zone: str, left_out: str
) -> None:
    day = date.fromisoformat(left_out)
    clocks = Clocks(zone, day - timedelta(days=20), day + timedelta(days=20))
    days = [*clocks.days()]
    assert_due_once(clocks, days)
    for hour in range(24):
        assert instant(day, hour, clocks.zone) is None
        assert_one_follows_another(clocks, days, hour, WEEKDAYS)
        assert_one_follows_another(clocks, days, hour, [WEEKDAYS[day.weekday()]])


# ---------------------------------------------------------------- every zone


LEFT, STEPS = "local dates that a zone leaves out", "from one to the next and back"


def stretches(zone: str) -> tuple[Stretch, ...]:
    return tuple(Clocks(zone, *DAYS).stretches)


def alike(pool: ProcessPoolExecutor, most: int = 10) -> list[list[str]]:
    """The zones whose clocks go alike over these years, a few at a time: what is due is found out once for them."""
    groups: dict[tuple[Stretch, ...], list[str]] = {}
    for zone, found in zip(ZONES, pool.map(stretches, ZONES, chunksize=8), strict=True):
        groups.setdefault(found, []).append(zone)
    return [held[n : n + most] for held in groups.values() for n in range(0, len(held), most)]


def counted(zones: list[str], seed: str) -> Counter[str]:
    """Every local date and hour of seven years in zones that go alike; how much was looked at."""
    clocks, chance = Clocks(zones[0], *DAYS), Random(f"{seed}/{zones[0]}")
    days, counts = [*clocks.days()], Counter({"zones": len(zones)})
    counts["changes of the clocks"] = len(clocks.changes()) * len(zones)
    counts["local dates"] = len(days) * len(zones)
    counts[LEFT] = sum(clocks.due(day, 12) is None for day in days) * len(zones)
    for hour in range(24):
        expected = [(day, clocks.due(day, hour)) for day in days]
        assert all(one < other for one, other in pairwise(at for _, at in expected if at))
        for zone in map(ZoneInfo, zones):
            found = [(day, instant(day, hour, zone)) for day in days]
            assert found == expected, (
                zone,
                hour,
                [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]],
            )
            counts["local dates and hours"] += len(days)
    for hour, weekdays in ((chance.randrange(24), WEEKDAYS), (chance.randrange(24), some(chance))):
        counts[STEPS] += assert_one_follows_another(clocks, days, hour, weekdays)
    for near, hours, weekdays in ((3, range(24), WEEKDAYS), (8, chance.sample(range(24), 6), some(chance))):
        for here in around(clocks, near):
            for hour in hours:
                counts[STEPS] += assert_one_follows_another(clocks, here, hour, weekdays)
    return counts


def some(chance: Random) -> list[str]:
    return chance.sample(WEEKDAYS, chance.randrange(1, len(WEEKDAYS)))


@pytest.mark.campaign
def test_every_zone_and_every_local_date_and_hour_of_seven_years() -> None:
    chosen = seed()
    counts: Counter[str] = Counter({LEFT: 0})
    with ProcessPoolExecutor(2) as pool:
        groups = alike(pool)
        for found in pool.map(counted, groups, [chosen] * len(groups)):
            counts.update(found)
    assert counts["zones"] == len(ZONES)
    report("schedules", "zones", chosen, counts)
