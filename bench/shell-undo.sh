#!/bin/bash
# The documents' way back: the backup takes its old place (a copied environment works only there).
#   shell-undo.sh PROJECT
set -euo pipefail
cd "$1"
backup=$(ls -d .venv.backup.* | tail -n 1)
rm -rf .venv
cp -r "$backup" .venv
.venv/bin/python -c "import pandas, numpy, fastapi, sqlalchemy"
