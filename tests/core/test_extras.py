"""Which extra brings a module, and whether it is here."""

from tradsys.core.extras import absent, extra_of, to_install


def test_an_absent_module_is_found_out_without_importing_anything():
    assert absent(["json", "no_such_module"]) == ["no_such_module"]


def test_a_module_within_a_package_belongs_to_the_packages_extra():
    assert (extra_of("torch.nn"), extra_of("optuna"), extra_of("numpy"), extra_of(None)) == (
        "train",
        "research",
        None,
        None,
    )


def test_each_extra_is_named_once():
    assert to_install(["torch", "onnx", "optuna"]) == "pip install 'tradsys[research,train]'"
