# What a contributor runs, by name: `just` lists it. On a machine that has nothing yet, `.ci/run` does it all without `just`.

# The most packages that Cargo.lock may have. Raise it in the commit that needs more, and say there what for.
most_packages := "360"

[private]
default:
    @{{ just_executable() }} --list --unsorted

# Checks formatting, lints, and the number of packages
check: packages
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings

# Runs the tests, or those that are named
test *filters:
    cargo nextest run --locked {{ filters }}

# Writes completions, manual pages, and schemas anew
generate:
    STAGEGATE_REFRESH=1 cargo test --locked --test it fresh

# Builds the documentation of the code
docs:
    RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --document-private-items --locked

# Checks licences, advisories, and sources of all packages
deny *checks:
    cargo deny --locked check {{ checks }}

# Counts the packages in Cargo.lock
packages:
    @count=$(grep -c '^\[\[package\]\]' Cargo.lock) && echo "$count packages, at most {{ most_packages }}" \
        && [ "$count" -le {{ most_packages }} ]

# Measures the load engine beside its peers; `just bench all` installs them first
bench *arguments:
    cargo build --release --locked
    benches/load/run {{ arguments }}

# Times the pieces of the load engine's hot path
pieces:
    cargo bench --locked --features bench --bench hot_path

# Builds the release and lets it meet the demo, fuzzers, and real servers
real:
    cargo build --release --locked
    target/release/stagegate demo
    tests/fuzz/run 20
    tests/real/tokens
    tests/real/run
    tests/real/all

# Does what CI does on a fresh machine
ci:
    bash .ci/run

# Prints what the changelog says of a version, which must be that of Cargo.toml
notes $version:
    #!/usr/bin/env bash
    set -euo pipefail
    grep -qxF "version = \"$version\"" Cargo.toml || { echo "Cargo.toml has another version than $version" >&2; exit 1; }
    notes=$(awk -v heading="## [$version]" '/^## / { inside = index($0, heading) == 1; next } inside' CHANGELOG.md)
    [ -n "$notes" ] || { echo "CHANGELOG.md has nothing under [$version]" >&2; exit 1; }
    printf '%s\n' "$notes"

# Tags the version that is committed, after all of `ci`; pushing the tag makes the release
release $version: (notes version)
    #!/usr/bin/env bash
    set -euo pipefail
    [ -z "$(git status --porcelain)" ] || { echo 'the work tree has changes that are not committed' >&2; exit 1; }
    bash .ci/run
    git tag -a "v$version" -m "stagegate $version"
    echo "now: git push origin v$version"
