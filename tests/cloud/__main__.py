"""`python -m cloud`: serves until standard input closes or the parent process has gone, unless options say otherwise."""

import argparse
import contextlib
import os
import sys
import threading
import time

from . import (
    auto_scaling_calls,
    describing,
    fleet_calls,
    instance_calls,
    lookups,
    spot_fleet_calls,
    templates,
)
from .app import App
from .server import Server
from .tls import context

# Imported for the calls that they register.
_ = (auto_scaling_calls, describing, fleet_calls, instance_calls, lookups, spot_fleet_calls, templates)


def _end_with_input():
    # A reader of a closed pipe gets an empty answer at once.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


def _end_with_parent():
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def _end_unused(server, seconds):
    while (left := server.used + seconds - time.monotonic()) > 0:
        time.sleep(left)
    os._exit(0)


def main():
    """Starts the cloud and prints its address as one line, with `--tls` a second one."""
    parser = argparse.ArgumentParser(prog="cloud", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--stay", action="store_true", help="end with the parent process only")
    parser.add_argument("--idle", type=float, metavar="SECONDS",
                        help="outlive the parent process; end once nothing was asked for so long")
    parser.add_argument("--tls", metavar="DIRECTORY",
                        help="serve https too, at a second line's address; the CA is DIRECTORY/ca.pem")
    arguments = parser.parse_args()
    app = App()
    server = Server(arguments.port, app.handle, app.clock)
    if arguments.idle is not None:
        # A session of its own, so that the terminal it is started from does not end it. The leader of a group cannot
        # leave it, and needs not: only the shell's foreground is ended.
        with contextlib.suppress(PermissionError):
            os.setsid()
        watches = [lambda: _end_unused(server, arguments.idle)]
    else:
        watches = [_end_with_parent] if arguments.stay else [_end_with_parent, _end_with_input]
    for watch in watches:
        threading.Thread(target=watch, daemon=True).start()
    print(f"http://127.0.0.1:{server.port}", flush=True)
    if arguments.tls:
        # Beside the other, so that the control interface stays in reach of clients without TLS.
        secure = Server(0, app.handle, app.clock, context(arguments.tls))
        threading.Thread(target=secure.run, daemon=True).start()
        print(f"https://127.0.0.1:{secure.port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
