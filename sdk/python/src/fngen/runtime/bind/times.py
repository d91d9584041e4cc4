"""Make dates, times and spans of time.

Of our own, since Python's parsers differ between versions: before 3.11 they know
no Z.
"""

from __future__ import annotations

import math
import re
import sys
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

from fngen.runtime.bind.faults import refuse

_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
_ZONE = r"([zZ]|[+-][0-9]{2}:?[0-9]{2})?"
_DATE_ONLY = re.compile(_DATE, re.ASCII)
_TIME_ONLY = re.compile(_TIME + _ZONE, re.ASCII)
_DATETIME = re.compile(_DATE + "[Tt _]" + _TIME + _ZONE, re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?", re.ASCII)
_N = r"(?:([0-9]{1,9})%s)?"
_ISO_SPAN = re.compile(
    r"([+-]?)P(?=.)"
    + (_N % "W")
    + (_N % "D")
    + r"(?:T(?=[0-9])"
    + (_N % "H")
    + (_N % "M")
    + r"(?:([0-9]{1,9})(?:[.,]([0-9]{1,9}))?S)?)?",
    re.ASCII,
)
_CLOCK_SPAN = re.compile(
    r"([+-]?)(?:([0-9]{1,9}) ?(?:days?|d),? ?)?([0-9]{1,2}):([0-9]{2})"
    r"(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?",
    re.ASCII,
)
# Numbers beyond are milliseconds: as seconds they would be the year 2603.
_MILLISECONDS = 2e10
_FIRST, _LAST = -62135596800, 253402300799
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


# What Python's own parser reads as this one does, and several times as fast. Before 3.11 it
# knows no Z.
_PLAIN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?",
    re.ASCII,
)
_HAS_PARSER = sys.version_info >= (3, 11)


def moment(value: Any) -> datetime:
    """Make a datetime of ISO 8601 or of Unix time; what has no zone stays without."""
    if type(value) is str:
        if _HAS_PARSER and _PLAIN.fullmatch(value):
            try:
                return datetime.fromisoformat(value)
            except ValueError:  # told below
                pass
        found = _DATETIME.fullmatch(value)
        try:
            if found:
                year, month, day, hour, minute, second, part, zone = found.groups()
                return datetime(
                    int(year),
                    int(month),
                    int(day),
                    int(hour),
                    int(minute),
                    int(second) if second else 0,
                    _micro(part) if part else 0,
                    _zone(zone) if zone else None,
                )
            found = _DATE_ONLY.fullmatch(value)
            if found:
                year, month, day = found.groups()
                return datetime(int(year), int(month), int(day))
            if _NUMBER.fullmatch(value):
                return _unix(float(value))
        except ValueError as error:
            raise refuse("datetime", "datetime", value, str(error)) from None
    elif type(value) in (int, float):
        try:
            return _unix(value)
        except (ValueError, OverflowError) as error:
            raise refuse("datetime", "datetime", value, str(error)) from None
    raise refuse("datetime", "datetime", value)


def day(value: Any) -> date:
    """Make a date; of a moment only when it is midnight."""
    if type(value) is str:
        found = _DATE_ONLY.fullmatch(value)
        if found:
            try:
                return date(*(int(part) for part in found.groups()))
            except ValueError as error:
                raise refuse("date", "date", value, str(error)) from None
    try:
        whole = moment(value)
    except Exception:
        raise refuse("date", "date", value) from None
    if whole.time() != time():
        raise refuse("date", "date", value, "it has a time")
    return whole.date()


def clock(value: Any) -> time:
    """Make a time of HH:MM[:SS] or of the seconds since midnight."""
    if type(value) is str:
        found = _TIME_ONLY.fullmatch(value)
        if found:
            try:
                return _clock(*found.group(1, 2, 3, 4)).replace(tzinfo=_zone(found[5]))
            except ValueError as error:
                raise refuse("time", "time", value, str(error)) from None
    elif type(value) in (int, float) and 0 <= value < 86400:
        return (datetime(1, 1, 1) + timedelta(microseconds=math.floor(value * 1e6))).time()
    raise refuse("time", "time", value)


def span(value: Any) -> timedelta:
    """Make a timedelta of seconds, an ISO 8601 duration, or [days] HH:MM[:SS]."""
    if type(value) is str:
        found = _ISO_SPAN.fullmatch(value)
        if found:
            sign, weeks, days, hours, minutes, seconds, part = found.groups()
            return _span(value, sign, weeks, days, hours, minutes, seconds, part)
        found = _CLOCK_SPAN.fullmatch(value)
        if found and int(found[4]) < 60 and int(found[5] or 0) < 60 and int(found[3]) < 24:
            sign, days, hours, minutes, seconds, part = found.groups()
            return _span(value, sign, None, days, hours, minutes, seconds, part)
    elif type(value) in (int, float) and abs(value) < 86399999913600:  # a million millennia
        return timedelta(seconds=value)
    raise refuse("timedelta", "timedelta", value)


def _span(value: str, sign: str, *parts: str | None) -> timedelta:
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in parts[:5])
    whole = (weeks * 7 + days) * 86400 + hours * 3600 + minutes * 60 + seconds
    if whole >= 86399999913600:
        raise refuse("timedelta", "timedelta", value, "it is too long")
    length = timedelta(seconds=whole, microseconds=_micro(parts[5]))
    return -length if sign == "-" else length


def _unix(value: float) -> datetime:
    seconds = value / 1000 if abs(value) > _MILLISECONDS else value
    if not _FIRST <= seconds <= _LAST:
        raise ValueError("it is outside of the years 1 to 9999")
    return _EPOCH + timedelta(microseconds=round(seconds * 1e6))


def _clock(hour: str, minute: str, second: str | None, part: str | None) -> time:
    return time(int(hour), int(minute), int(second or 0), _micro(part))


def _micro(part: str | None) -> int:
    return int((part or "0").ljust(6, "0")[:6])


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in "zZ":
        return timezone.utc
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("its zone is a day or more")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
