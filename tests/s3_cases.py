"""Run a real S3 server on loopback: `rclone serve s3` over a folder whose sub-folders are the buckets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEY, SECRET = "reader", "of-the-tests"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
PATIENCE = 20  # seconds until the server answers


@dataclass(frozen=True)
class Server:
    """A running server: its address, the folder of its buckets, and the requests it received."""

    url: str
    buckets: Path
    log: Path

    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self.client().put_object(Bucket=bucket, Key=key, Body=data)

    def requests(self) -> list[str]:
        """Return the requests so far, as `GET /bucket/key`."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line.split("serve s3: ")[-1] for line in lines if "serve s3: " in line]


@contextmanager
def serving(folder: Path, *buckets: str) -> Iterator[Server]:
    """Start a server with these buckets, and stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    for bucket in buckets:
        (folder / "buckets" / bucket).mkdir(parents=True)
    log = folder / "server.log"
    rclone = Path(sys.executable).with_name("rclone")
    flags = ["--addr", address, "--auth-key", f"{KEY},{SECRET}", "-vv", "--config", os.devnull]
    with log.open("w") as file:
        command = [rclone, "serve", "s3", *flags, folder / "buckets"]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        host, port = address.split(":")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            try:
                socket.create_connection((host, int(port)), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Server(f"http://{address}", folder / "buckets", log)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
