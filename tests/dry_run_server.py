"""A process that has imported snakemake, and calls it in forks of itself: a dry run without the start.

It imports nothing of the project: each fork imports the modules of the working copy that it runs in, as a new
process would.

    python tests/dry_run_server.py  # a JSON object a line: folder, environment, arguments, output
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from typing import Any

# A dry run imports these beside the project; without these lines every fork would import them.
import jsonschema  # noqa: F401
import packaging.version  # noqa: F401
import PIL.PngImagePlugin  # noqa: F401
import pyproj  # noqa: F401
import smart_open  # noqa: F401
from snakemake import cli

INSTALLED = sys.path[1:]  # without the folder of this file


def call(folder: str, environment: dict[str, str], arguments: list[str], output: str) -> int:
    """`python -m snakemake ARGUMENTS` as a new process in `folder` would do it; its exit code."""
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *INSTALLED]
    sys.argv = ["snakemake", *arguments]
    code: Any = 1
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = stop.code
        if isinstance(code, str):  # as python does at its end
            print(code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def main() -> None:
    cli.get_argument_parser()  # collects the plugins
    gc.freeze()  # forks end before garbage is worth collecting
    gc.disable()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(call(**json.loads(line)))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
