#!/bin/bash
# The wheel fallback as its runbook document writes it, by hand: steps 3.1 to 6.1 in plain shell.
#   shell-procedure.sh PROJECT PYTHON
# Left out: assessment and diagnosis before it (steps 1 and 2), and the performance check (5.3): `runbook run fallback` has all three.
set -euo pipefail
cd "$1"
python311=$2
stamp=$(date +%Y%m%d_%H%M%S)

# 3.1 Back up the current environment
cp -r .venv ".venv.backup.$stamp"
.venv/bin/python -m pip freeze > "requirements.frozen.$stamp"
echo "$(date): Initiating wheel fallback procedure" >> wheel_fallback.log
echo "Primary Python: $(.venv/bin/python --version)" >> wheel_fallback.log
echo "Failure reason: benchmark" >> wheel_fallback.log

# 3.2 Create the fallback environment
rm -rf .venv
"$python311" -m venv .venv
source .venv/bin/activate
python --version

# 3.3 Update the version tracking
export PRICER_PYTHON_VERSION=3.11
echo "python_version=$(python -c 'import platform; print(platform.python_version())')" >> .pricer_config
echo "fallback_reason=wheel_failure" >> .pricer_config
echo "fallback_date=$(date)" >> .pricer_config

# 4.1 Install
pip install -r requirements.txt
pip list | wc -l
python -c "
import sys
print(f'Python version: {sys.version}')
import pandas as pd
import numpy as np
print('Core packages working')
"

# 5.1 Verify the installation
pip freeze > requirements.lock
diff requirements.txt <(pip freeze | cut -d= -f1) > /dev/null || echo "Some packages may have different versions"
python -c "
import pandas as pd
import numpy as np
import fastapi
import sqlalchemy
print('All critical imports successful')
"

# 5.2 Run the test suite
python -m pytest tests/ -x --tb=short
python -c "
import pricer
print('pricer module imports successfully')
"

# 6.1 Update the log
cat >> wheel_fallback.log << EOF
=== Wheel Fallback Completed ===
Date: $(date)
Fallback Python: $(python --version)
Reason: benchmark
EOF
