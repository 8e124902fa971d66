import json
import os
from hashlib import sha256

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


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"format": 2, "files"',
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": 2, "format": 2, "files": {}, "about": {}}',
        b'{"format": 2, "about": {}}',
        b'{"format": 2, "files": {}}',
        b'{"format": 2, "files": [], "about": {}}',
        b'{"format": 2, "files": {"model.json": null}, "about": {}}',
        b'{"format": 2, "files": {}, "about": null}',
        b'{"format": [2], "files": {}, "about": {}}',
        b"{}",
    ],
)
def test_a_manifest_that_is_none_is_refused(bundle, content):
    (bundle / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json (is not the manifest of a bundle|has format)"):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["model.json", "unlisted.json"])
def test_a_link_to_nothing_is_refused_by_name(bundle, name):
    (bundle / name).unlink(missing_ok=True)
    (bundle / name).symlink_to(bundle / "gone")
    with pytest.raises(BundleError, match=name):
        read_bundle(bundle)


def test_a_linked_folder_is_refused_whatever_it_holds(bundle, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "extra.bin").write_bytes(b"x")
    (bundle / "more").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="holds more, which its manifest does not list"):
        read_bundle(bundle)


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: os.mkfifo(path)], ids=["folder", "pipe"])
def test_what_is_no_file_is_not_read(bundle, make):
    (bundle / "model.json").unlink()
    make(bundle / "model.json")
    with pytest.raises(BundleError, match=r"lacks model\.json"):
        read_bundle(bundle)


def test_names_that_lead_out_of_the_folder_are_not_followed(bundle, tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"]["../secret"] = sha256(b"x").hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"lacks \.\./secret"):
        read_bundle(bundle)


def test_a_bundle_may_itself_be_a_link(bundle, tmp_path):
    (tmp_path / "last").symlink_to(bundle)
    assert read_bundle(tmp_path / "last")[0] == FILES


def test_a_file_is_no_bundle(bundle):
    with pytest.raises(BundleError, match=r"a bundle has a manifest\.json"):
        read_bundle(bundle / "model.json")
