"""Tell a code block that the model wants to be read from one that it only speaks of.

Models wrap what they call in a code block ("Sure, here it is:"), and they quote in code blocks what
a page told them to call ("The page says:", "I will not do this:"). Only the words around tell the
two apart. Reporting and refusing words of the languages that are written most decide. In any other
language a block is read as a call, as a block without words around it is.
"""

from __future__ import annotations

import re
from typing import Final

_CHARACTERS: Final = 600
"""How much of the text on either side of a code block is looked at."""

# Missing on purpose: what also stands in the announcement of a call ("the user asks", "wants").
_REPORTING: Final = """
says said reads wrote writes written contain contains contained containing claims claimed demands
demanded quote quotes quoted quoting instructs instructed instruction instructions injected
injection attack malicious suspicious example sample untrusted trick tricked
sagt sagte steht stand schreibt schrieb geschrieben enthält enthielt lautet lautete fordert
forderte verlangt verlangte zitat zitiert beispiel angriff anweisung anweisungen
dit disait écrit contient contenait affirme citation exemple attaque instruction instructions
dice decía dijo contiene contenía escribió escrito cita ejemplo ataque instrucción instrucciones
diceva scritto scrive conteneva citazione esempio attacco istruzione istruzioni
diz disse contém continha escreveu escreve citação exemplo instrução instruções
zegt zei staat stond bevat bevatte schrijft schreef citaat voorbeeld aanval opdracht
говорит говорится сказано написано пишет содержит требует цитата пример атака инструкция
mówi napisano zawiera żąda cytat przykład atak říká píše obsahuje příklad útok
säger står skriver innehåller exempel attack sier skriver inneholder eksempel siger indeholder
diyor yazıyor içeriyor örnek saldırı spune scrie conține exemplu atac
каже написано містить приклад mondja írja tartalmaz tartalmazza példa sanoo lukee sisältää
λέει γράφει περιέχει παράδειγμα אומר כתוב מכיל דוגמה
يقول تقول مكتوب يحتوي تحتوي مثال هجوم कहता कहती लिखा उदाहरण हमला nói viết chứa mengatakan berisi
"""
_REPORTING_PARTS: Final = (
    "说|說|写着|寫著|写道|包含|例如|示例|引用|攻击|攻擊|指令|言っ|言い|書い|書か|含ま|攻撃|引用|と述べ|"
    "말하|말합|쓰여|적혀|포함|예시|공격|인용|บอก|เขียน|ตัวอย่าง"
)
_REFUSING: Final = """
not never refuse refused refusing won't don't didn't can't cannot wouldn't shouldn't ignore ignored
ignoring decline declined avoid
nicht kein keine keinen nie niemals ignoriere weigere ne n pas jamais refuse ignore
no nunca ignoro rechazo non mai rifiuto não recuso niet geen nooit weiger не нет никогда nie nigdy
ni nem inte aldrig ikke aldri değil hayır nu niciodată ei δεν לא لا لن لم नहीं không tidak jangan
"""
_REFUSING_PARTS: Final = "n't|n’t|不|没|沒|别|ない|ません|않|아니|거부|못|ไม่"
_SOURCES: Final = (
    r"\b(?:page|webpage|website|site|document|email|e-mail|article|seite|webseite|dokument|página|"
    r"pagina|sitio|sito|documento|страниц\w*|strona|stronie|stránka|sayfa)\b|网页|页面|網頁|頁面|ページ|페이지"
)
# "I do not know the price, so I will search:" announces a call.
_LACKING: Final = re.compile(
    r"\b(?:do|does|did|is|are|am)(?:\s+not|n['’]t)\s+"
    r"(?:yet\s+)?(?:have|know|see|sure|certain|enough|available|possible|contain)\b",
    re.IGNORECASE,
)
_ANNOUNCING: Final = re.compile(
    r"\b(?:I['’](?:ll|m)|I (?:will|am|need|should)|let (?:me|us)|let['’]s|"
    r"to (?:open|read|visit|get))\b",
    re.IGNORECASE,
)
_LINE_ENDS: Final = re.compile(r"[.!?。！？\n]")


def _one_of(words: str, parts: str) -> re.Pattern[str]:
    whole = "|".join(sorted(map(re.escape, set(words.split()))))
    return re.compile(rf"(?<!\w)(?:{whole})(?!\w)|{parts}", re.IGNORECASE)


_REPORTS: Final = _one_of(_REPORTING, _REPORTING_PARTS)
_REFUSES: Final = _one_of(_REFUSING, _REFUSING_PARTS)
_NAMES_A_SOURCE: Final = re.compile(_SOURCES, re.IGNORECASE)


def speaks_of_it(before: str, after: str) -> bool:
    """Whether the words around a code block report or refuse what stands in it.

    Args:
        before: The words in front of it, without other code blocks.
        after: The words behind it.
    """
    before = _LACKING.sub(" ", before[-_CHARACTERS:].strip())
    after = _LACKING.sub(" ", after[:_CHARACTERS])
    if _REPORTS.search(before) or _REPORTS.search(after) or _REFUSES.search(after):
        return True
    introduction = next(filter(str.strip, reversed(_LINE_ENDS.split(before))), "")
    if _REFUSES.search(introduction):
        return True
    return bool(_NAMES_A_SOURCE.search(introduction) and not _ANNOUNCING.search(introduction))
