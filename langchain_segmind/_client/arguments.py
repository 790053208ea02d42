"""Judge arguments that are not settings of a model: misspelled ones, and those of other packages.

A request is sent as the user wrote it, so an argument that means nothing to a model must not become
a field of the request's body. Messages must not repeat values: some are secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from langchain_segmind._client.validation import check_slug

RESERVED_FIELDS: Final = {
    "messages": "they are the call's input",
    "prompt": "messages are sent instead",
    "instruction": "use a SystemMessage",
    "stream": "the gateway cannot stream; use .stream(), which answers in one piece",
    "tools": "pass them to bind_tools(...) or to one call",
    "tool_choice": "pass it to bind_tools(...) or to one call",
    "max_concurrency": "pass config={'max_concurrency': ...} to batch or abatch",
    # Arguments of other chat models. Sent as fields of the body, they could reveal a secret.
    "openai_api_base": "use base_url=... instead",
    "openai_organization": "Segmind does not have organizations",
    "organization": "Segmind does not have organizations",
    "openai_proxy": "use proxy=... instead",
    "extra_body": "use model_kwargs={...} instead",
    "http_client": "use proxy=..., verify=... and max_connections=... instead",
    "http_async_client": "use proxy=..., verify=... and max_connections=... instead",
}
"""Fields of the request's body that a user may not set, and why."""

_OTHERS: Final = {
    "use api_key=... instead": "key",
    "use base_url=... instead": (
        "api_base base_uri url host endpoint azure_endpoint anthropic_api_url openai_base_url"
        " groq_api_base mistral_api_base api_endpoint endpoint_url server_url"
    ),
    "use proxy=..., verify=... and max_connections=... instead": (
        "client async_client root_client root_async_client http_socket_options client_args"
        " client_options client_kwargs async_client_kwargs sync_client_kwargs anthropic_proxy"
        " groq_proxy proxies transport ssl_verify"
    ),
    "use default_headers={...} instead, or extra_headers={...} in one call": (
        "headers extra_headers additional_headers custom_headers"
    ),
    "the gateway does not have query parameters": "default_query extra_query",
    "Segmind does not have projects, regions, versions or deployments": (
        "project location region region_name vertexai api_version openai_api_version"
        " openai_api_type deployment_name azure_deployment deployment_id workspace_id"
        " credentials credentials_profile_name"
    ),
    "use model=... instead": "model_id model_slug slug engine deployment llm repo_id",
    "use max_tokens=... instead": (
        "max_output_tokens max_tokens_to_sample max_new_tokens max_length num_predict maxlen"
    ),
    "use temperature=... instead": "temp",
    "use seed=... instead": "random_seed",
    "use stop=[...] instead": "stop_words stop_tokens",
    "use n=... instead": "candidate_count num_completions num_return_sequences",
    "use reasoning_effort=... instead": "reasoning effort",
    "use timeout=... and connect_timeout=... instead": (
        "default_request_timeout stream_chunk_timeout read_timeout timeout_seconds"
    ),
    "use max_retries=... instead": "max_retry retries num_retries retry_attempts",
    "use max_connections=... instead": "max_concurrent_requests",
    "use cache=... instead": "use_cache",
    "use callbacks=[...] instead": "callback_manager async_callback_manager",
    "use profile={'max_input_tokens': ...} instead": "context_length context_window n_ctx",
    "the gateway runs the model, so this cannot be set": (
        "num_ctx num_gpu num_thread num_batch n_gpu_layers device device_map pipeline_kwargs"
        " model_path model_file validate_model_on_init keep_alive do_sample num_beams mirostat"
        " mirostat_eta mirostat_tau"
    ),
    "the slug says which provider a model is of": (
        "provider model_provider custom_llm_provider beta_use_converse_api"
    ),
    "pass custom_get_token_ids=... to count tokens": "tiktoken_model_name tokenizer",
    "use bind_tools(...) instead": (
        "functions function_call functions_call tool_config allowed_tools mcp_servers"
    ),
    "use bind_tools(..., parallel_tool_calls=False)": "disable_parallel_tool_use",
    "pass it to bind_tools(...) or to one call": "parallel_tool_calls",
    "use with_structured_output(...), or pass response_format=... to one call": (
        "response_format response_schema response_mime_type format output_config json_schema"
    ),
    "use a SystemMessage": "system system_prompt system_message system_instruction",
    "the gateway does not offer OpenAI's Responses API; keep the history in your program": (
        "use_responses_api use_previous_response_id previous_response_id conversation store"
        " truncation include context_management background"
    ),
    "answers do not have log probabilities": "logprobs top_logprobs response_logprobs",
    "the gateway cannot stream; stream() answers in one piece": "stream_options stream_mode",
    "token ids depend on the tokenizer of a model, which the gateway does not name": "logit_bias",
    "a setting that is not set is not sent; leave it out or set it to None": "disabled_params",
    "the gateway does not name such a service": "betas inference_geo container labels",
}
"""Arguments of other packages, by what to do instead."""

_WITHOUT_EFFECT: Final = {
    "stream_usage": "usage is always included",
    "convert_system_message_to_human": "system messages are sent as the model takes them",
    "default_metadata": "the gateway does not take metadata",
}
"""Arguments of other packages that ask for what is done anyway, or for nothing here."""

_BODY_FIELDS: Final = (
    "web_search user verbosity service_tier thinking thinking_config thinking_budget"
    " enable_thinking include_thoughts thinking_level min_p top_a typical_p repetition_penalty"
    " length_penalty safety_settings safety_identifier prompt_cache_key prompt_cache_retention"
    " prompt_cache_options modalities audio prediction media_resolution cached_content"
    " search_parameters web_search_options chat_template_kwargs safe_prompt"
)
"""Fields of the gateway and of the makers' APIs: sent to the model as they are."""

_PRIVATE_NAMES: Final = (
    r"(api|access|secret|private|subscription|auth)_?key|secret|passw|credential|authori[sz]|bearer"
    r"|cookie|(^|(access|ad|api|auth|hf|refresh|security|session)_?)token$"
)
_CLOSE: Final = 0.75
"""From this share of equal letters on, a name counts as misspelled."""

_OF_CALLS: Final = ("tools", "tool_choice", "response_format", "parallel_tool_calls")


@cache
def _body_fields() -> frozenset[str]:
    return frozenset(_BODY_FIELDS.split())


@cache
def _advice() -> dict[str, str]:
    return {name: advice for advice, names in _OTHERS.items() for name in names.split()}


def judge_unknown(
    name: str, value: Any, settings: Iterable[str], *, has_body_fields: bool = True
) -> tuple[bool, str]:
    """Decide what becomes of an argument that is not a setting.

    Args:
        name: The argument.
        value: Its value. An argument of another package that is off is left out: so it is here.
        settings: The names of settings that may be meant.
        has_body_fields: Whether other fields of the request's body can be set at all.

    Returns:
        Whether it is a field of the request's body, and a warning, which may be blank.

    Raises:
        ValueError: If it is misspelled, secret, or means nothing here; the message says what to do.
    """
    if name in _body_fields() and has_body_fields:
        return True, ""
    advice = _advice().get(name) if has_body_fields else None
    if (value is None or value is False) and (advice or name in _WITHOUT_EFFECT):
        return False, ""
    if name in _WITHOUT_EFFECT:
        return False, f"{name} has no effect, and is not sent: {_WITHOUT_EFFECT[name]}."
    if name in RESERVED_FIELDS:
        raise ValueError(f"{name} cannot be set: {RESERVED_FIELDS[name]}.")
    check_not_secret(name)
    if advice is not None:
        raise ValueError(f"{name} is an argument of another package: {advice}.")
    close = closest(name, [*settings, *(_OF_CALLS if has_body_fields else ())])
    hint = f"Did you mean {close}=...?" if close else "Check its spelling."
    if not has_body_fields:
        raise ValueError(f"unknown arguments: {name}. {hint}")
    if close:
        raise ValueError(
            f"{name} is not a setting. {hint} To send it to the model, pass "
            f"model_kwargs={{{name!r}: ...}}."
        )
    return True, (
        f"{name} is not a setting, so it is sent to the model as a field of the request. If you "
        "mean that, pass it in model_kwargs={...}."
    )


def check_model(slug: object) -> str:
    """Check a model's slug, and suggest one for another spelling: `openai/gpt-4o`, `GPT 4o`.

    Raises:
        ValueError: If it cannot be part of the URL.
    """
    try:
        return check_slug(slug)
    except ValueError as error:
        problem = str(error)
    from langchain_segmind._flows.unknown_models import similar_slugs  # noqa: PLC0415 - rarely needed

    is_short = isinstance(slug, str) and len(slug) < 128
    meant = similar_slugs(re.split("[/:]", str(slug))[-1].replace(" ", "-")) if is_short else ()
    raise ValueError(f"{problem} Did you mean {meant[0]!r}?" if meant else problem)


def check_not_secret(name: str, where: str = "") -> None:
    """Refuse to send what may be a secret to a model.

    Raises:
        ValueError: If the name is one of a key, a token or a password.
    """
    if re.search(_PRIVATE_NAMES, name.replace("-", "_"), re.IGNORECASE):
        raise ValueError(
            f"{where}{name} cannot be set: no key of another service is sent. Pass Segmind's as "
            "api_key=... or in the environment variable SEGMIND_API_KEY."
        )


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most likely meant, if one is close."""
    from difflib import get_close_matches  # noqa: PLC0415 - rarely needed

    by_letters = {_letters(each): each for each in sorted(known, reverse=True)}
    found = get_close_matches(_letters(name), by_letters, 1, _CLOSE)
    return by_letters[found[0]] if found else None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
