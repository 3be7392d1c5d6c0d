#!/bin/bash
# The documents' procedure for a project that has nothing but a large lock: the steps of shell-procedure.sh that do not need
# the example. Says on standard output how long each phase took: "phase NAME SECONDS".
#   shell-large.sh PROJECT PYTHON
set -euo pipefail
cd "$1"
python311=$2
stamp=$(date +%Y%m%d_%H%M%S)
begun=$EPOCHREALTIME
phase() {
  local now=$EPOCHREALTIME
  echo "phase $1 $(awk -v a="$begun" -v b="$now" 'BEGIN { printf "%.3f", b - a }')"
  begun=$EPOCHREALTIME
}

# 3.1 Back up the current environment
cp -r .venv ".venv.backup.$stamp"
.venv/bin/python -m pip freeze > "requirements.frozen.$stamp"
phase backup

# 3.2 and 4.1 Create the fallback environment and install
rm -rf .venv
"$python311" -m venv .venv
source .venv/bin/activate
pip install -q -r requirements.txt
phase install

# 5.1 Verify the installation
pip freeze > requirements.lock
python -c "
import pandas as pd
import numpy as np
import requests
import sqlalchemy
print('All critical imports successful')
"

# 5.3 Performance
{ time python -c "import pandas as pd; df = pd.DataFrame({'a': range(1000000)}); print(df.sum())"; } 2>> performance.log
echo "Fallback performance test: $(date)" >> performance.log
phase verify
