"""Amounts as people read them. The page's script has the same functions (page/amounts.js), and a test compares them."""

from __future__ import annotations

import math


def duration(hours: float) -> str:
    """0.0125 -> '45 s', 0.03 -> '1.8 min', 0.2 -> '12 min', 3.4 -> '3.4 h', 60 -> '2.5 days'; one to three digits."""
    seconds = hours * 3600
    if seconds < 1:
        return "under 1 s"
    if seconds < 59.5:
        return f"{_half_up(seconds)} s"
    if seconds < 597:  # a whole minute says too little of few: 1 would be all from 60 to 89 seconds
        return f"{_tenth(seconds / 60)} min"
    if seconds < 3570:
        return f"{_half_up(seconds / 60)} min"
    if hours < 47.95:
        return f"{_tenth(hours)} h"
    return f"{_tenth(hours / 24)} days"


def money(usd: float) -> str:
    """0 -> '0 USD', 0.125 -> '0.13 USD', 1234 -> '1,234 USD'."""
    if usd == 0:
        return "0 USD"
    if usd < 100:
        cents = math.floor(usd * 100 + 0.5)
        return f"{cents // 100}.{cents % 100:02d} USD" if cents else "under 0.01 USD"
    return f"{_half_up(usd):,} USD"


def number(value: float) -> str:
    """30.0 -> '30', 12.7 -> '12.7', 112640 -> '112,640'."""
    if value == math.floor(value):
        return f"{int(value):,}"
    return f"{value:g}"


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _tenth(value: float) -> str:
    tenths = math.floor(value * 10 + 0.5)
    return f"{tenths // 10}" if tenths % 10 == 0 or tenths >= 1000 else f"{tenths // 10}.{tenths % 10}"
