# %% [markdown]
# # labkit and session in a notebook
# A reference notebook: what its cells print is stored in `labkit_tour.ipynb`, and nbval compares.

# %%
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path("../../notebooks-src/lib").resolve()))

from labkit import Stop, storage
from session import machine, start

# %%
for capability in ((6, 0), (7, 5), (8, 0), (9, 0), None):
    print(capability, machine.dtype_name(capability))

# %%
folder = Path(tempfile.mkdtemp())
folders = storage.Folders(folder / "work", folder / "outputs", None, kept=False)
for path in (folders.work, folders.outputs):
    path.mkdir()
storage.write_whole(folders.work / "losses.csv", b"step,loss\n1,9.0\n2,8.5\n")
print(storage.keep(folders.work / "losses.csv", folders).relative_to(folder).as_posix())
print((folders.outputs / "losses.csv").read_text())

# %%
print(
    start.wrong_place((("A lab that is not here", "ANYLAB_NO_SUCH_VARIABLE", "", "https://example.org"),))
    or "right here"
)

# %%
print(Stop("free 3 GB of disk, then run again")._render_traceback_())
