"""Dates as people state them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.domain.when import Moment, asked, moment, rfc3339, zone_of

NEW_YORK, LONDON, TOKYO = "America/New_York", "Europe/London", "Asia/Tokyo"
days = st.dates(date(1900, 1, 2), date(2199, 12, 30))
zones = st.sampled_from([NEW_YORK, LONDON, TOKYO, "Asia/Kolkata", "Pacific/Apia", "UTC"])
instants = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30), timezones=zones.map(ZoneInfo))  # noqa: DTZ001


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "at", "precision"),
    [
        ("2025", utc(2025, 1, 1, 5), "year"),
        ("2025-04", utc(2025, 4, 1, 4), "month"),
        ("2025-04-09", utc(2025, 4, 9, 4), "day"),
        ("2025-04-09T00:01", utc(2025, 4, 9, 4, 1), "minute"),
        ("2025-04-09 00:01", utc(2025, 4, 9, 4, 1), "minute"),
        ("2025-04-09T00:01-05:00", utc(2025, 4, 9, 5, 1), "minute"),
        ("2025-04-09T00:01:02.5Z", utc(2025, 4, 9, 0, 1, 2, 500_000), "minute"),
        (" 2025-04-09 ", utc(2025, 4, 9, 4), "day"),
    ],
)
def test_a_logged_date_starts_in_the_actor_s_zone_and_is_as_precise_as_its_form(
    text: str, at: datetime, precision: str
) -> None:
    assert moment(text, NEW_YORK) == Moment(at, precision)  # type: ignore[arg-type]


def test_by_a_date_is_that_date_at_the_latest() -> None:
    assert moment("by 2025-04-01", NEW_YORK) == Moment(utc(2025, 4, 1, 4), "day", latest=True)
    assert moment("by 2025-04", NEW_YORK) == Moment(utc(2025, 4, 1, 4), "month", latest=True)


@pytest.mark.parametrize(
    "text",
    [
        "", "tomorrow", "9 April 2025", "2025-4-9", "25-04-09", "2025-04-09T", "2025-04-09T00",
        "2025-04-09T00:01 EST", "before 2025-04-09", "by", "2025-04-09/2025-04-10", "2025-W15-3", "20250409",
        "-2025", "2025-04-09\n2",
    ],
)  # fmt: skip
def test_what_is_no_date_is_told_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="write 2025-04-09, 2025-04, 2025, 'by 2025-04-09', or an instant"):
        moment(text, NEW_YORK)


@pytest.mark.parametrize(
    "text", ["2025-02-29", "2025-13", "2025-00-01", "2025-04-31", "2025-04-09T24:00", "2025-04-09T12:60",
             "2025-04-09T12:00+24:00"],
)  # fmt: skip
def test_a_day_that_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date on the calendar"):
        moment(text, NEW_YORK)


@pytest.mark.parametrize(
    "text", ["0000", "0001", "1899-12-31", "2200-01-01", "9999-12-31", "9999-12-31T23:59-05:00"]
)
def test_a_year_far_away_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="outside the years 1900 to 2199"):
        moment(text, "UTC")


def test_an_hour_that_summer_time_skips_counts_as_in_winter_time() -> None:
    assert moment("2025-03-09T02:30", NEW_YORK).at == utc(2025, 3, 9, 7, 30)


def test_an_hour_that_winter_time_repeats_is_the_first_of_the_two() -> None:
    assert moment("2025-11-02T01:30", NEW_YORK).at == utc(2025, 11, 2, 5, 30)


@given(day=days, zone=zones)
def test_a_logged_day_starts_at_midnight_wherever_that_is(day: date, zone: str) -> None:
    at = moment(day.isoformat(), zone).at.astimezone(ZoneInfo(zone))
    assert at.date() == day
    assert at - timedelta(microseconds=1) < datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


@given(at=instants, zone=zones)
def test_an_instant_that_is_written_is_read_back(at: datetime, zone: str) -> None:
    assert asked(rfc3339(at), zone) == at.astimezone(UTC)
    assert moment(rfc3339(at), zone) == Moment(at.astimezone(UTC), "minute")


@given(day=days, zone=zones)
def test_a_bare_day_in_a_question_is_its_last_moment(day: date, zone: str) -> None:
    last = asked(day.isoformat(), zone)
    assert last.astimezone(ZoneInfo(zone)).date() == day
    assert (last + timedelta(microseconds=1)) == moment((day + timedelta(days=1)).isoformat(), zone).at


@pytest.mark.parametrize(("day", "hours"), [("2025-03-09", 23), ("2025-11-02", 25), ("2025-04-09", 24)])
def test_a_day_is_as_long_as_the_clocks_make_it(day: str, hours: int) -> None:
    end = asked(day, NEW_YORK) + timedelta(microseconds=1)
    assert end - moment(day, NEW_YORK).at == timedelta(hours=hours)


@given(text=st.text(max_size=30) | st.from_regex(r"\A[0-9T:+Z. -]{1,30}\Z"), zone=zones)
def test_any_text_is_a_date_or_told_what_to_write(text: str, zone: str) -> None:
    for read in (moment, asked):
        try:
            read(text, zone)
        except ValueError as error:
            assert type(error) is ValueError  # noqa: PT017
            assert repr(text.strip())[1:-1] in str(error) or repr(text)[1:-1] in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "text", ["2025-04-09T12:00", "2025-04", "2025", "now", "", "2025-04-09T12:00 New York"]
)
def test_a_question_needs_a_day_or_an_offset(text: str) -> None:
    with pytest.raises(ValueError, match=r"write a date \(2025-04-09\) or an instant with its offset"):
        asked(text, NEW_YORK)


def test_a_country_s_dates_begin_at_home_and_an_unknown_one_s_in_new_york() -> None:
    assert (zone_of("CN"), zone_of("EU"), zone_of("US"), zone_of("TV")) == (
        "Asia/Shanghai", "Europe/Brussels", NEW_YORK, NEW_YORK,
    )  # fmt: skip
