"""The same paths in a bucket, on moto's server."""

from datetime import UTC, datetime
from threading import Thread

import pytest
from tests.data.store.made import PAGES, some_bars

from tradsys.core.errors import ConfigError
from tradsys.data import load_bars
from tradsys.data.settings import DataSettings
from tradsys.data.store import SeriesId, SeriesStore
from tradsys.data.store.places import LEASE_S, LOCK, LocalFolder, ObjectStorage, open_place

START = datetime(2023, 12, 27, tzinfo=UTC)
# botocore and moto still call what Python 3.12 deprecates
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.slow]


@pytest.fixture(scope="module")
def server():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    """A new bucket's URL, reached as a user would: by AWS's own variables."""
    import boto3
    from s3fs import S3FileSystem

    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    name = f"bucket-{len(client.list_buckets()['Buckets'])}"
    client.create_bucket(Bucket=name)
    return f"s3://{name}/market"


def test_a_bucket_holds_what_a_folder_would(bucket, series, tmp_path):
    bars = some_bars(START, 240)
    stores = SeriesStore(bucket), SeriesStore(tmp_path / "data")
    for store in stores:
        store.write(series, bars[:150], PAGES, at=START)
        store.write(series, bars[100:], PAGES, at=START)
    far, near = stores
    assert isinstance(far.place, ObjectStorage) and isinstance(near.place, LocalFolder)
    assert far.read(series).equals(bars)
    assert far.series() == near.series() == [series]
    assert far.manifests(series) == near.manifests(series)
    for year in (2023, 2024):
        folder = f"{series.folder}/year={year}"
        assert far.place.files(folder) == near.place.files(folder)
        assert all(
            far.place.read(f"{folder}/{n}") == near.place.read(f"{folder}/{n}") for n in near.place.files(folder)
        )


def test_the_same_again_changes_no_object(bucket, series):
    store = SeriesStore(bucket)
    store.write(series, some_bars(START, 240), PAGES)
    before = store.manifests(series)
    assert store.write(series, some_bars(START, 240), PAGES).years == ()
    assert store.manifests(series) == before


def test_bars_are_loaded_from_a_bucket_by_name(bucket):
    SeriesStore(bucket).write(SeriesId.parse("binance:BTC/USDT:30m"), some_bars(START, 100), PAGES)
    settings = DataSettings(root=bucket)
    bars = load_bars("binance:BTC/USDT:30m", settings=settings, log=lambda line: None)
    assert bars.equals(some_bars(START, 100))


def test_a_bucket_without_the_series_says_how_to_fetch_it(bucket):
    with pytest.raises(ConfigError, match=r"not in the store at s3://bucket-\d+/market .which is empty"):
        load_bars("binance:BTC/USDT:1h", settings=DataSettings(root=bucket))


def test_an_upload_that_fails_leaves_the_old_partition(bucket, series, monkeypatch):
    store = SeriesStore(bucket)
    old = some_bars(datetime(2024, 1, 1, tzinfo=UTC), 100)
    store.write(series, old, PAGES)
    write, n_written = ObjectStorage.write, []

    def failing(self, path, data):
        n_written.append(path)
        if len(n_written) == 2:
            raise OSError("the connection broke before the manifest")
        write(self, path, data)

    monkeypatch.setattr(ObjectStorage, "write", failing)
    with pytest.raises(OSError, match="connection broke"):
        store.write(series, some_bars(datetime(2024, 1, 1, tzinfo=UTC), 300), PAGES)
    monkeypatch.undo()
    assert SeriesStore(bucket).read(series).equals(old)


def test_writers_at_once_lose_nothing(bucket, series):
    """Each has a store of its own, as on another machine."""
    bars = some_bars(START, 240)
    threads = [Thread(target=SeriesStore(bucket).write, args=(series, bars[i::4], PAGES)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SeriesStore(bucket).read(series).equals(bars)
    assert LOCK not in SeriesStore(bucket).place.files(series.folder)


def test_the_lock_of_a_writer_that_was_killed_is_taken_over_when_its_time_is_up(bucket, series):
    now, slept = [1_000.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += 50 * seconds

    left = repr(now[0] + LEASE_S).encode()
    ObjectStorage(bucket).write(f"{series.folder}/{LOCK}", left)
    with ObjectStorage(bucket, lambda: now[0], sleep).lock(series.folder):
        assert now[0] > 1_000 + LEASE_S
    assert 5 <= len(slept) <= 7


def test_an_unknown_scheme_says_what_to_do():
    with pytest.raises(ConfigError, match=r"nowhere://x cannot be opened .*tradsys\[cloud\]"):
        open_place("nowhere://x")
