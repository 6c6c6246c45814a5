"""Numbers that are read otherwise than one by one: ranges, decades, round sums, ordinals, telephones, kings.

Rules as those of voiceclone.words, applied before them: (pattern, what stands in its place).
"""

import re

_BIG = {
    "en": {"k": "thousand", "m": "million", "bn": "billion", "thousand": "thousand", "million": "million",
           "billion": "billion", "trillion": "trillion"},
    "de": {"Mio.": "Millionen", "Mrd.": "Milliarden", "Millionen": "Millionen", "Milliarden": "Milliarden"},
    "fr": {"millions": "millions", "milliards": "milliards", "M": "millions", "Md": "milliards"},
    "es": {"millones": "millones"},
}  # fmt: skip
_COINS = {
    "en": {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"},
    "de": {"$": "Dollar", "€": "Euro", "£": "Pfund", "¥": "Yen"},
    "fr": {"$": "dollars", "€": "euros", "£": "livres", "¥": "yens"},
    "es": {"$": "dólares", "€": "euros", "£": "libras", "¥": "yenes"},
}
_OF = {"fr": {"millions": " d'", "milliards": " d'"}, "es": {"millones": " de "}}
_TO = {"en": "to", "de": "bis", "fr": "à", "es": "a", "it": "a", "pt": "a", "nl": "tot"}
_KINGS = "Louis|Henry|Charles|George|Edward|Elizabeth|James|William|Richard|Philip|Paul|Pius|Benedict|Leo|Frederick"
_PARTS = "War|Chapter|Part|Volume|Book|Act|Scene|Section|Phase|Type|Level|Stage|Appendix|Article"
_PARTS_OF_ONE = {
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def roman(told: str) -> int:
    """The number of a Roman numeral below 400. Raises ValueError for letters that are none."""
    if not re.fullmatch(r"C{0,3}(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})", told):
        raise ValueError("no numeral")
    values = [_ROMAN[sign] for sign in told]
    after = [*values[1:], 0]
    return sum(-one if one < two else one for one, two in zip(values, after, strict=True))


def rules(say, language: str) -> list:
    """The rules of a language; `say` puts its numbers into words (voiceclone.words)."""
    number = say.pattern
    own = {"en": _english, "de": _german, "fr": _french}.get(language)
    found = [(r"\+\d[\d ()/-]{5,}\d|(?<!\d[ .,])\b0\d{2,5}[ /-]\d[\d -]{3,}\d\b", lambda m: _digits(say, m[0]))]
    found += _sums(say, language, number)
    found += own(say, number) if own else []
    if language in _TO:
        found.append(
            (rf"(?<![\w.,/-])({number})(?:-|\s?–\s?)({number})(?![\w/-]|[.,]\d)", lambda m: _range(say, language, m))
        )
    return found


def _digits(say, told: str) -> str:
    """A telephone's number: digit by digit, a comma where it is written apart."""
    groups = [" ".join(say.words(int(digit)) for digit in group) for group in re.findall(r"\d+", told)]
    return ("plus " if told.startswith("+") else "") + ", ".join(groups)


def _range(say, language: str, match: re.Match) -> str:
    """Two numbers as from and to; years stay figures, which a later rule knows. Raises ValueError where the second is
    smaller: no range."""
    if say.plain(match[1]) >= say.plain(match[2]):
        raise ValueError("no range")
    return f"{match[1]} {_TO[language]} {match[2]}"


def _sums(say, language: str, number: str) -> list:
    """$3.5 million, 2,5 Mio. €: the coin is said behind the amount."""
    big, coins = _BIG.get(language), _COINS.get(language)
    if not big:
        return []
    words = "|".join(re.escape(word) for word in sorted(big, key=len, reverse=True))
    case = "(?i:" if language == "en" else "(?:"

    def said(amount: str, word: str, coin: str) -> str:
        what = big[word.lower() if language == "en" else word]
        between = _OF.get(language, {}).get(what, " ")
        between = " de " if between == " d'" and coins[coin][0] not in "aeiou" else between
        return f"{say.number(amount)} {what}{between}{coins[coin]}"

    signs = "[$€£¥]"
    end = r"(?!\w)"
    return [
        (rf"({signs})\s?({number})\s?({case}{words})){end}", lambda m: said(m[2], m[3], m[1])),
        (rf"(?<!\w)({number})\s?({case}{words}))\s?({signs}){end}", lambda m: said(m[1], m[2], m[3])),
    ]


def _english(say, number: str) -> list:
    months = "|".join(say.table.months)
    short = {month[:3]: month for month in say.table.months} | {"Sept": "September"}

    def decade(told: str) -> str:
        return re.sub(r"y$", "ie", say.year(int(told)) if len(told) == 4 else say.words(int(told))) + "s"

    return [
        (rf"\b({'|'.join(short)})\. (?=\d)", lambda m: f"{short[m[1]]} "),
        (r"\b((?!\d00-)\d{3}-\d{4}|\(?\d{3}\)?[ -]\d{3}-\d{4})\b", lambda m: _digits(say, m[0])),
        (r"(?:['’]|\b(?=\d{4}))(\d{2}0|\d0|\d{3}0)['’]?s\b", lambda m: decade(m[1])),
        (rf"\b({months}) (\d{{1,2}})(?:st|nd|rd|th)?\b(?![.:]\d|,? \d{{4}})", lambda m: f"{m[1]} {_day(say, m[2])}"),
        (rf"\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({months})\b(?! \d)", lambda m: f"{_day(say, m[1])} of {m[2]}"),
        (r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b", lambda m: _slashes(say, m)),
        (r"(?<![\w./])((\d+) )?([123]/[234])(?![\w/])",
         lambda m: f"{say.words(int(m[2]))} and {_part(m[3], True)}" if m[1] else _part(m[3], False)),
        (rf"\b({_KINGS}) ([IVXLC]{{1,6}})\b(?!['.]\w)",
         lambda m: f"{m[1]} the {say.ordinal(roman(m[2]))}" if len(m[2]) > 1 or m[2] in "VX" else m[0]),
        (rf"\b({_PARTS}) ([IVXLC]{{1,6}})\b(?!(?<=[a-qs-z] I) [a-z])",  # the Part I like; World War I began
         lambda m: f"{m[1]} {say.words(roman(m[2]))}"),
        (r"(?<![\d.,])\d+(?:\.\d+){2,}\b", lambda m: " " * m.string[: m.start()][-1:].isalpha()
         + " point ".join(say.words(int(part)) for part in m[0].split("."))),
    ]  # fmt: skip


def _day(say, told: str) -> str:
    """A day of a month. Raises ValueError for what is none."""
    if not 1 <= int(told) <= 31:
        raise ValueError("no day")
    return say.ordinal(int(told))


def _part(told: str, behind: bool) -> str:
    """A common fraction; behind a whole number it is "a half". Raises KeyError for others."""
    return re.sub("^one", "a", _PARTS_OF_ONE[told]) if behind else _PARTS_OF_ONE[told]


def _slashes(say, match: re.Match) -> str:
    """A date with slashes where only one of the two can be the month; else its numbers one after the other."""
    first, second, year = (int(part) for part in match.groups())
    if first > 12 or (second <= 12 and first == second):
        return say.date(year, second, first)
    if second > 12:
        return say.date(year, first, second)
    return f"{say.words(first)}, {say.words(second)}, {say.year(year)}"


def _german(say, number: str) -> list:
    months = "|".join(say.table.months)
    strong = r"(?i:am|vom|zum|dem|den|des|im|beim|ab dem)"

    def day(before: str, told: str, month: str) -> str:
        return (
            f"{before}{say.ordinal(int(told))}{'' if before.strip().lower() in ('der', 'die', 'das') else 'n'} {month}"
        )

    return [
        (rf"\b([Dd]er )(\d{{1,2}})\. ({months}) (?=\d{{4}}\b)", lambda m: day(m[1], m[2], m[3]) + " "),
        (r"\b([Dd]er )(\d{1,2})\.(\d{1,2})\.(?=\d{4}\b)",
         lambda m: day(m[1], m[2], say.table.months[_month(m[3])]) + " "),
        (rf"\b((?:[Dd]er )?)(\d{{1,2}})\. ({months})\b(?! \d{{4}})", lambda m: day(m[1], m[2], m[3])),
        (r"\b((?:[Dd]er )?)(\d{1,2})\.(\d{1,2})\.(?!\d)",
         lambda m: day(m[1], m[2], say.table.months[_month(m[3])])),
        (rf"\b({strong}) (\d{{1,3}})\. (?=[A-ZÄÖÜ])", lambda m: f"{m[1]} {say.ordinal(int(m[2]))}n "),
        (r"\b([Dd]er|[Dd]ie|[Dd]as) (\d{1,3})\. (?=[A-ZÄÖÜ])", lambda m: f"{m[1]} {say.ordinal(int(m[2]))} "),
        (r"\b(1?\d|2[0-4])[.:]([0-5]\d)\s?Uhr\b", lambda m: say.time(int(m[1]), int(m[2]))),
        (r"\b1\s?Uhr\b", lambda m: "ein Uhr"),
        (r"\b(\d{3}0)er\b", lambda m: f"{say.year(int(m[1]))}er"),
        (r"(?<![\w.,-])(1[1-9]\d\d)(?![\w]|[.,]\d)", lambda m: say.year(int(m[1]))),
    ]  # fmt: skip


def _month(told: str) -> int:
    """A month's place in its table. Raises ValueError."""
    if not 1 <= int(told) <= 12:
        raise ValueError("no month")
    return int(told) - 1


def _french(say, number: str) -> list:
    return [
        (r"\b([01]?\d|2[0-3])\s?h\s?([0-5]\d)\b", lambda m: say.time(int(m[1]), int(m[2]))),
        (r"\b1er\b", lambda m: "premier"),
        (r"\b(\d{1,3})e\b", lambda m: say.ordinal(int(m[1]))),
    ]
