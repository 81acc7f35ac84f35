"""When a digest is due: every local date once, at its hour, whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.delivery.schedule import WEEKDAYS, Due, following, instant, latest

ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix", "right"))
)
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


@pytest.mark.campaign
@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_and_local_date_of_seven_years(zone: str) -> None:
    where = ZoneInfo(zone)
    for hour in (0, 1, 2, 3, 8, 23):
        before = None
        for n in range((DAYS[1] - DAYS[0]).days + 1):
            day = DAYS[0] + timedelta(days=n)
            found = instant(day, hour, where)
            assert found is not None
            local = found.astimezone(where).replace(tzinfo=None)
            assert local.date() == day
            assert local.hour == hour or (local - timedelta(hours=hour)).hour <= 1
            assert before is None or timedelta(hours=22) <= found - before <= timedelta(hours=26)
            before = found
