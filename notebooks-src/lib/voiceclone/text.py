"""Text as it is spoken: numbers, units, dates, money and abbreviations in words, and pieces of at most 200 characters.

Numbers are put into words by num2words, which knows some fifty languages; units and abbreviations by the tables of
voiceclone.words (English, German, French, Spanish). What a table does not know stays as it is, and the preview shows
every change, so that it can be mended by hand.
"""

import re
import unicodedata
from collections import Counter

from labkit import Stop

from voiceclone import words

LONGEST = 200  # characters of a piece: quality falls and retries multiply beyond (VoxCPM's and Chatterbox's issues)
_SCRIPTS = {
    "ru": "CYRILLIC", "el": "GREEK", "ar": "ARABIC", "he": "HEBREW", "hi": "DEVANAGARI", "th": "THAI", "lo": "LAO",
    "km": "KHMER", "my": "MYANMAR", "zh": "CJK", "ja": "CJK HIRAGANA KATAKANA", "ko": "HANGUL",
}  # fmt: skip
_SIGNS = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060\ufe0e\ufe0f\u00ad]")  # invisible ones


def spoken(text: str, language: str = "en") -> tuple[str, list[tuple[str, str]]]:
    """The text in words, and what was changed as (before, after), in order. Never longer than it has to be."""
    changes: list[tuple[str, str]] = []
    table = words.table_of(language)
    text = _without_pictures(re.sub("[\u00a0\u2009\u202f]", " ", unicodedata.normalize("NFC", text)), changes)

    def put(pattern: str, how) -> None:
        nonlocal text

        def change(match: re.Match) -> str:
            try:
                after = how(match)
            except (ValueError, ArithmeticError, LookupError, NotImplementedError, AttributeError, TypeError):
                return match[0]  # num2words lacks the language, its money, or words for the number
            if after != match[0]:
                changes.append((match[0], after))
            return after

        text = re.sub(pattern, change, text)

    for pattern, how in words.rules(table, language):
        put(pattern, how)
    return re.sub(r"[ \t]+", " ", text).strip(), changes


def _without_pictures(text: str, changes: list) -> str:
    """Without emoji and other pictures, which no engine can say, and without control characters."""
    out = []
    for sign in _SIGNS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")):
        if unicodedata.category(sign) == "Cc" and sign not in "\n\t":
            out.append(" ")
        elif unicodedata.category(sign) in ("So", "Cs", "Co", "Sk") and sign not in "°™®©^`":
            changes.append((sign, ""))
            out.append(" ")
        else:
            out.append(sign)
    return "".join(out)


def language(told: str) -> str:
    """A language's two letters, from what people write: "EN", "en-US", " de "; "nb" is Norwegian, as "no" is. Raises
    Stop."""
    code = re.split(r"[-_]", told.strip().lower())[0] if isinstance(told, str) else ""
    if not re.fullmatch(r"[a-z]{2,3}", code):
        raise Stop(f"LANGUAGE is two letters, such as en, de or fr, not {told!r}")
    return {"nb": "no", "nn": "no", "iw": "he", "fil": "tl"}.get(code, code)


def number(told, setting: str, least: float, most: float, whole: bool = False) -> None:
    """Raise Stop when what stands under a setting is no number from `least` to `most`."""
    right = isinstance(told, int if whole else (int, float)) and not isinstance(told, bool) and least <= told <= most
    if not right:
        raise Stop(
            f"{setting} must be {'a whole number from' if whole else 'from'} {least:.10g} to {most:.10g}, not {told!r}"
        )


def judge(text: str, language: str) -> list[str]:
    """Remarks on a text. Raises Stop when it cannot be spoken: empty, no words, another script than the language's."""
    if not text.strip():
        raise Stop("the text is empty: write what is to be said under TEXT, or name a file")
    letters = Counter(_script(sign) for sign in text if sign.isalpha())
    if not letters and not any(sign.isdigit() for sign in text):
        raise Stop(f"'{text.strip()[:20]}' has no words in it: write what is to be said")
    known = set(_SCRIPTS.get(language, "LATIN").split()) | {"LATIN"}
    strange = {script: n for script, n in letters.items() if script not in known}
    share = sum(strange.values()) / max(1, sum(letters.values()))
    names = " and ".join(name.title() for name in sorted(strange, key=strange.get, reverse=True))
    if share > 0.5:
        raise Stop(f"the text is mostly {names}, and LANGUAGE says '{language}': choose the language of the text")
    if strange:
        return [f"{sum(strange.values())} letters are {names}, which a voice for '{language}' may stumble over"]
    return []


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split()[0].partition("-")[0]


def weight(text: str) -> float:
    """How long a text is to say, in letters of an alphabet: a Chinese or Japanese sign is a syllable, about three."""
    return sum(3.0 if _script(sign) in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL") else 1.0 for sign in text)


def seconds(text: str) -> tuple[float, float, float]:
    """(shortest, likely, longest) plausible seconds of a text: 25, 15 and 5 letters a second, and a moment."""
    load = weight(text)
    return 0.2 + load / 25, 0.3 + load / 15, 2.5 + load / 5


def pieces(text: str, longest: int = LONGEST) -> list[tuple[str, float]]:
    """(piece, seconds of pause behind it): sentences, put together or cut so that none is longer than `longest`.

    A paragraph ends a piece, and its pause is longer. A long sentence is cut at commas, then between words."""
    out: list[tuple[str, float]] = []
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*[-*•])", text):
        flat = re.sub(r"\s+", " ", paragraph).strip()
        made: list[str] = []
        for sentence in _sentences(flat):
            for part in _cut(sentence, longest):
                room = made and len(made[-1]) + 1 + len(part) <= longest
                if room and (len(made[-1]) < 40 or len(made[-1]) + len(part) < 80):  # a word alone is said badly
                    made[-1] += " " + part
                else:
                    made.append(part)
        out += [(part, 0.15) for part in made if any(sign.isalnum() for sign in part)]
        if made and out:
            out[-1] = (out[-1][0], 0.45)
    return out


def _sentences(text: str) -> list[str]:
    """Split behind . ! ? … and their like where a new sentence begins; not behind an initial or a number's point."""
    found = re.split(r"(?<=[.!?…。！？؟।])[\"'”’»)]*\s+(?=[^\sa-z])|(?<=[。！？])", text)
    out: list[str] = []
    for part in filter(None, (p.strip() if p else "" for p in found)):
        if out and re.search(r"(^|\s)\w\.$", out[-1]):  # "J. Smith"
            out[-1] += " " + part
        else:
            out.append(part)
    return out


def _cut(sentence: str, longest: int) -> list[str]:
    """A sentence in parts of at most `longest` characters, cut at the last good place before that."""
    out = []
    while len(sentence) > longest:
        head = sentence[:longest]
        spot = max(head.rfind(sign) + 1 for sign in (", ", "; ", ": ", " – ", " - ", "，", "、", "；"))
        if spot < longest // 3:
            spot = head.rfind(" ") + 1
        spot = spot if spot > 0 else longest  # one endless word
        out.append(sentence[:spot].strip())
        sentence = sentence[spot:].strip()
    return [*out, sentence] if sentence else out
