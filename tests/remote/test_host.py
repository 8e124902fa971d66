"""The connection: how hosts are named, what is added to the user's configuration, and what failures say."""

import pytest

from tradsys.core.errors import ConfigError, RemoteError, UnreachableError
from tradsys.remote.host import Address, Host, _options
from tradsys.remote.job import patiently
from tradsys.remote.settings import RemoteSettings

QUIET = {"controlmaster": "false", "serveraliveinterval": "0", "connecttimeout": "none"}


@pytest.fixture
def ssh(tmp_path):
    """Writes a stand-in for ssh that answers what it is told."""

    def write(code, out="", err=""):
        path = tmp_path / "ssh"
        path.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{out}'\necho '{err}' >&2\nexit {code}\n")
        path.chmod(0o755)
        return Host("pod", [str(path)], "python3")

    return write


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pod", Address("pod")),
        ("root@192.0.2.7", Address("root@192.0.2.7")),
        ("ssh://root@192.0.2.7:12345", Address("root@192.0.2.7", ("-p", "12345"))),
        ("ssh://pod", Address("pod")),
        ("ssh://me@Pod/", Address("me@Pod")),
        ("me@corp.example@jump-1", Address("me@corp.example@jump-1")),
        ("ssh://root@[2001:db8::7]:22", Address("root@2001:db8::7", ("-p", "22"))),
    ],
)
def test_hosts_are_named_as_ssh_names_them(text, wanted):
    assert Address.parse(text) == wanted


SHELL = ("ssh://-oProxyCommand=x", "ssh://pod:99999", "ssh://me:word@pod", "me@-x", "pod;x", "$(x)", "pod\nx", "`x`")


@pytest.mark.parametrize(
    "text", [*["", "-oProxyCommand=x", "a b", "pod:22", "ssh://", "ssh://pod/folder", "a/b"], *SHELL]
)
def test_what_is_no_host_is_refused(text):
    with pytest.raises(ConfigError, match="a host is NAME"):
        Address.parse(text)


def test_rsync_is_told_where_an_address_ends():
    assert Address.parse("ssh://root@[2001:db8::7]").for_rsync == "root@[2001:db8::7]"
    assert Address.parse("root@pod").for_rsync == "root@pod"


def test_connections_are_shared_unless_the_users_configuration_shares_them(tmp_path):
    own = " ".join(_options(QUIET, tmp_path / "c", 10.0))
    assert f"ControlMaster=auto -o ControlPath={tmp_path}/c" in own and "ConnectTimeout=10" in own
    theirs = {"controlmaster": "auto", "controlpath": "~/.ssh/c", "serveraliveinterval": "30", "connecttimeout": "5"}
    assert _options(theirs, tmp_path / "c", 10.0) == []


def test_failures_say_what_was_wanted_found_and_what_to_do(ssh):
    with pytest.raises(UnreachableError, match=r"pod cannot be reached by ssh \(Connection refused\); see that"):
        ssh(255, err="Connection refused").ask("look")
    with pytest.raises(RemoteError, match=r"name its Python with remote\.python"):
        ssh(127, err="python3: not found").ask("look")
    with pytest.raises(RemoteError, match="could not do what was asked: OSError: disk full"):
        ssh(1, err="OSError: disk full").ask("look")
    with pytest.raises(RemoteError, match=r"wanted one JSON object; what its shell prints"):
        ssh(0, out="Welcome!").ask("look")
    assert ssh(0, out='motd\n{"a": 1}').ask("look") == {"a": 1}


def test_a_lost_connection_is_tried_again_for_so_long(monkeypatch):
    waited, said = [], []
    monkeypatch.setattr("tradsys.remote.job.time.sleep", waited.append)
    answers = iter([UnreachableError("lost"), UnreachableError("lost"), "there"])

    def work():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert patiently(work, "pod", said.append, 60.0) == "there"
    assert waited == [0.5, 1.0] and said[0] == "the connection to pod was lost, trying again in 0.5 s"
    answers = iter([UnreachableError("lost")])
    with pytest.raises(RemoteError, match=r"gave up after 0 s .* What runs there goes on"):
        patiently(work, "pod", said.append, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"folder": "with blank"},
        {"folder": "$HOME/x"},
        {"folder": ""},
        {"python": "python3; rm"},
        {"environment": "relative/python"},
        {"variables": ("FRED_API_KEY",)},
        {"variables": ("my_token",)},
        {"variables": ("A B",)},
        {"ssh": ""},
        {"ssh": "ssh -o 'x"},
        {"connect_s": 0},
        {"reconnect_s": -1},
        {"torch": "gpu"},
    ],
)
def test_settings_have_bounds(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RemoteSettings(**wrong)


def test_a_variable_that_looks_like_a_secret_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("TRADSYS_REMOTE__VARIABLES", '["OPENAI_API_KEY"]')
    with pytest.raises(ConfigError, match=r"remote.variables.* never leaves this machine"):
        RemoteSettings.load()
    monkeypatch.setenv("TRADSYS_REMOTE__VARIABLES", '["SSL_CERT_FILE","HTTPS_PROXY"]')
    assert RemoteSettings.load().variables == ("SSL_CERT_FILE", "HTTPS_PROXY")
    monkeypatch.setenv("TRADSYS_REMOTE__VARIABLES", "SSL_CERT_FILE")
    assert RemoteSettings.load().variables == ("SSL_CERT_FILE",)
