"""labkit as a whole: what an import costs, how large it is, and how it stops."""

import os
import resource
import statistics
import subprocess
import sys

from labkit import Stop

from tests.conftest import ROOT

LIBRARY = ROOT / "notebooks-src/lib"
EVERYTHING = "import labkit; from labkit import " + ", ".join(
    sorted(p.stem for p in (LIBRARY / "labkit").glob("*.py") if p.stem != "__init__")
)
# what would make the import slow, and is not needed before it is used; inspect comes with dataclasses and typing
HEAVY = {
    "IPython", "asyncio", "bdb", "concurrent", "ctypes", "dataclasses", "email", "hashlib", "html", "http", "inspect",
    "logging", "matplotlib", "multiprocessing", "numpy", "pdb", "socket", "ssl", "subprocess", "tempfile", "torch",
    "tqdm", "typing", "unittest", "uuid", "xml", "zipfile",
}  # fmt: skip


def python(code):
    """What a fresh Python prints, and the CPU milliseconds that it has taken."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def test_importing_all_of_labkit_loads_nothing_heavy():
    """Measured, and the figure printed; held to by what is loaded, since a busy machine has other times."""
    loaded = {name.partition(".")[0] for name in python(EVERYTHING + "; import sys; print(*sys.modules)")[0].split()}
    assert {"labkit", "disk"} <= loaded and not loaded & HEAVY, loaded & HEAVY
    empty, whole = (statistics.median(python(code)[1] for _ in range(7)) for code in ("pass", EVERYTHING))
    print(f"importing all of labkit: {whole - empty:.0f} ms of CPU over an empty Python's {empty:.0f}")


def test_what_is_imported_late_works_when_it_is_the_first_to_be_used():
    """A seal, a zip and a bar in a Python that has loaded nothing else."""
    code = EVERYTHING + "; from disk import sealed; print(sealed.digest([1])[:8])"
    assert python(code)[0] == "080a9ed4\n"


def test_labkit_stays_small():
    lines = sum(len(p.read_text().splitlines()) for p in (LIBRARY / "labkit").glob("*.py"))
    assert lines < 700


def test_a_stop_shows_its_sentence_and_no_traceback():
    assert Stop("free 3 GB")._render_traceback_() == ["Stopped: free 3 GB"]
