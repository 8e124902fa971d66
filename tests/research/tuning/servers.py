"""Storage servers on this machine, for tests: Optuna's gRPC proxy, and PostgreSQL where it is installed."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

_GRPC = """
import sys
from optuna.storages import RDBStorage, run_grpc_proxy_server
storage = RDBStorage(f"sqlite:///{sys.argv[2]}", engine_kwargs={"connect_args": {"timeout": 60}})
run_grpc_proxy_server(storage, host="localhost", port=int(sys.argv[1]))
"""


@contextmanager
def grpc_server() -> Iterator[str]:
    """The URL of a proxy before a database: storages that hand out their own objects are none for several threads."""
    pytest.importorskip("grpc")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "studies.db"))
        with running([sys.executable, "-W", "ignore", "-c", _GRPC, str(port), file], port):
            yield f"grpc://localhost:{port}"


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The URL of a fresh database, in a folder of its own that is gone afterwards."""
    pytest.importorskip("psycopg")
    programs = Path(shutil.which("initdb") or "").resolve().parent
    if not (programs / "postgres").is_file():
        pytest.skip("PostgreSQL is not installed: no initdb on PATH with a postgres beside it")
    account = owner()
    folder, port = Path(tempfile.mkdtemp(prefix="tradsys-pg-")), free_port()
    try:
        if account:
            shutil.chown(folder, account)
        data = str(folder / "data")
        subprocess.run(
            [programs / "initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync"],
            check=True, capture_output=True, user=account, cwd=folder,
        )  # fmt: skip
        command = [str(programs / "postgres"), "-D", data, "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"]
        with running(command, port, account, folder):
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder)


def owner() -> str | None:
    """PostgreSQL refuses to run as root: then it is the system's own account for it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no account 'postgres' to run it as")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, account: str | None = None, cwd: Path | None = None) -> Iterator[None]:
    """A server process that answers on its port while the block lasts."""
    with tempfile.TemporaryFile() as said:
        server = subprocess.Popen(command, stdout=said, stderr=said, user=account, cwd=cwd)
        try:
            for _ in range(300):
                assert server.poll() is None, _read(said)
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            else:
                raise AssertionError(f"no answer within 30 s: {_read(said)}")
            yield
        finally:
            server.terminate()
            server.wait(30)


def _read(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode()
