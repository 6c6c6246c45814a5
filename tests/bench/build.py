"""How much CPU time a build takes: `python -m tests.bench.build [--json] [--sources N] [--platforms N]`.

Every figure is the user + system CPU time of a fresh process (median of three), never wall time: the machine may be
busy. The baseline, measured in the same run, is what most generators do: jinja2, jupytext and nbformat once per
variant, in one process. Counts are deterministic. Nothing fails when a goal is missed: the figures are for people.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

BASELINE = """
import sys, jinja2, jupytext, nbformat
from pathlib import Path
text = "# setup for {{ platform }}\\nprint('{{ platform }}')"
setup = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text)
out = Path(sys.argv[2])
for source in sorted(Path(sys.argv[1]).glob("*.py")):
    for platform in range(int(sys.argv[3])):
        notebook = jupytext.read(source, fmt="py:percent")
        notebook.cells.insert(0, nbformat.v4.new_code_cell(setup.render(platform=platform)))
        (out / f"{platform}-{source.stem}.ipynb").write_text(nbformat.writes(notebook))
"""


def cpu(command: list[str], cwd: Path = ROOT, times: int = 3, before=lambda: None) -> float:
    """Median CPU seconds of a command in a fresh process."""
    seconds = []
    for _ in range(times):
        before()
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=cwd, check=True, capture_output=True)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
    return statistics.median(seconds)


COMPUTING = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from anylab import compile, parsers, project
here = project.open_project(Path(sys.argv[1]))
parsers.jupytext()
start = time.process_time()
size = sum(len(data) for _, data in compile.compile_all(here).files())
print(time.process_time() - start)
"""


def computing(project: Path) -> float:
    """CPU seconds of reading, rendering and emitting everything in one process, imports and writing left out."""
    command = [sys.executable, "-c", COMPUTING, str(project)]
    return float(subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout)


def peak_mb(command: list[str], cwd: Path) -> float:
    """Peak memory of a command in MB (1e6 bytes)."""
    code = f"import resource, subprocess; subprocess.run({command!r}, check=True, capture_output=True); " \
           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"  # fmt: skip
    out = subprocess.run([sys.executable, "-c", code], cwd=cwd, check=True, capture_output=True, text=True).stdout
    return int(out) * (1 if sys.platform == "darwin" else 1024) / 1e6


def project(folder: Path, sources: int, platforms: int) -> Path:
    """A copy of the project with so many sources and platforms; each source is about as long as a real one."""
    folder.mkdir()
    for name in ("anylab", "build.py", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "notebooks-src" / "lib", folder / "notebooks-src" / "lib")
    profiles = sorted((ROOT / "platforms").glob("*/platform.toml"))
    without = [p.parent for p in profiles if "variants = false" in p.read_text()]  # each brings a module: once will do
    real = [p.parent for p in profiles if p.parent not in without]
    for ways in without:
        shutil.copytree(ways, folder / "platforms" / ways.name)
    shutil.copy(ROOT / "platforms" / "cards.toml", folder / "platforms" / "cards.toml")
    for i in range(platforms):
        shutil.copytree(real[i % len(real)], folder / "platforms" / f"{real[i % len(real)].name}-{i}")
    story = "".join(
        f"# %% [markdown]\n# ## Part {n}\n# Some words about part {n}.\n\n# %%\n"
        + "".join(f"value_{n}_{k} = [{k}, {k} + 1, 'text number {k}']\n" for k in range(8))
        + "\n"
        for n in range(12)
    )
    head = "# ---\n# jupyter:\n#   anylab:\n#     title: Generated notebook {i}\n"
    head += '#     packages: ["torch>=2.4"]\n# ---\n\n'
    head += '# %% tags=["parameters"]\nQUICK_TEST = False\n\n'
    for i in range(sources):
        (folder / "notebooks-src" / f"generated_{i}.py").write_text(head.replace("{i}", str(i)) + story)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--sources", type=int, default=100)
    parser.add_argument("--platforms", type=int, default=12)
    options = parser.parse_args()
    python, rows = sys.executable, {}
    build, check = [python, "build.py"], [python, "build.py", "check"]

    with tempfile.TemporaryDirectory() as name:
        ours = Path(name, "ours")
        shutil.copytree(ROOT, ours, ignore=shutil.ignore_patterns(".git", ".anylab", "dist", "*.egg-info"))

        def fresh(where=ours):
            shutil.rmtree(where / ".anylab", ignore_errors=True)
            shutil.rmtree(where / "dist", ignore_errors=True)

        rows["this collection, cold build, s"] = cpu(build, ours, before=fresh)
        rows["this collection, unchanged build, s"] = cpu(build, ours)
        rows["this collection, check, s"] = cpu(check, ours)
        rows["an interpreter that does nothing, s"] = cpu([python, "-c", "pass"])

        count = options.sources * options.platforms
        big = project(Path(name, "big"), options.sources, options.platforms)
        rows[f"{count} variants, cold build, s"] = large = cpu(build, big, 1, lambda: fresh(big))
        rows[f"{count} variants, unchanged build, s"] = cpu(build, big, 1)
        fresh(big)
        rows[f"{count} variants, peak memory, MB"] = peak_mb(build, big)
        rows[f"{count} variants, bytes"] = sum(p.stat().st_size for p in (big / "dist").rglob("*.ipynb"))

        half = project(Path(name, "half"), options.sources, options.platforms // 2)
        fewer = cpu(build, half, 1, lambda: fresh(half))
        further = options.sources * (options.platforms - options.platforms // 2)
        rows["each further variant of a source, built and written, ms"] = 1000 * (large - fewer) / further

        whole, part = (statistics.median(computing(where) for _ in range(3)) for where in (big, half))
        rows["each further variant of a source, computed, ms"] = 1000 * (whole - part) / further

        out = Path(name, "baseline")
        out.mkdir()
        script = [python, "-c", BASELINE, str(big / "notebooks-src"), str(out), str(options.platforms)]
        rows[f"baseline (jinja2 + jupytext + nbformat), {count} variants, s"] = base = cpu(script, big, 1)
        rows["ratio baseline / ours"] = base / large

    if options.json:
        print(json.dumps({"load": os.getloadavg()[0], **rows}))
        return
    print(f"python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}; CPU seconds of fresh processes")
    for label, value in rows.items():
        print(f"{label:62} {value:12,.3f}" if isinstance(value, float) else f"{label:62} {value:12,}")


if __name__ == "__main__":
    main()
