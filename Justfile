# The everyday tasks, by short names. Each is a command of xtask: `cargo xtask --help` says more.

# List the recipes
default:
    @just --list

# Build, make a snapshot, ask it, print times
demo:
    cargo xtask demo

# Run every test on an installed tree; arguments go to the runner
test *ARGS:
    cargo xtask test {{ARGS}}

# Leave an installed, relocatable tree in DIR
dist DIR *ARGS:
    cargo xtask dist "{{DIR}}" {{ARGS}}

# Measure; --quick for a look, --peer to compare with orb-py
bench *ARGS:
    cargo xtask bench {{ARGS}}

# Write a catalog of N templates
catalog N *DIR:
    cargo xtask catalog {{N}} {{DIR}}

# Format the sources; --check only looks
fmt *ARGS:
    cargo xtask fmt {{ARGS}}

# Clippy on every target; warnings are errors
lint:
    cargo xtask lint

# Dependency rules
deps:
    cargo xtask deps

# Licences, bans, sources, advisories
deny:
    cargo xtask deny

# Is the runtime static and small?
binary:
    cargo xtask binary

# All checks, then the tests
ci:
    cargo xtask ci
