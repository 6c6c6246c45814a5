"""Words for units, months, signs and abbreviations, by language, and the rules that use them. Data, mostly.

English takes a date with slashes for one where only one of its numbers can be the month (voiceclone.phrases); others
are read number by number. French and Spanish have the day first.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from voiceclone import phrases

Rule = tuple[str, Callable[[re.Match], str]]


@dataclass(frozen=True)
class Table:
    """A language's words. `units` maps a sign to (one, many); `money` a sign to num2words' currency."""

    thousands: str = ","
    decimal: str = "."
    months: tuple[str, ...] = ()
    units: dict[str, tuple[str, str]] = field(default_factory=dict)
    signs: dict[str, str] = field(default_factory=dict)
    short: dict[str, str] = field(default_factory=dict)
    date: str = "{day} {month} {year}"
    clock: str = "{hour} {minute}"


_UNITS_EN = {
    "km/h": ("kilometre per hour", "kilometres per hour"), "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometre", "kilometres"), "cm": ("centimetre", "centimetres"), "mm": ("millimetre", "millimetres"),
    "m": ("metre", "metres"), "kg": ("kilogram", "kilograms"), "mg": ("milligram", "milligrams"),
    "g": ("gram", "grams"), "ml": ("millilitre", "millilitres"), "l": ("litre", "litres"), "s": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"), "min": ("minute", "minutes"), "h": ("hour", "hours"),
    "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"), "kB": ("kilobyte", "kilobytes"),
    "TB": ("terabyte", "terabytes"), "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"),
    "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"), "V": ("volt", "volts"),
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"), "m²": ("square metre", "square metres"), "m³": ("cubic metre", "cubic metres"),
    "km²": ("square kilometre", "square kilometres"), "MHz": ("megahertz",) * 2, "GHz": ("gigahertz",) * 2,
    "ft": ("foot", "feet"), "lb": ("pound", "pounds"), "oz": ("ounce", "ounces"),
}  # fmt: skip

TABLES = {
    "en": Table(
        months=(
            "January", "February", "March", "April", "May", "June", "July", "August", "September",
            "October", "November", "December",
        ),  # fmt: skip
        units=_UNITS_EN,
        signs={"%": "percent", "&": "and", "+": "plus", "=": "equals", "×": "times", "@": "at", "§": "section"},
        short={
            "Dr.": "Doctor", "Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Prof.": "Professor",
            "e.g.": "for example", "i.e.": "that is", "etc.": "and so on", "vs.": "versus", "approx.": "approximately",
            "Jr.": "Junior", "Sr.": "Senior", "Inc.": "Incorporated", "Ltd.": "Limited",
        },
        date="{month} {ordinal}, {year}",
    ),
    "de": Table(
        thousands=".", decimal=",",
        months=(
            "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
            "Oktober", "November", "Dezember",
        ),  # fmt: skip
        units={
            "km/h": ("Kilometer pro Stunde",) * 2, "km": ("Kilometer",) * 2, "cm": ("Zentimeter",) * 2,
            "mm": ("Millimeter",) * 2, "m": ("Meter",) * 2, "kg": ("Kilogramm",) * 2, "g": ("Gramm",) * 2,
            "l": ("Liter",) * 2, "s": ("Sekunde", "Sekunden"), "min": ("Minute", "Minuten"),
            "h": ("Stunde", "Stunden"), "GB": ("Gigabyte",) * 2, "MB": ("Megabyte",) * 2, "°C": ("Grad Celsius",) * 2,
            "kW": ("Kilowatt",) * 2, "Hz": ("Hertz",) * 2, "m²": ("Quadratmeter",) * 2, "m³": ("Kubikmeter",) * 2,
            "km²": ("Quadratkilometer",) * 2, "Std.": ("Stunde", "Stunden"), "Min.": ("Minute", "Minuten"),
        },
        signs={"%": "Prozent", "&": "und", "+": "plus", "=": "gleich", "§": "Paragraf"},
        short={
            "z. B.": "zum Beispiel", "z.B.": "zum Beispiel", "d. h.": "das heißt", "d.h.": "das heißt",
            "usw.": "und so weiter", "Dr.": "Doktor", "Prof.": "Professor", "ca.": "circa", "bzw.": "beziehungsweise",
            "Nr.": "Nummer", "Str.": "Straße", "Mio.": "Millionen", "Mrd.": "Milliarden", "Tel.": "Telefon",
        },
        date="{ordinal}n {month} {year}", clock="{hour} Uhr {minute}",  # as behind am, vom, zum
    ),
    "fr": Table(
        thousands=" ", decimal=",",
        months=(
            "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
            "octobre", "novembre", "décembre",
        ),  # fmt: skip
        units={
            "km/h": ("kilomètre par heure", "kilomètres par heure"), "km": ("kilomètre", "kilomètres"),
            "cm": ("centimètre", "centimètres"), "m": ("mètre", "mètres"), "kg": ("kilogramme", "kilogrammes"),
            "g": ("gramme", "grammes"), "l": ("litre", "litres"), "s": ("seconde", "secondes"),
            "min": ("minute", "minutes"), "h": ("heure", "heures"), "°C": ("degré Celsius", "degrés Celsius"),
        },
        signs={"%": "pour cent", "&": "et", "+": "plus", "=": "égale"},
        short={"M.": "monsieur", "Mme": "madame", "Dr": "docteur", "etc.": "et cetera", "p. ex.": "par exemple"},
        clock="{hour} heures {minute}",
    ),
    "es": Table(
        thousands=".", decimal=",",
        months=(
            "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
            "octubre", "noviembre", "diciembre",
        ),  # fmt: skip
        units={
            "km/h": ("kilómetro por hora", "kilómetros por hora"), "km": ("kilómetro", "kilómetros"),
            "cm": ("centímetro", "centímetros"), "m": ("metro", "metros"), "kg": ("kilogramo", "kilogramos"),
            "g": ("gramo", "gramos"), "l": ("litro", "litros"), "s": ("segundo", "segundos"),
            "min": ("minuto", "minutos"), "h": ("hora", "horas"), "°C": ("grado Celsius", "grados Celsius"),
        },
        signs={"%": "por ciento", "&": "y", "+": "más", "=": "igual a"},
        short={
            "Sr.": "señor", "Sra.": "señora", "Dr.": "doctor", "Dra.": "doctora", "etc.": "etcétera",
            "p. ej.": "por ejemplo",
        },
        date="{day} de {month} de {year}",
    ),
}  # fmt: skip
NONE = Table()
# how others write numbers (Unicode CLDR); the rest as English does. A space is also a narrow one, see text.spoken
_MARKS = dict.fromkeys(("it", "pt", "nl", "da", "el", "tr", "id", "vi"), (".", ","))
_MARKS |= dict.fromkeys(("ru", "pl", "fi", "sv", "no"), (" ", ","))
_ENDS = ("etc.", "usw.", "Inc.", "Ltd.", "Jr.", "Sr.")  # which end a sentence as well
_ONE = {"de": ("ein", "eine"), "fr": ("un", "une"), "es": ("un", "una")}
_FEMALE = ("Sekunde", "Minute", "Stunde", "seconde", "minute", "heure", "hora")


def table_of(language: str) -> Table:
    """A language's table; of those without one it has the marks of numbers alone."""
    thousands, decimal = _MARKS.get(language, (",", "."))
    return TABLES.get(language) or Table(thousands=thousands, decimal=decimal)


_MONEY = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}


def rules(table: Table, language: str) -> list[Rule]:
    """(pattern, what stands in its place), in the order in which they are applied."""
    say = _Sayer(table, language)
    number = say.pattern
    found: list[Rule] = phrases.rules(say, language)
    found += [(rf"(?<!\w){re.escape(s)}(?!\w)", lambda m, s=s, t=t: t + _stop(s, m)) for s, t in table.short.items()]
    if language == "en":
        found.append((r"(?<!\w)No\.(?=\s?\d)", lambda m: "number"))
        found.append((r"(?<!\w)St\.(?=\s+[A-Z])", lambda m: "Saint"))
        found.append((r"(?<=[a-z] )St\.(?!\w)", lambda m: "Street" + _stop("etc.", m)))
    found.append(
        (
            r"https?://(?:www\.)?([\w-]+(?:\.[\w-]+)+)(?:/\S*[\w/])?",
            lambda m: m[1].replace(".", " dot " if language == "en" else ". "),
        )
    )
    if table.months:
        found.append((r"\b(\d{4})-(\d{2})-(\d{2})\b", lambda m: say.date(int(m[1]), int(m[2]), int(m[3]))))
        found.append((r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b", lambda m: say.date(int(m[3]), int(m[2]), int(m[1]))))
        months = "|".join(table.months)
        found.append(
            (rf"\b(\d{{1,2}})\.? ({months}) (\d{{4}})\b", lambda m: say.date(int(m[3]), say.month(m[2]), int(m[1])))
        )
        found.append(
            (rf"\b({months}) (\d{{1,2}}),? (\d{{4}})\b", lambda m: say.date(int(m[3]), say.month(m[1]), int(m[2])))
        )
    if language in ("fr", "es"):
        found.append((r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b", lambda m: say.date(int(m[3]), int(m[2]), int(m[1]))))
    found.append((r"\b([01]?\d|2[0-3]):([0-5]\d)\b(?=(\s?[aApP]\.?[mM]\b)?)",
                  lambda m: say.time(int(m[1]), int(m[2]), bool(m[3]))))  # fmt: skip
    found.append((rf"(?<!\w)([$€£¥])\s?({number})(?!\w)", lambda m: say.money(m[2], m[1])))
    found.append((rf"(?<!\w)({number})\s?([$€£¥])", lambda m: say.money(m[1], m[2])))
    units = "|".join(re.escape(unit) for unit in sorted(table.units, key=len, reverse=True))
    if units:
        found.append((rf"(?<![\w.,])(-?{number})\s?({units})(?!\w)", lambda m: say.unit(m[1], m[2])))
    found.append((rf"(?<![\w.,])(-?{number})\s?%", lambda m: f"{say.number(m[1])} {table.signs.get('%', '%')}"))
    if language == "en":
        found.append((r"\b(\d+)(st|nd|rd|th)\b", lambda m: say.ordinal(int(m[1]))))
        found.append((r"\b(1[1-9]\d\d|20[1-9]\d)\b(?![.,]\d)", lambda m: say.year(int(m[1]))))
    found.append((rf"(?<![\w.,])-?{number}(?!\w|{re.escape(table.thousands)}\d{{3}}\w)", lambda m: say.number(m[0])))
    found.append((rf"(?<=\w){number}|{number}(?=\w)", lambda m: f" {say.number(m[0])} "))  # GPT4, 4K
    found += [(rf"\s?{re.escape(sign)}\s?", lambda m, t=text: f" {t} ") for sign, text in table.signs.items()]
    return found


def _stop(short: str, match: re.Match) -> str:
    """The full stop that an abbreviation has taken from its sentence's end."""
    if short not in _ENDS:
        return ""
    return "." if re.match(r"\s*$|\s+[A-ZÄÖÜÉ]", match.string[match.end() :]) else ""


class _Sayer:
    """Numbers of one language in words; raises what num2words raises where it has none."""

    def __init__(self, table: Table, language: str):
        self.table, self.language = table, {"zh": "zh", "no": "no"}.get(language, language)
        thousands, decimal = re.escape(table.thousands), re.escape(table.decimal)
        self.pattern = rf"(?:\d{{1,3}}(?:{thousands}\d{{3}})+|\d+)(?:{decimal}\d+)?"

    def words(self, value, to: str = "cardinal", **more) -> str:
        from num2words import num2words

        return num2words(value, lang=self.language, to=to, **more)

    def plain(self, text: str) -> float | int:
        text = text.replace(self.table.thousands, "").replace(self.table.decimal, ".")
        return float(text) if "." in text else int(text)

    def number(self, text: str) -> str:
        digits = text.lstrip("-")
        if len(digits) > 15 or (len(digits) > 1 and digits[0] == "0" and digits.isdigit()):  # a code: digit by digit
            return " ".join(self.words(int(d)) for d in digits if d.isdigit())
        return self.words(self.plain(text))

    def ordinal(self, value: int) -> str:
        return self.words(value, "ordinal")

    def year(self, value: int) -> str:
        return self.words(value, "year")

    def month(self, name: str) -> int:
        return self.table.months.index(name) + 1

    def date(self, year: int, month: int, day: int) -> str:
        if not (1 <= month <= 12 and 1 <= day <= 31):
            raise ValueError("no date")
        said = {"day": self.words(day), "month": self.table.months[month - 1], "year": self.year(year)}
        if "{ordinal}" in self.table.date:
            said["ordinal"] = self.ordinal(day)
        return self.table.date.format(**said)

    def time(self, hour: int, minute: int, half: bool = False) -> str:
        """`half` where am or pm follows."""
        if minute == 0 and self.language == "en":
            return self.words(hour) + ("" if half else " o'clock")
        minutes = self.words(minute) if minute else ""
        if self.language == "en" and 0 < minute < 10:
            minutes = f"oh {minutes}"
        return self.table.clock.format(
            hour="ein" if (self.language, hour) == ("de", 1) else self.words(hour), minute=minutes
        ).strip()

    def money(self, text: str, sign: str) -> str:
        value = self.plain(text)
        if sign == "¥":
            return f"{self.words(value)} yen"
        said = self.words(float(value), "currency", currency=_MONEY[sign])
        zero = (", zero cents", " und null Cent", " et zéro centimes", " con cero céntimos", ", zero pence")
        for end in zero:  # nobody says the cents of a round sum
            said = said.removesuffix(end)
        return said

    def unit(self, text: str, unit: str) -> str:
        one, many = self.table.units[unit]
        if text == "1" and self.language in _ONE:
            return f"{_ONE[self.language][one.split()[0] in _FEMALE]} {one}"
        return f"{self.number(text)} {one if self.plain(text.lstrip('-')) == 1 else many}"
