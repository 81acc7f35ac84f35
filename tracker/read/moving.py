"""An instant that knows until when an answer about it goes on to hold."""

from datetime import datetime, timedelta, tzinfo

from tracker.domain.when import FOREVER, TICK


class Moving(datetime):
    """Now: a ``datetime`` that notes with which later instants it is compared. An answer that looks at it through
    comparisons alone stays as it is ``until`` the first of these: none of them would come out otherwise before. On a
    clock in some zone it is shown to the minute. What is worked out from it otherwise holds for this instant only."""

    until: datetime = FOREVER

    def _note(self, other: object) -> None:
        if isinstance(other, datetime) and not datetime.__lt__(other, self):
            first = plain(other) if datetime.__gt__(other, self) else plain(self) + TICK
            self.until = min(self.until, first)

    def __lt__(self, other: datetime) -> bool:  # type: ignore[override]
        self._note(other)
        return super().__lt__(other)

    def __le__(self, other: datetime) -> bool:  # type: ignore[override]
        self._note(other)
        return super().__le__(other)

    def __gt__(self, other: datetime) -> bool:  # type: ignore[override]
        self._note(other)
        return super().__gt__(other)

    def __ge__(self, other: datetime) -> bool:  # type: ignore[override]
        self._note(other)
        return super().__ge__(other)

    def __eq__(self, other: object) -> bool:
        self._note(other)
        return super().__eq__(other)

    __hash__ = datetime.__hash__

    def __add__(self, other: timedelta) -> datetime:  # type: ignore[override]
        self._note(self)
        return plain(self) + other

    def astimezone(self, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        at = plain(self)
        self.until = min(self.until, at.replace(second=0, microsecond=0) + timedelta(minutes=1))
        return at.astimezone(tz)

    @classmethod
    def at(cls, now: datetime) -> "Moving":
        return cls.combine(now.date(), now.timetz())


def plain(at: datetime) -> datetime:
    """The same instant, that notes nothing."""
    return datetime.combine(datetime.date(at), datetime.timetz(at)) if isinstance(at, Moving) else at
