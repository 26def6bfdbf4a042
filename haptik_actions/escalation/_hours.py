"""The hours of business in which agents answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

__all__ = ["DAYS", "Hours"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Spans of opening per day of the week (Monday is 0), in one time zone. A span that ends before it starts ends on
    the next day."""

    zone: ZoneInfo
    spans: Mapping[int, tuple[tuple[time, time], ...]]

    def are_open(self, at: datetime) -> bool:
        """Tell whether agents answer at `at`, an aware time."""
        here = at.astimezone(self.zone)
        now, today = here.time(), here.weekday()
        for start, end in self.spans.get(today, ()):
            if start <= now < end or (end <= start and now >= start):
                return True
        yesterday = (today - 1) % 7
        return any(end <= start and now < end for start, end in self.spans.get(yesterday, ()))
