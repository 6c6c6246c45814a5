"""How long a unit of a notebook's work takes on a card: its FLOPs and bytes over what the card sustains.

    seconds = sum over the parts of  seconds + tflop / (rate * share) + gb / bandwidth

Nothing overlaps in this model, so it errs on the slow side. `rate` is what the card sustains in 16 or 32 bits, `share`
how much of that a part reaches. Where somebody measured or published the time itself (`known`), that counts instead.

Pure, and mirrored in the page's script: plain dicts and IEEE doubles, `+ - * /`, floor, ceil, min and max; nothing is
rounded but by `rounded`, at the end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Plain = Mapping[str, Any]
CUDA_GB = 0.6  # what CUDA's own context and fragmentation take (videogen.cost.RESERVE_GB)


def rounded(x: float, digits: int) -> float:
    """x to so many digits (0 to 6), halves up: floor(x * 10**digits + 0.5) / 10**digits."""
    scale = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)[digits]
    return math.floor(x * scale + 0.5) / scale


def unit_seconds(choice: Plain, offer: Plain) -> float | None:
    """Seconds of one unit on one card of this offer; None where a rate is unknown."""
    known = choice["known"].get(offer["card"])
    if known:
        return known["seconds"]
    seconds = 0.0
    for part in choice["parts"]:
        seconds += part["seconds"]
        if part["tflop"] > 0:
            rate = offer["half_tflops"] if part["rate"] == "half" else offer["single_tflops"]
            if not rate:
                return None
            seconds += part["tflop"] / (rate * part["share"])
        if part["gb"] > 0:
            if not offer["bandwidth_gbs"]:
                return None
            seconds += part["gb"] / offer["bandwidth_gbs"]
    return seconds if seconds > 0 else None


def grade(choice: Plain, offer: Plain) -> str:
    """How the time is known: as a measured or published time is, else estimated."""
    known = choice["known"].get(offer["card"])
    return known["grade"] if known else "estimated"


def total_seconds(choice: Plain, offer: Plain, units: float, each: float) -> float:
    """Seconds of so many units, of `each` seconds on one card, on all cards of the offer.

    "unit" spreads every unit over the cards (a further one adds `further_card` of the first); "queue" hands whole units
    to each.
    """
    if choice["spread"] == "queue":
        return math.ceil(units / offer["count"]) * each
    return units * each / (1 + (offer["count"] - 1) * choice["further_card"])


def memory_wanted(choice: Plain) -> float:
    """GB that a card must have for the smallest batch."""
    return choice["memory_gb"] + choice["item_gb"]


def batch(choice: Plain, offer: Plain) -> int:
    """Items at a time: the largest power of two that fits the card, at most `item_most`; 1 where items take nothing."""
    if not choice["item_gb"]:
        return 1
    fit = math.floor((offer["memory_gb"] - choice["memory_gb"]) / choice["item_gb"])
    size = 1
    while size * 2 <= min(fit, choice["item_most"]):
        size *= 2
    return size if fit >= 1 else 0


def suited(work: Plain, offer: Plain, asked: str = "") -> tuple[list[Plain], dict[str, Any]]:
    """(the ways of doing the work that suit this machine, the preferred first, {}); or ([], why: code, has, wants).

    `asked` names one way. A way that is only taken when asked for is passed over.
    """
    wanted = [c for c in work["choices"] if (c["id"] == asked if asked else not c["asked_only"])]
    kind = [c for c in wanted if offer["kind"] in c["kinds"]]
    if not kind:
        return [], {"code": "kind", "has": offer["kind"], "wants": wanted[0]["kinds"][0]}
    able = [c for c in kind if _able(c, offer)]
    if not able:
        return [], {"code": "capability", "has": offer["capability"], "wants": min(c["capability_from"] for c in kind)}
    fits = [c for c in able if offer["memory_gb"] is not None and memory_wanted(c) <= offer["memory_gb"]]
    if not fits:
        return [], {"code": "memory", "has": offer["memory_gb"], "wants": min(memory_wanted(c) for c in able)}
    return fits, {}


def _able(choice: Plain, offer: Plain) -> bool:
    if not choice["capability_from"] and not choice["capability_below"]:
        return True
    has = offer["capability"]
    if has is None:
        return False
    return has >= choice["capability_from"] and (not choice["capability_below"] or has < choice["capability_below"])


def verdict(tflops: float, card: Plain) -> str:
    """What a claim that needs so many TFLOP/s of a card (its entry in the table) comes to: "impossible" above the
    published peak, "implausible" above what it sustains, "possible" below; "unknown" where no peak is known."""
    peak, sustained = (card["facts"].get(k, {}).get("value") for k in ("half_peak_tflops", "half_tflops"))
    if not peak:
        return "unknown"
    if tflops > peak:
        return "impossible"
    return "implausible" if sustained and tflops > sustained else "possible"
