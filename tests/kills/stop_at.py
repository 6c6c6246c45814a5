"""Run a program and SIGKILL it before the n-th thing it does to a file of its folder: `stop_at.py PROGRAM N ROOT ...`.

N = 0 lets it run, and prints the number of things at the end.
"""

import os
import runpy
import signal
import sys

EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.listdir", "os.scandir"}
program, stop_at, root = sys.argv[1], int(sys.argv[2]), sys.argv[3]
count = 0


def hook(event: str, arguments: tuple) -> None:
    global count
    if event in EVENTS and arguments and str(arguments[0]).startswith(root):
        count += 1
        if count == stop_at:
            os.kill(os.getpid(), signal.SIGKILL)


sys.argv = [program, *sys.argv[3:]]
sys.path.insert(0, os.path.dirname(program))
sys.addaudithook(hook)
runpy.run_path(program, run_name="__main__")
print("operations", count, file=sys.stderr)
