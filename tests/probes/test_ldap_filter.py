import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.ber import Malformed, only
from probes.wire.ldap_filter import filter_octets


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("(a=b)", "a30604016104 0162"),
        ("(a>=b)", "a506040161040162"),
        ("(a<=b)", "a606040161040162"),
        ("(a~=b)", "a806040161040162"),
        ("(a=*)", "870161"),
        ("(a=)", "a3050401610400"),
        ("(a;lang-de=b)", "a30e0409613b6c616e672d6465040162"),
        ("(1.2=b)", "a3080403312e32040162"),
        ("(a=b*)", "a4080401613003800162"),
        ("(a=*b)", "a4080401613003820162"),
        ("(a=*b*c*)", "a40b0401613006810162810163"),
        ("(a=b*c*d)", "a40e0401613009800162810163820164"),
        ("(a=\\2a\\00)", "a3070401610402 2a00"),
        ("(a=ü)", "a30704016104 02c3bc"),
        ("(!(a=*))", "a203870161"),
        ("(&)", "a000"),
        ("(|(a=*)(b=*))", "a106870161870162"),
        ("(a:=b)", "a906820161830162"),
        ("(a:dn:=b)", "a9098201618301628401ff"),
        ("(a:1.2:=b)", "a90b8103312e32820161830162"),
        ("(:1.2:=b)", "a9088103312e32830162"),
    ],
)
def test_a_filter_is_spelled_for_the_wire(text: str, octets: str) -> None:
    assert filter_octets(text) == bytes.fromhex(octets.replace(" ", ""))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with a bracket"),
        ("a=b", "begins with a bracket"),
        ("(a=b", "not closed"),
        ("(a=b)x", "something follows: 'x'"),
        ("(a=b))", "something follows"),
        ("(&(a=b)", "not closed"),
        ("(!)", "begins with a bracket"),
        ("(!(a=b)(c=d))", "not closed"),
        ("()", "compares an attribute"),
        ("(a)", "compares an attribute"),
        ("(=b)", "names an attribute before ="),
        ("(a:dn=b)", "names an attribute before ="),
        ("(:=b)", "names an attribute, a matching rule"),
        ("(a=**)", "written as one"),
        ("(a=\\zz)", "hexadecimal"),
        ("(a=b\\)", "hexadecimal"),
        ("(ä=b)", "compares an attribute"),
        ("(!" * 21 + "(a=b)" + ")" * 21, "more than 20 levels"),
        ("(&" * 100_000, "more than 20 levels"),
    ],
)
def test_a_filter_that_is_none_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        filter_octets(text)


@given(
    st.lists(st.sampled_from(["(", ")", "&", "|", "!", "a", "=", "*", "\\2a", ":", "dn", ":=", ">=", "ü", " "]), max_size=30).map("".join)
)
def test_whatever_is_typed_is_spelled_or_refused(text: str) -> None:
    try:
        octets = filter_octets(text)
    except ValueError as error:
        assert not isinstance(error, Malformed)  # noqa: PT017 - either is an end, and this one is not ours
        return
    assert only(octets).tag in {0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA8, 0xA9, 0x87}
