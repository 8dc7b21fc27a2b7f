# What the scripts of this folder share: sourced by them, with `here` (this folder), `stagegate`, `cache`, `work`, `project`, and `out` set.

# One BLAS thread: a vector then costs, and is, the same whatever else runs.
export HF_HUB_OFFLINE=1 ANONYMIZED_TELEMETRY=False OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
export GIT_AUTHOR_NAME=real GIT_AUTHOR_EMAIL=real@localhost GIT_COMMITTER_NAME=real GIT_COMMITTER_EMAIL=real@localhost
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

passed=0 failed=0

stop() { # a process that this script started, by its id
    [ -z "$1" ] || { kill "$1" 2>/dev/null || true; wait "$1" 2>/dev/null || true; }
}
step() { printf '\n== %s (%ss)\n' "$1" "$SECONDS"; }
pass() { passed=$((passed + 1)); echo "ok    $1"; }
fail() { failed=$((failed + 1)); echo "FAIL  $1"; }

# holds TITLE EXPRESSION: over the JSON documents in $out; see assert.py
holds() { if "$python" "$here/assert.py" "$out" "$2"; then pass "$1"; else fail "$1"; fi; }

# expect CODE NAME ARGUMENTS...: runs stagegate, keeps its document as NAME.json. Exit 4 says that this machine was too
# busy to measure: that is tried again, twice, unless it is what is expected.
expect() {
    local code=$1 name=$2 got try
    shift 2
    for try in 1 2 3; do
        got=0
        timeout 120 "$stagegate" -C "$project" "$@" >"$out/$name.json" 2>"$out/$name.err" </dev/null || got=$?
        { [ "$got" = 4 ] && [ "$code" != 4 ]; } || break
        echo "      try $try of 'stagegate $*' was inconclusive"
    done
    if [ "$got" = "$code" ]; then pass "stagegate $*: exit $code"; return; fi
    fail "stagegate $*: exit $got, expected $code"
    tail -n 15 "$out/$name.err" | sed 's/^/      /'
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# wait_for URL PID LOG: until it answers, for a minute at most
wait_for() {
    local deadline=$((SECONDS + 60))
    until "$python" -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5)' "$1" 2>/dev/null; do
        if ! kill -0 "$2" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            echo "no answer from $1" >&2
            tail -n 20 "$3" >&2
            exit 3
        fi
        sleep 0.3
    done
}

run_id() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["id"])' "$out/$1.json" || echo missing; }

# install_venv: what requirements.txt pins, once
install_venv() {
    local stamp
    stamp="$(sha256sum <"$here/requirements.txt") $(python3 -VV)"
    if [ "$(cat "$cache/venv/stamp" 2>/dev/null)" != "$stamp" ]; then
        rm -rf "$cache/venv"
        python3 -m venv "$cache/venv"
        "$python" -m pip install -q --disable-pip-version-check --no-deps --only-binary :all: -r "$here/requirements.txt"
        echo "$stamp" >"$cache/venv/stamp"
    fi
}
