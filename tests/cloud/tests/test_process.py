"""The process: its address, its end, and TLS."""

import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).parents[2]


def start(*options):
    """A cloud in a process of its own, and its address."""
    process = subprocess.Popen([sys.executable, "-m", "cloud", *options], cwd=HERE, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def _is_there(address):
    """Whether it listens. To connect is not to use it."""
    host, port = address.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port))).close()
    except OSError:
        return False
    return True


class Process(unittest.TestCase):
    """Starting and ending."""

    def test_ends_with_its_input(self):
        process, address = start()
        with process:
            with urllib.request.urlopen(f"{address}/cloud/ping") as answer:
                self.assertEqual(answer.read(), b"true")
            process.stdin.close()
            self.assertEqual(process.wait(10), 0)

    def test_ends_with_its_parent(self):
        # A parent that prints the cloud's address and ends; the cloud's input, our pipe, stays open.
        script = ("import subprocess, sys; cloud = subprocess.Popen([sys.executable, '-m', 'cloud'],"
                  " stdout=subprocess.PIPE, text=True); print(cloud.stdout.readline(), flush=True);"
                  " sys.stdin.readline()")
        with subprocess.Popen([sys.executable, "-c", script], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as parent:
            address = parent.stdout.readline().strip()
            with urllib.request.urlopen(f"{address}/cloud/ping") as answer:
                self.assertEqual(answer.read(), b"true")
            parent.kill()
            parent.wait(10)
            for _ in range(100):
                if not _is_there(address):
                    return
                time.sleep(0.1)
            self.fail("the cloud lives on without its parent")

    def test_unused(self):
        # It outlives who started it, but not for ever.
        script = ("import subprocess, sys; cloud = subprocess.Popen([sys.executable, '-m', 'cloud', '--idle', '1'],"
                  " stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True); print(cloud.stdout.readline())")
        address = subprocess.run([sys.executable, "-c", script], cwd=HERE, stdout=subprocess.PIPE, text=True,
                                 check=True).stdout.strip()
        with urllib.request.urlopen(f"{address}/cloud/ping") as answer:
            self.assertEqual(answer.read(), b"true")
        for _ in range(100):
            time.sleep(0.1)
            if not _is_there(address):
                return
        self.fail("the cloud serves on, and no one uses it")

    def test_tls(self):
        with tempfile.TemporaryDirectory() as directory:
            process, plain = start("--tls", directory)
            with process:
                address = process.stdout.readline().strip()
                self.assertTrue(plain.startswith("http://") and address.startswith("https://"), (plain, address))
                trust = ssl.create_default_context(cafile=f"{directory}/ca.pem")
                with urllib.request.urlopen(f"{address}/cloud/ping", context=trust) as answer:
                    self.assertEqual(answer.read(), b"true")
                process.stdin.close()
                self.assertEqual(process.wait(10), 0)
