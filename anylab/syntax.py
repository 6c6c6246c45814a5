"""Does a cell parse on every Python that the platforms run (3.11 to 3.13)? The verdict is the same on each of them.

`ast.parse(feature_version=(3, 11))` refuses what later Pythons added, with one gap: on 3.12 and newer it accepts
f-strings that 3.11 refuses (PEP 701: the same quotes, a backslash, a comment or a line break inside the braces). So
f-strings are cut out by the lexical rules of 3.11 and looked at on their own.
"""

from __future__ import annotations

import ast
import functools
import re
import warnings

OLDEST = (3, 11)
# A string literal or a comment as Python 3.11 sees it (its Lib/tokenize.py describes the same language)
_LITERAL = re.compile(
    r"""\#[^\n]* | (?<![\w])(?P<prefix>[rRbBuUfFtT]{0,2})
        (?: (?P<triple>\"{3}|'{3})(?P<long>(?:\\.|(?!(?P=triple)).)*)(?P<end>(?P=triple)|\Z)
          | (?P<quote>["'])(?P<short>(?:\\.|(?!(?P=quote))[^\\\n])*)(?P<close>(?P=quote)?) )""",
    re.VERBOSE | re.DOTALL,
)


@functools.lru_cache(maxsize=512)  # a cell or a module is judged, asked for its imports, and looked at by rules
def parse(code: str) -> ast.Module | None:
    """The tree by the grammar of the oldest Python, None when it does not parse (`fault` says why)."""
    try:
        return tree(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@functools.lru_cache(maxsize=512)
def nodes(code: str) -> dict[type, list[ast.AST]]:
    """Every node of the tree by its type, each list in the order of `ast.walk`; none when it does not parse. A dozen
    rules ask for calls and imports: the tree is walked once for all of them."""
    found: dict[type, list[ast.AST]] = {}
    queue: list[ast.AST] = [parse(code) or ast.Module([], [])]
    for node in queue:  # which grows behind
        found.setdefault(type(node), []).append(node)
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                queue.append(value)
            elif isinstance(value, list):
                queue += [each for each in value if isinstance(each, ast.AST)]
    return found


_STRINGS = re.compile(
    r"""#[^\n]*|(?P<quote>\"{3}|'{3})(?:\\.|(?!(?P=quote)).)*(?P=quote)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""",
    re.DOTALL,
)


def outline(code: str) -> ast.Module | None:
    """The tree of code whose strings do not matter: they are emptied first, so that cells which differ only in
    strings (a platform's setup cell, from notebook to notebook) are parsed once. Lines stay where they are."""
    return parse(_STRINGS.sub(_emptied, code)) or parse(code)


def _emptied(found: re.Match[str]) -> str:
    text = found.group()
    quote = found["quote"] or text[0]
    return "" if quote == "#" else quote + "\n" * text.count("\n") * (len(quote) == 3) + quote


def tree(code: str) -> ast.Module:
    """The same, but raises what the parser raises; under `python -W error` too a warning is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape is a warning whose wording differs between Pythons
        return ast.parse(code, feature_version=OLDEST)


def fault(code: str, deep: bool = True) -> tuple[int, str] | None:
    """(line within the cell, what is wrong), or None when the code parses. Top-level await is fine in a notebook.

    `deep` asks the compiler too, which sees `return` outside a function or a name twice among the parameters; without
    it strings are not looked into.
    """
    if "\0" in code:
        return code[: code.index("\0")].count("\n") + 1, "the code holds a NUL character"
    try:
        parsed = (parse(code) if deep else outline(code)) or tree(code)
        if deep:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(parsed, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        old = old_fstring_fault(code)  # the same words whichever Python noticed it
        return old or (error.lineno or 1, (error.msg or "invalid syntax").split(" (")[0])
    except (ValueError, RecursionError, MemoryError) as error:
        return 1, f"cannot be parsed: {error or 'too deeply nested'}"
    return old_fstring_fault(code)


def old_fstring_fault(code: str) -> tuple[int, str] | None:
    """(line, fault) of the first f-string that Python 3.11 refuses, or None."""
    if not re.search(r"""[fFtT][rR]?["']""", code):
        return None
    for found in _LITERAL.finditer(code):
        prefix = (found["prefix"] or "").lower()
        if "t" in prefix and (found["triple"] or found["quote"]):
            return _at(code, found.start()), "a t-string needs Python 3.14"
        if "f" not in prefix:
            continue
        body = found["long"] if found["triple"] else found["short"]
        closed = found["end"] if found["triple"] else found["close"]
        what = _text(body, 0, 0)[1] if closed else _REUSED
        if what:
            return _at(code, found.start()), what
    return None


_REUSED = "an f-string that reuses its quotes inside the braces needs Python 3.12"


def _at(code: str, position: int) -> int:
    return code.count("\n", 0, position) + 1


def _text(body: str, i: int, level: int) -> tuple[int, str]:
    """(where the text ends, fault): literal text with its fields. `level`: how many format specifications it is in."""
    while i < len(body):
        if level == 0 and body[i : i + 2] in ("{{", "}}"):
            i += 2
        elif body.startswith("\\N{", i):  # a named character
            i = (body.find("}", i) + 1) or len(body)
        elif body[i] == "{":
            i, what = _field(body, i + 1, level)
            if what:
                return i, what
        elif body[i] == "}" and level:
            return i, ""
        else:
            i += 1
    return i, ""


def _field(body: str, start: int, level: int) -> tuple[int, str]:
    """(where it ends, fault) of one replacement field, by the rules of 3.11 (string_parser.c, fstring_find_expr)."""
    if level > 1:
        return start, "a field inside a field's own format needs Python 3.12"
    i, depth, quote = start, 0, ""
    while i < len(body):
        char = body[i]
        if char == "\\" or (char == "#" and not quote):
            return i, "a backslash or comment inside an f-string's braces needs Python 3.12"
        if quote:
            closes = body.startswith(quote, i)
            i += len(quote) if closes else 1
            quote = "" if closes else quote
            continue
        if char in "'\"":
            quote = char * 3 if body.startswith(char * 3, i) else char
            i += len(quote)
            continue
        if depth == 0 and char in ":}!" and body[i : i + 2] != "!=":
            break
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(char, 0)
        i += 2 if body[i : i + 2] == "!=" else 1
    inner = old_fstring_fault(body[start:i])
    if inner:
        return i, inner[1]
    if body[i : i + 1] == "!":
        i += 2
        if body[i : i + 1].isspace():
            return i, "a space after an f-string's conversion needs Python 3.12"
    if body[i : i + 1] == ":":
        i, what = _text(body, i + 1, level + 1)
        if what:
            return i, what
    return i + 1, "" if body[i : i + 1] == "}" else _REUSED
