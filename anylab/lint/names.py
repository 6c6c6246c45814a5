"""What an import is called, and what brings it: the standard library of every supported Python, and the packages whose
import name is not their own.

The verdict on an import must not depend on the Python that builds, so the standard library is a list: the modules that
Python 3.11, 3.12 and 3.13 all have (`sys.stdlib_module_names` of 3.11.7, 3.12.1 and 3.13.0, compared on 2026-11-20).
What a newer Python dropped (`telnetlib`, `distutils`) is therefore no part of it: it would fail on the newest platform.
"""

from __future__ import annotations

from anylab.images import normal

_STDLIB = """
abc antigravity argparse array ast asyncio atexit base64 bdb binascii bisect builtins bz2 cProfile calendar cmath cmd
code codecs codeop collections colorsys compileall concurrent configparser contextlib contextvars copy copyreg csv
ctypes curses dataclasses datetime dbm decimal difflib dis doctest email encodings ensurepip enum errno faulthandler
fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp
gzip hashlib heapq hmac html http idlelib imaplib importlib inspect io ipaddress itertools json keyword linecache
locale logging lzma mailbox marshal math mimetypes mmap modulefinder msvcrt multiprocessing netrc nt ntpath nturl2path
numbers opcode operator optparse os pathlib pdb pickle pickletools pkgutil platform plistlib poplib posix posixpath
pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib
resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtplib socket socketserver
sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep struct subprocess symtable sys
sysconfig syslog tabnanny tarfile tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib
trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uuid venv warnings wave
weakref webbrowser winreg winsound wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
"""
STDLIB = frozenset(_STDLIB.split())
# a notebook is run by IPython and ipykernel, and no platform is without pip
ALWAYS = frozenset({"__future__", "_thread", "IPython", "ipykernel", "pip"})

# package -> what it is imported as, where that is not the package's own name (from the packages' own documentation)
_OTHER = """
attrs: attr attrs
beautifulsoup4: bs4
chatterbox-tts: chatterbox
coqui-tts: TTS
faiss-cpu: faiss
ffmpeg-python: ffmpeg
fonttools: fontTools
gitpython: git
google-api-python-client: googleapiclient apiclient
ipython: IPython
jax: jax
matplotlib: matplotlib mpl_toolkits pylab
msgpack-python: msgpack
onnxruntime-gpu: onnxruntime
openai-whisper: whisper
opencv-contrib-python: cv2
opencv-contrib-python-headless: cv2
opencv-python: cv2
opencv-python-headless: cv2
pillow: PIL
progressbar2: progressbar
protobuf: google.protobuf
pycryptodome: Crypto
pygithub: github
pyopengl: OpenGL
pyserial: serial
python-dateutil: dateutil
python-docx: docx
python-dotenv: dotenv
python-slugify: slugify
pywavelets: pywt
pyyaml: yaml
pyzmq: zmq
resemble-perth: perth
scikit-image: skimage
scikit-learn: sklearn
sentence-transformers: sentence_transformers
setuptools: setuptools pkg_resources
tensorflow-cpu: tensorflow
torch: torch functorch torchgen
umap-learn: umap
"""
_IMPORTED_AS = {line.partition(":")[0]: tuple(line.partition(":")[2].split()) for line in _OTHER.strip().splitlines()}


def imports_of(package: str) -> tuple[str, ...]:
    """What a package is imported as: the names known to differ, else its own with underscores."""
    name = normal(package)
    return _IMPORTED_AS.get(name, (name.replace("-", "_"),))


def brought(name: str, known: frozenset[str] | set[str]) -> bool:
    """True when one of the `known` import names brings the dotted `name`; capital letters do not matter."""
    parts = name.lower().split(".")
    return any(".".join(parts[:n]) in known for n in range(1, len(parts) + 1))
