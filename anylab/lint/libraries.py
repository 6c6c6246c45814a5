"""Rules about the library modules that travel in notebooks."""

from __future__ import annotations

from collections.abc import Iterable

from anylab import syntax
from anylab.errors import Origin, Problem
from anylab.library import Module
from anylab.lint import Collection, rule

# modules that the interpreter or IPython import while starting: a file of that name hides them from any script run
# from its folder (a list of our own, since sys.stdlib_module_names differs between Pythons)
_STARTUP = frozenset(
    [
        "abc",
        "ast",
        "code",
        "codecs",
        "copy",
        "enum",
        "io",
        "json",
        "logging",
        "os",
        "platform",
        "re",
        "signal",
        "site",
        "socket",
        "string",
        "types",
    ]
)


@rule("library/hides-the-standard-library", on="module")
def no_module_hides_the_standard_library(module: Module, around: Collection) -> Iterable[Problem]:
    leaf = module.name.rpartition(".")[2]
    if not module.package and leaf in _STARTUP:
        what = f"a module named '{leaf}' hides the standard library's from scripts run in its folder; rename it"
        yield Problem(Origin(module.file, 1), what)


@rule("library/syntax", on="module")
def the_module_parses_on_every_python(module: Module, around: Collection) -> Iterable[Problem]:
    found = syntax.old_fstring_fault(module.text)  # the loader has parsed it by the grammar of the oldest
    if found:
        yield Problem(Origin(module.file, found[0]), f"does not parse on Python 3.11 to 3.13: {found[1]}")
