"""What an interpreter brings for installing wheels, as one line of JSON. Changes nothing."""
import json
import platform


def version_of(name):
    try:
        from importlib import metadata
        return metadata.version(name)
    except Exception:
        return None


def tags():
    # pip's own copy: exactly what it would accept.
    try:
        from pip._vendor.packaging import tags as packaging_tags
        found = [str(tag) for tag in packaging_tags.sys_tags()]
        return len(found), found[0]
    except Exception:
        return 0, ""


count, best = tags()
print(json.dumps({"platform": platform.platform(), "pip": version_of("pip"), "wheel": version_of("wheel"), "setuptools": version_of("setuptools"), "tags": count, "best": best}))
