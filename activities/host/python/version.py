"""Version, prefix and base of the interpreter that runs this, as one line of JSON."""
import json
import sys

info = sys.version_info
level = "" if info.releaselevel == "final" else {"alpha": "a", "beta": "b", "candidate": "rc"}[info.releaselevel] + str(info.serial)
print(json.dumps({"version": "%d.%d.%d%s" % (info[0], info[1], info[2], level), "prefix": sys.prefix, "base": sys.base_prefix}))
