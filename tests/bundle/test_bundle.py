import json

import pytest

from tradsys.bundle import read_bundle, write_bundle
from tradsys.core.errors import BundleError

FILES = {"model.json": b"{}", "trees.ubj": b"\x00\x01"}


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    write_bundle(folder, FILES, about={"feature_schema": "abc"})
    return folder


def test_a_bundle_comes_back_as_it_was_written(bundle):
    assert read_bundle(bundle) == (FILES, {"feature_schema": "abc"})


def test_a_changed_byte_is_refused_by_name(bundle):
    (bundle / "trees.ubj").write_bytes(b"\x00\x02")
    with pytest.raises(BundleError, match=r"trees\.ubj in .* changed after the bundle was written"):
        read_bundle(bundle)


def test_an_unlisted_file_is_refused_by_name(bundle):
    (bundle / "extra.bin").write_bytes(b"")
    with pytest.raises(BundleError, match=r"holds extra\.bin, which its manifest does not list"):
        read_bundle(bundle)


def test_an_unlisted_link_to_a_file_is_refused_by_name(bundle):
    (bundle / "link.json").symlink_to(bundle / "model.json")
    with pytest.raises(BundleError, match=r"holds link\.json"):
        read_bundle(bundle)


def test_a_missing_file_is_refused_by_name(bundle):
    (bundle / "model.json").unlink()
    with pytest.raises(BundleError, match=r"lacks model\.json"):
        read_bundle(bundle)


def test_a_bundle_is_written_once(bundle):
    with pytest.raises(BundleError, match="written once"):
        write_bundle(bundle, FILES, about={})


def test_another_format_is_refused(bundle):
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(BundleError, match="has format 99, this version reads 2"):
        read_bundle(bundle)


def test_a_folder_without_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match=r"a bundle has a manifest\.json"):
        read_bundle(tmp_path)
