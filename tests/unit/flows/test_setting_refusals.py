"""Which setting a refusal blames, by the sentences of the makers."""

import pytest

from langchain_segmind._flows.setting_refusals import refused_settings

SENT = ["temperature", "max_tokens", "top_p", "stop", "seed", "n", "verbosity"]
SENTENCES = {
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    "'max_completion_tokens' instead.": ["max_tokens"],
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) "
    "value is supported.": ["temperature"],
    "Unsupported parameter: 'stop' is not supported with this model.": ["stop"],
    "Unrecognized request argument supplied: max_tokens": ["max_tokens"],
    "stop_sequences: Extra inputs are not permitted": ["stop"],
    "`temperature` and `top_p` cannot both be specified for this model.": ["temperature", "top_p"],
    "`temperature` is deprecated for this model.": ["temperature"],
    'Unknown parameter: "verbosity".': ["verbosity"],
    "This model doesn't support the 'n' parameter": ["n"],
    "max_tokens is too large: 99999. This model has at most 16384 completion tokens.": [],
    "Invalid value for parameter 'stop': [] is not a list of 1 to 4 non-empty strings": [],
    "Unsupported image format. Please stop.": ["stop"],
    "The prompt is too long": [],
    "Images are not supported by this model; verbosity of n is fine.": [],
    "Unsupported parameter: 'max_completion_tokens' is not supported with this model.": [],
    "": [],
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_refusal_blames_the_settings_that_it_names(sentence):
    assert refused_settings(sentence, SENT) == SENTENCES[sentence]


def test_refusal_blames_only_what_was_sent():
    assert refused_settings("Unsupported parameter: 'stop'", ["temperature"]) == []
