"""What a source build for this interpreter needs and what of it is there.

Argument: one JSON object {path}: the search path a build gets. Output: JSON {cc, header}: where each was found, empty where it
was not.
"""
import json
import os
import shlex
import shutil
import sys
import sysconfig

path = json.loads(sys.argv[1])["path"]
# The compiler this interpreter was built with: setuptools starts the same one.
words = shlex.split(sysconfig.get_config_var("CC") or "cc")
header = os.path.join(sysconfig.get_path("include"), "Python.h")
print(json.dumps({"cc": shutil.which(words[0], path=path) or "", "header": header if os.path.exists(header) else ""}))
