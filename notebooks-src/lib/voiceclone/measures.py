"""How close is it? Similarity of the voice, words that are understood, loudness; numbers with names."""

import re
import unicodedata

import numpy
from media.sound import Sound

from voiceclone import speaker

CLEAR = 0.35  # word error rate above which a sentence is said to be unclear, and tried once more


def plain_words(text: str, language: str = "en") -> list[str]:
    """Words without signs, accents kept, numbers as words; single signs for Chinese and Japanese."""
    from voiceclone import text as texts

    said, _ = texts.spoken(text, language)
    kept = "".join(c if c.isalnum() or c in "' " else " " for c in unicodedata.normalize("NFKC", said).lower())
    if language in ("zh", "ja", "th", "lo", "km", "my"):  # written without spaces
        return [c for c in kept if c.isalnum()]
    return re.sub(r"\b'|'\b", "'", kept).split()


def word_errors(asked: str, heard: str, language: str = "en") -> float:
    """Word error rate: words to change, leave out or put in, over the words that were asked for (0 is perfect)."""
    import jiwer

    wanted, got = plain_words(asked, language), plain_words(heard, language)
    if not wanted:
        return 0.0 if not got else 1.0
    return float(jiwer.wer(" ".join(wanted), " ".join(got) or "-"))


def fault(made: Sound, shortest: float, longest: float) -> str:
    """What is plainly wrong with a sentence's sound, in a few words; "" when nothing is."""
    level = made.samples
    if not len(level) or not numpy.isfinite(level).all():
        return "no sound came out" if not len(level) else "the sound is not a number"
    if float(numpy.abs(level).max()) < 1e-3:
        return "it is silent"
    if made.seconds < shortest * 0.8:
        return f"it ends after {made.seconds:.1f} s, too early for its text"
    if made.seconds > longest * 0.98:
        return f"it goes on for {made.seconds:.1f} s, too long for its text"
    if float((numpy.abs(level) > 0.999).mean()) > 0.01:
        return "it is clipped"
    return ""


def of_piece(made: Sound, voice: numpy.ndarray, asked: str, recogniser, language: str) -> dict:
    """Similarity to the reference's embedding, and the word error rate where there is a recogniser."""
    found = {"similarity": round(speaker.similarity(speaker.embedding(made), voice), 3)}
    if recogniser is not None:
        heard = recogniser.heard(made, language)
        found |= {"word_errors": round(word_errors(asked, heard, language), 3), "heard": heard}
    return found


def rank(take: dict) -> tuple:
    """The better take sorts first: nothing wrong, then clear words and a similar voice, weighed alike."""
    return (bool(take["fault"]), min(1.0, take.get("word_errors", 0.0)) - take.get("similarity", 0.0))


def table(rows: list[tuple[str, str, str]]) -> str:
    """Rows of (what, value, what it means) as lines of at most 46 signs: what a phone shows."""
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    return "\n".join(f"{what:{widths[0]}}  {value:>{widths[1]}}  {means}".rstrip() for what, value, means in rows)
