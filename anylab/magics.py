"""IPython's own syntax in Python text: which comments are commands, and which lines are not Python.

In a percent source a magic stands as a comment (`# %pip install x`, `# !nvidia-smi`) so that the file is valid Python.
jupytext brings back more than that: `# cat the files first` becomes a command, `# %s is the name` too. Here a comment
is a command only when it starts with `!` or with the name of a magic that IPython has; all other comments stay.
"""

from __future__ import annotations

import re

# IPython 9 `%lsmagic`, plus the three that Colab, Kaggle and JupyterLab users load most (tensorboard, sql, R)
_NAMES = """
alias alias_magic autoawait autocall automagic autoindent autosave bookmark cat cd clear code_wrap colors conda config
connect_info cp debug dhist dirs doctest_mode edit ed env gui hist history killbgscripts ldir less lf lk ll load
load_ext loadpy logoff logon logstart logstate logstop logs ls lsmagic lx macro magic mamba man matplotlib micromamba
mkdir more mv notebook page pastebin pdb pdef pdoc pfile pinfo pinfo2 pip popd pprint precision prun psearch psource
pushd pwd pycat pylab qtconsole quickref recall rehashx reload_ext rep rerun reset reset_selective rm rmdir run save sc
set_env store subshell sx system tb time timeit unalias uv unload_ext who who_ls whos xdel xmode
bash capture cython file html HTML javascript js latex markdown perl pypy python python2 python3 ruby script sh shell
svg SVG system writefile autoreload tensorboard sql R bigquery load_cython memit mprun lprun cell_magic
"""
MAGICS = frozenset(_NAMES.split())
_PYTHON_BELOW = {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "debug"}  # their cell is Python
_COMMAND = r"(?:%%?(?P<name>[A-Za-z_]\w*)|!{1,2}\s*[\w./~$({\"'-])"
_COMMENTED = re.compile(rf"^(\s*)# ?(?=(?:[\w.,\[\]]+(?:[ ,]+[\w.,\[\]]+)*\s*=\s*)?{_COMMAND})")
_TWICE = re.compile(rf"^(\s*)# (?=#[# ]*{_COMMAND})")  # a command that was a comment in the notebook
_CELL_MAGIC = re.compile(r"^# ?%%[A-Za-z_]")
_MAGIC_LINE = re.compile(r"^\s*(%%?[A-Za-z_]|!|\?{1,2}\s*[A-Za-z_])")
_ASSIGNED = re.compile(r"^(\s*)([\w.,\s\[\]]+?)\s*=\s*(%[A-Za-z_]|!)")
_HELP = re.compile(r"^\s*%?[\w.*]+\?{1,2}\s*$")


def is_commented_magic(line: str) -> bool:
    """True for a comment that stands for a magic or a shell line, or for such a comment in the notebook."""
    return _names_a_command(_COMMENTED.match(line)) or _names_a_command(_TWICE.match(line))


def _names_a_command(found: re.Match[str] | None) -> bool:
    return bool(found) and (found["name"] is None or found["name"] in MAGICS)


def uncomment(source: str) -> str:
    """The source as the notebook shows it: commented magics without their comment sign, every other line as it is.

    A cell magic (`# %%bash`) with a cell of nothing but comments was commented out as a whole, and comes back as a
    whole; where the cell is Python (`# %%time`), or has a line that is no comment, only the magic itself was. A
    command that goes on behind a backslash comes back with all its lines.
    """
    if "%" not in source and "!" not in source:
        return source
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line), 0)
    if lines[first].startswith("%%"):
        return source
    head = len(lines[:first])
    if _CELL_MAGIC.match(lines[first]):
        name = re.match(r"\w*", lines[first].lstrip("# %"))
        whole = all(line.startswith("#") or not line.strip() for line in lines)
        if whole and not (name and name[0] in _PYTHON_BELOW):
            return "\n".join(re.sub(r"^# ?", "", line) for line in lines)
        head = first + 1
    out = [re.sub(r"^# ?", "", line) for line in lines[:head]]
    quoted, carried = "", False
    for line in lines[head:]:
        if carried and line.lstrip().startswith("#"):
            line = re.sub(r"^(\s*)# ?", r"\1", line)
            carried = line.endswith("\\")
            out.append(line)
            continue
        carried = False
        if not quoted and _names_a_command(_COMMENTED.match(line)):
            line = _COMMENTED.sub(r"\1", line)
            carried = line.endswith("\\")
        elif not quoted and _names_a_command(_TWICE.match(line)):
            line = _TWICE.sub(r"\1", line)
        out.append(line)
        quoted = "" if carried else open_quote(line, quoted)
    return "\n".join(out)


def python_only(source: str) -> str:
    """The source with IPython's lines replaced by Python of the same number of lines, for a syntax check.

    An approximation of IPython's own transformer, good enough for a warning about somebody else's notebook.
    """
    lines, out, quoted, carried = source.split("\n"), [], "", False
    first = next((i for i, line in enumerate(lines) if line), 0)
    if lines[first].startswith("%%"):
        name = re.match(r"\w*", lines[first][2:])
        if not (name and name[0] in _PYTHON_BELOW):
            return "\n" * (len(lines) - 1)
        lines[first] = ""
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        assigned = _ASSIGNED.match(line)
        if quoted:
            out.append(line)
        elif carried or _MAGIC_LINE.match(line) or _HELP.match(line):
            out.append("" if carried else indent + "pass")
            carried = line.rstrip().endswith("\\")
            continue
        elif assigned:
            out.append(f"{assigned[1]}{assigned[2]} = None")
            carried = line.rstrip().endswith("\\")
            continue
        else:
            out.append(line)
        quoted = open_quote(line, quoted)
    return "\n".join(out)


_QUOTES = re.compile(r"\\.|'''|\"\"\"|'|\"|#", re.DOTALL)


def open_quote(line: str, quoted: str) -> str:
    """The triple quote still open after `line`, given the one open before it ('' for none)."""
    single = ""
    for found in _QUOTES.finditer(line):
        mark = found.group()
        if quoted:
            quoted = "" if mark == quoted else quoted
        elif single:
            # an apostrophe inside "..." or a triple mark that begins with the closing one
            single = "" if mark[0] == single else single
        elif mark == "#":
            break
        elif len(mark) == 3:
            quoted = mark
        elif mark[0] in "'\"":
            single = mark
    return quoted
