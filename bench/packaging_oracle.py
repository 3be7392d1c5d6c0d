"""Names of a pylock.toml that have no wheel for the interpreter this runs on, judged by the `packaging` library.

    PYTHONPATH=FOLDER_WITH_PACKAGING python packaging_oracle.py pylock.toml
"""

import json
import platform
import sys
import tomllib
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from packaging.specifiers import SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        packages = tomllib.load(file)["packages"]
    supported = set(sys_tags())
    print(json.dumps(sorted(p["name"] for p in packages if not has_wheel(p, supported))))


def has_wheel(package: dict, supported: set) -> bool:
    if not SpecifierSet(package.get("requires-python", "")).contains(platform.python_version()):
        return False
    return any(supported & parse_wheel_filename(file_name(wheel))[3] for wheel in package.get("wheels", []))


def file_name(wheel: dict) -> str:
    return wheel.get("name") or unquote(PurePosixPath(urlsplit(wheel["url"]).path).name)


main()
