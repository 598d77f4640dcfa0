"""List the objects of an S3 object store: one paginated request a source, a few headers, and animations.

Each run keeps the answers in its own folder until it ends. Its jobs use the objects it was planned with, whatever
another call finds meanwhile, and jobs on other machines send no requests.

boto3 is imported only for addresses, because it comes with the extra `s3`. boto3 finds the credentials itself:
in environment variables, in its own files, or from the role of a machine.
"""

from __future__ import annotations

import atexit
import hashlib
import posixpath
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from radar_cleaner.errors import ConfigError, FrameError
from radar_cleaner.frames.archives import HIDDEN
from radar_cleaner.frames.listings import StoredObject, save_counts, save_objects
from radar_cleaner.frames.loops import count_new
from radar_cleaner.frames.sources import REMOTE, FrameFile, is_picture, list_frames, split_address
from radar_cleaner.frames.timestamps import NameFormat

# The lists of archives, and the folders of runs. Each call of the workflow updates them.
LISTINGS = Path(".snakemake/listings")
OF_A_RUN = "run-"
# Seconds after which the folder of a killed run is removed.
LEFT_FOR = 30 * 86400
HEAD_BYTES = 2**16
# Objects that are read at once.
READERS = 8
# Objects in these storage classes cannot be read before they are restored.
AT_REST = ("GLACIER", "DEEP_ARCHIVE")
# Characters that the storage plugin, Snakemake or the path of a local copy cannot represent.
UNREADABLE = "?#{}<>\\"


class ObjectStore:
    """The store at an endpoint (None: Amazon's). `answers` is the folder of a run that has listed it already."""

    def __init__(self, endpoint_url: str | None, region: str, answers: str | None = None) -> None:
        self.endpoint_url = endpoint_url
        self.region = region
        self._kept = Path(answers) if answers is not None and Path(answers).is_dir() else None

    @cached_property
    def answers(self) -> Path:
        """Give the folder of the answers: that of the given run, or a new one until this process ends."""
        if self._kept is not None:
            return self._kept
        LISTINGS.mkdir(parents=True, exist_ok=True)
        for left in LISTINGS.glob(f"{OF_A_RUN}*"):
            with suppress(OSError):  # another call removes it at the same time
                if left.stat().st_mtime < time.time() - LEFT_FOR:
                    shutil.rmtree(left)
        folder = Path(tempfile.mkdtemp(prefix=OF_A_RUN, dir=LISTINGS.resolve()))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return LISTINGS / folder.name

    def listed(self, address: str) -> Path:
        """Give the folder with the list of the objects below an address."""
        if self._kept is None:
            save_objects(self.answers, address, self.objects(address))
        return self.answers

    def count_animations(self, address: str, names: NameFormat) -> None:
        """Count the pictures of each object below an address, which is read whole, once for each version of it."""
        if self._kept is not None:
            return
        listing = list_frames(address, names, self.answers)
        counts = count_new(address, listing, LISTINGS, self._read)
        rows = {listing.name_of(file): ["", steps] for file, steps in zip(listing.frames, counts, strict=True)}
        save_counts(self.answers, address, rows)

    def _read(self, files: Sequence[FrameFile], most: int) -> Iterator[tuple[FrameFile, bytes | FrameError]]:
        """Yield files, whose paths are addresses, with their bytes, or the reason for none."""

        def read(file: FrameFile) -> bytes | FrameError:
            bucket, _, key = file.path.removeprefix(REMOTE).partition("/")
            if file.problem:
                return FrameError(file.problem)
            with self._answering(file.path, bucket):
                answer = self._client.get_object(Bucket=bucket, Key=key)
                return FrameError("too large") if answer["ContentLength"] > most else bytes(answer["Body"].read())

        _ = self._client  # made once, before the threads share it
        with ThreadPoolExecutor(READERS) as readers:
            for start in range(0, len(files), READERS):
                part = files[start : start + READERS]
                yield from zip(part, readers.map(read, part), strict=True)

    @property
    def settings(self) -> dict[str, str | None]:
        """The settings of Snakemake's storage provider."""
        return {"endpoint_url": self.endpoint_url, "region": self.region}

    def objects(self, address: str) -> list[StoredObject]:
        """List the pictures below an address, without hidden ones. Raises ConfigError if the store refuses."""
        bucket, prefix, glob = split_address(address)
        found = []
        with self._answering(address, bucket):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                found += page.get("Contents", [])
        folders = {parent for entry in found for parent in _parents(entry["Key"])}
        objects = []
        for entry in found:
            key = entry["Key"]
            below = key[len(prefix) :]
            if is_picture(key.rstrip("/")) and not HIDDEN.search(below) and (not glob or glob.matches(below)):
                problem = _problem(key, key in folders, entry.get("StorageClass", ""))
                objects.append(StoredObject(key, f"{entry['ETag']}-{entry['Size']}", problem))
        return objects

    def head(self, address: str) -> bytes:
        """Read the first bytes of an object."""
        kept = self.answers / hashlib.sha256(address.encode()).hexdigest()
        if not kept.exists():
            kept.write_bytes(self._ask_head(address))
        return kept.read_bytes()

    def _ask_head(self, address: str) -> bytes:
        bucket, _, key = address.removeprefix(REMOTE).partition("/")
        with self._answering(address, bucket):
            try:
                answer = self._client.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{HEAD_BYTES - 1}")
                return bytes(answer["Body"].read())
            except self._client.exceptions.ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 416:  # an empty object has no range
                    raise
        return b""

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            retries={"max_attempts": 3, "mode": "standard"},
            connect_timeout=10,
            read_timeout=60,
            # For a part of an object some servers send the checksum of the whole object.
            response_checksum_validation="when_required",
        )
        return boto3.session.Session().client(
            "s3", endpoint_url=self.endpoint_url, region_name=self.region, config=config
        )

    @contextmanager
    def _answering(self, address: str, bucket: str) -> Iterator[None]:
        """Turn errors of the store and of the connection into one line with a remedy."""
        if find_spec("boto3") is None or find_spec("snakemake_storage_plugin_s3") is None:
            raise ConfigError(f"{address}: needs packages of its own; pip install 'radar-cleaner[s3]'")
        from botocore import exceptions as errors

        place = self.endpoint_url or "Amazon S3"
        try:
            yield
        except errors.ClientError as error:
            raise ConfigError(f"{address}: {_refusal(error, bucket, place)}") from error
        except (errors.NoCredentialsError, errors.PartialCredentialsError) as error:
            raise ConfigError(
                f"{address}: no credentials for {place} were found; set AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
            ) from error
        except (errors.HTTPClientError, errors.ConnectionError) as error:  # no connection, no certificate
            raise ConfigError(
                f"{address}: {place} does not answer ({type(error).__name__}); check s3.endpoint_url and the"
                " network"
            ) from error
        except (errors.BotoCoreError, ValueError) as error:
            raise ConfigError(f"{address}: {_line(error)}; check it, s3.endpoint_url and s3.region") from error


def _refusal(error: Any, bucket: str, place: str) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code == "NoSuchBucket":
        return f"there is no bucket {bucket} at {place}; check its name and s3.endpoint_url"
    if status in (401, 403):
        return (
            f"{place} refuses these credentials ({code}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or"
            " AWS_PROFILE, and that they may list and read the bucket"
        )
    if status in (301, 307, 400):
        return f"{place} answers {code}; check s3.region and s3.endpoint_url"
    return f"{place} answers {_line(error)}; try again, or check s3.endpoint_url"


def _problem(key: str, is_folder: bool, storage_class: str) -> str:
    if key.endswith("/") or is_folder:
        return "a folder, not a picture"
    fetchable = posixpath.normpath(key) == key and not key.startswith("/") and key.isprintable()
    if not fetchable or set(key) & set(UNREADABLE):
        return f"its key cannot be fetched: rename it without {UNREADABLE}, .., // and what cannot be printed"
    if storage_class in AT_REST:
        return f"at rest in {storage_class}; restore it first"
    return ""


def _parents(key: str) -> Iterator[str]:
    place = key.find("/")
    while place >= 0:
        yield key[:place]
        place = key.find("/", place + 1)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
