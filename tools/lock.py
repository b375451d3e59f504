"""Lock requirements/*.txt again from pyproject.toml: exact versions and hashes, and no address of any index."""

from __future__ import annotations

import shutil
import subprocess
import sys

import remedies

OPTIONS = ["--universal", "--generate-hashes", "--no-header", "--no-emit-index-url", "--python-version=3.11", "--quiet"]
SAME_AS_BASE = ["--constraint", "requirements/base.txt"]
FILES = {"base": [], "pg": ["--extra", "pg", *SAME_AS_BASE], "dev": ["--group", "dev", *SAME_AS_BASE]}


def main() -> int:
    """Existing pins are kept unless `--upgrade` is given."""
    uv = shutil.which("uv")
    if uv is None:
        print(remedies.NO_UV)
        return 1
    for name, extra in FILES.items():
        command = [uv, "pip", "compile", "pyproject.toml", "--output-file", f"requirements/{name}.txt"]
        code = subprocess.call([*command, *OPTIONS, *extra, *sys.argv[1:]])
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
