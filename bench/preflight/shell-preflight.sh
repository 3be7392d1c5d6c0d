#!/bin/bash
# The documents' preflight by hand: its seven checks in plain shell, with the same programs started for each. Run in the project, its
# environment active. In our words and with our variable names; what it starts, and what decides the exit code, is theirs.
#   shell-preflight.sh
LINE=3.12
FALLBACK_LINE=3.11
PACKAGES=(pandas numpy fastapi sqlalchemy pytest)
VARIABLES=(BENCH_PYTHON_VERSION BENCH_WHEEL_STATUS)
CRITICAL=(requirements.txt requirements.lock .bench_config)
LOG="preflight_check_$(date +%Y%m%d_%H%M%S).log"

# A date and a tee for every line.
say() { echo "$(date '+%Y-%m-%d %H:%M:%S') - $1" | tee -a "$LOG"; }

opening() {
    say "== Preflight of this environment =="
    say "At: $(date)"
    say "Wanted: Python $LINE.x"
    say "Or: Python $FALLBACK_LINE.x"
    say ""
}

check_python() {
    say "1. Python version"
    if ! command -v python3 > /dev/null 2>&1; then
        say "   no  python3 is not on PATH"
        kind=not_found
        return 1
    fi
    running=$(python3 --version 2>&1 | awk '{print $2}')
    say "   it is $running"
    case "$running" in
        "$LINE"*) kind=primary; say "   yes that is the primary line, $LINE.x" ;;
        "$FALLBACK_LINE"*) kind=fallback; say "   yes that is the fallback line, $FALLBACK_LINE.x" ;;
        *) kind=unsupported; say "   no  $running is neither"; say "   wanted $LINE.x or $FALLBACK_LINE.x"; return 1 ;;
    esac
}

check_environment() {
    say "2. Virtual environment"
    if [[ -z "$VIRTUAL_ENV" ]]; then
        say "   warn none is active"
        say "   one would keep this project to itself"
        return 0
    fi
    say "   yes active: $VIRTUAL_ENV"
    local own
    own=$(python3 --version 2>&1 | awk '{print $2}')
    if [[ "$own" != "$running" ]]; then
        say "   no  the versions differ"
        say "   one is $running, the other $own"
        return 1
    fi
    say "   yes the versions are the same"
}

check_packages() {
    say "3. Packages"
    local missing=0
    for package in "${PACKAGES[@]}"; do
        if python3 -c "import $package" 2> /dev/null; then
            say "   yes $package"
        else
            say "   no  $package"
            missing=$((missing + 1))
        fi
    done
    if [[ $missing -gt 0 ]]; then
        say "   no  $missing are missing"
        return 1
    fi
    say "   yes all are there"
}

check_lock() {
    say "4. Lock"
    if [[ ! -f requirements.lock ]]; then
        say "   no  there is no requirements.lock"
        say "   make one: pip freeze > requirements.lock"
        return 1
    fi
    say "   yes it is there"
    if [[ ! -s requirements.lock ]]; then
        say "   no  it is empty"
        return 1
    fi
    say "   yes it holds something"
    local age=$(($(date +%s) - $(stat -c %Y requirements.lock 2> /dev/null || stat -f %m requirements.lock)))
    if [[ $age -lt 86400 ]]; then
        say "   yes it is of the last 24 hours"
    else
        say "   warn it is older than 24 hours"
    fi
    local installed locked
    installed=$(pip freeze | sort)
    locked=$(cat requirements.lock | sort)
    if [[ "$installed" != "$locked" ]]; then
        say "   no  something else is installed"
        say "   install it, and freeze again"
        return 1
    fi
    say "   yes what is installed is what it names"
}

check_variables() {
    say "5. Variables"
    local missing=0
    for name in "${VARIABLES[@]}"; do
        if [[ -n "${!name}" ]]; then
            say "   yes $name: ${!name}"
        else
            say "   no  $name"
            missing=$((missing + 1))
        fi
    done
    if [[ $missing -eq 0 ]]; then
        say "   yes all are set"
    else
        say "   warn $missing are not set"
        say "   export BENCH_PYTHON_VERSION=$running"
        say "   export BENCH_WHEEL_STATUS=healthy"
    fi
}

check_files() {
    say "6. Permissions"
    local open=0
    for file in "${CRITICAL[@]}"; do
        if [[ ! -f "$file" ]]; then
            say "   -   $file is not there"
        # As the documents test it: a file that others may read is taken for one that they may write.
        elif [[ -w "$file" ]] && stat -c %a "$file" 2> /dev/null | grep -q ".[2-7]$"; then
            say "   no  $file is open to others"
            open=$((open + 1))
        else
            say "   yes $file"
        fi
    done
    if [[ $open -gt 0 ]]; then
        say "   no  $open are open to others"
        return 1
    fi
    say "   yes all are closed to others"
}

check_speed() {
    say "7. Speed"
    say "   a small sum"
    local begun ended took
    begun=$(date +%s.%3N)
    python3 -c "
import time
import pandas as pd
import numpy as np
frame = pd.DataFrame(np.random.randn(1000, 10))
print(f'sum {frame.sum().sum()}')
" > /dev/null 2>&1
    ended=$(date +%s.%3N)
    took=$(echo "$ended - $begun" | bc 2> /dev/null || echo 0)
    if (($(echo "$took < 5.0" | bc -l 2> /dev/null || echo 1))); then
        say "   yes ${took} s"
    else
        say "   warn ${took} s"
        say "   look at wheels and configuration"
    fi
}

summary() {
    local status
    say ""
    say "== Summary =="
    say "Python: $kind"
    case "$kind" in
        primary) say "the primary environment"; status=READY ;;
        fallback) say "the fallback environment"; status=READY_FALLBACK ;;
        *) say "not the right Python"; status=NOT_READY ;;
    esac
    say "Status: $status"
    say "Log file: $LOG"
    say "============"
}

failed=0
opening
check_python || failed=1
check_environment || failed=1
check_packages || failed=1
check_lock || failed=1
check_variables
check_files || failed=1
check_speed
summary
exit $failed
