"""Say what to do after a 404 for a model: which slug may be meant, or that the address is wrong.

It must not decide what is sent: an unknown slug may be that of a new model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from langchain_segmind.models import chat_models, embedding_models

_CATALOG: Final = "https://www.segmind.com/models lists all models."
_DATE: Final = r"[-@](20\d\d-?\d\d-?\d\d|\d{4}|\d\d-20\d\d)$"
_NO_NAME: Final = (
    r"(latest|preview|instruct|basic|experimental|exp|meta|openai|anthropic|google|v|p)"
)
_SIZES: Final = r"mini|nano|large|small|medium|max|plus|flash|pro|turbo|lite|coder|chat|text"
_OTHER_NAMES: Final = {
    "deepseek-r1": "deepseek-reasoner",
    "deepseek-v3": "deepseek-chat",
    "deepseek": "deepseek-chat",
    "chatgpt": "gpt-4o",
    "claude": "claude-4.5-sonnet",
    "gemini": "gemini-2.5-flash",
}
"""What makers and users call a model whose slug has none of its letters."""


def advice_after_404(slug: str, url: str) -> str:
    """Return what to do next, the likeliest cause first.

    Args:
        slug: The model that was not found.
        url: Where the request went: the API's address, and the slug.
    """
    base_url = url.rpartition("/")[0]
    if not re.search(r"/v\d+$", base_url):
        to_version = re.match(r".*?/v\d+(?=/)", base_url)  # `.../v1/chat/completions`
        right = to_version.group() if to_version else f"{base_url}/v1"
        return (
            f"Check base_url, which must end in the API's version: try base_url='{right}'. "
            f"If that is right, check the model's slug; {_CATALOG}"
        )
    if slug in chat_models() or slug in embedding_models():
        return (
            "This slug is known, so check base_url, which must end in the API's version, e.g. "
            f"'/v1'; or the model was removed: {_CATALOG}"
        )
    meant = similar_slugs(slug)
    hint = f"Did you mean {' or '.join(map(repr, meant))}? " if meant else ""
    return f"{hint}Check the model's slug; {_CATALOG}"


def similar_slugs(name: str) -> Sequence[str]:
    """Return the known slugs that a name may mean, the likeliest first; at most three.

    Makers, other gateways and users write the same words in another order, with other marks and
    with a date: `claude-sonnet-4-5-20250929` is `claude-4.5-sonnet`.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - rarely needed

    slugs = [*chat_models(), *embedding_models()]
    plain = re.sub(r"-(latest|preview|exp)$", "", name.lower().replace("_", "-"))
    plain = re.sub(_DATE, "", plain)
    if plain in _OTHER_NAMES:
        return [_OTHER_NAMES[plain]]
    same = [slug for slug in slugs if _words(slug) == _words(plain)]
    if same:
        return same
    letters = {re.sub(r"[^a-z0-9]", "", slug): slug for slug in slugs}
    wanted = re.sub(r"[^a-z0-9]", "", plain)
    longer = [slug for each, slug in letters.items() if wanted and each.startswith(wanted)]
    shorter = [slug for each, slug in letters.items() if wanted.startswith(each)]
    near = [letters[each] for each in get_close_matches(wanted, letters, 3, 0.7)]
    shorter.sort(key=len, reverse=True)
    found = [*dict.fromkeys([*shorter[:1], *near, *longer])]
    return (found or _of_the_same_maker(plain, slugs))[:3]


def _of_the_same_maker(name: str, slugs: list[str]) -> list[str]:
    words, digits = _words(name)
    own = {word for word in words if len(word) > 2 and not re.fullmatch(_SIZES, word)}
    shared = {slug: len(own.intersection(_words(slug)[0])) for slug in slugs}
    near = [slug for slug in slugs if shared[slug]]
    return sorted(near, key=lambda slug: (-shared[slug], _words(slug)[1] != digits))


def _words(name: str) -> tuple[list[str], str]:
    """Return a name's words in alphabetical order, and its digits: `4.5` is `4-5`, `4.0` is `4`."""
    lower = re.sub(r"(\d)[-.]0(?=\D|$)", r"\1", name.lower().replace("chatgpt", "gpt"))
    words = [word for word in re.findall(r"[a-z]+", lower) if not re.fullmatch(_NO_NAME, word)]
    return sorted(words), "".join(re.findall(r"\d", lower))
