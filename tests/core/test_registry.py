import pytest

from tradsys.core.errors import ConfigError
from tradsys.core.registry import Registry, forget


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("tradsys.parts", "somebody", "part 'x' is registered already, by tradsys; choose another name"),
        ("somebody.sub", "tradsys.parts", "somebody registers the part 'x', which tradsys has itself"),
    ],
)
def test_a_name_that_is_ours_is_the_users_to_change_whoever_came_first(first, second, message):
    registry = Registry("part")
    registry.add("x", 1, first)
    with pytest.raises(ConfigError, match=message):
        registry.add("x", 2, second)
    assert registry.entries == {"x": 1}
    forget("somebody")
