"""The command line that programs with real clients share, and what it chooses."""

import argparse
import pathlib
import sys

from catalogue import all_programs


def parser(description, model=True):
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument(
        "--bin",
        type=pathlib.Path,
        default=here.parents[2] / "target/debug",
        help="folder of the built programs",
    )
    parser.add_argument(
        "--cache", type=pathlib.Path, required=True, help="where what is not ours is installed"
    )
    if model:
        parser.add_argument("--model", type=pathlib.Path, help="folder with scripted_model.py")
    parser.add_argument(
        "--only",
        action="append",
        help="run only what has this in its name; may be given several times",
    )
    parser.add_argument(
        "--keep", type=pathlib.Path, help="leave logs here, in a folder that does not exist"
    )
    return parser


def chosen(only):
    """The clients that --only names, or all."""
    return [
        program for program in all_programs() if wanted(only, f"{program.name} {program.version}")
    ]


def wanted(only, name):
    """Whether --only names this, or nothing."""
    return not only or any(word.lower() in name.lower() for word in only)


def model_of(folder, cache):
    """The scripted model's interpreter and script, or None."""
    if not folder or not (folder / "scripted_model.py").exists():
        return None
    # It needs starlette and uvicorn, which the Python SDK brings.
    sdk = next(program for program in all_programs() if program.name == "Python mcp 1")
    if problem := sdk.install(cache):
        print(f"!! the scripted model cannot run: {problem}", file=sys.stderr)
        return None
    return sdk.python(cache), (folder / "scripted_model.py").resolve()
