"""Execute the reference notebooks and store their outputs: `python -m tests.nbval.make`.

Look at the diff before you commit it.
"""

from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def main() -> None:
    for source in sorted(HERE.glob("*_tour.py")):
        notebook = jupytext.read(source)
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        NotebookClient(notebook, resources={"metadata": {"path": str(HERE)}}).execute()
        notebook.nbformat_minor = 4
        for cell in notebook.cells:
            cell.pop("id", None)
            cell.metadata = {}
        notebook.metadata = {"kernelspec": notebook.metadata.kernelspec}
        nbformat.write(notebook, source.with_suffix(".ipynb"))
        print(source.with_suffix(".ipynb").name)


if __name__ == "__main__":
    main()
