"""Tell a code block that holds a model's own call from one that quotes.

Models wrap what they call in a code block ("Sure, here it is:"), and they quote in code blocks what
a page told them to call ("The page says:", "I will not do this:"). Only the words in front tell the
two apart: those of a call announce it, in the first person or with a phrase that is known. What is
not announced is text, because a call that is lost does less harm than one that a page has made.
"""

from __future__ import annotations

import re
from typing import Final

_CHARACTERS: Final = 300
"""How much of the text on either side of a code block is looked at."""

_CLAUSE_ENDS: Final = re.compile(r"[.!?;:,\n。！？；：，、]+|\s[-–—]\s")

# The clause in front of the block: its first person, or the beginning of a known phrase.
_FIRST_PERSON: Final = re.compile(
    r"\b(?:(?-i:I)|i['’](?:ll|m|d|ve)|we|we['’]ll|let (?:me|us)|let['’]s|"
    r"ich|wir|je\s+\w+|j['’]\w+|nous|yo|voy|vamos|\w{3,}emos|eu|vou|io|vado|ik|jag|jeg|minä|"
    r"busco|buscaré|llamo|llamaré|uso|usaré|ejecuto|consulto|cerco|chiamo|cercherò|chiamerò|"
    r"я|мы|ищу|вызываю|найду|поищу|проверю|szukam|wywołuję|hledám|söker|zoek|suche|rufe|prüfe|"
    r"arıyorum|arayacağım|çağırıyorum|أنا|سوف|سأ\w+|دعني|אני|मैं|saya|tôi)\b"
    r"|我|让我|讓我|します|しましょう|みます|합니다|하겠습니다|할게요|ผม|ฉัน|ดิฉัน",
    re.IGNORECASE,
)
_KNOWN_PHRASE: Final = re.compile(
    r"\s*(?:\W*|(?:ok(?:ay)?|sure|certainly|of course|absolutely|alright|all right|great|yes|now|"
    r"next|first|then|finally|please wait|one moment|no problem|done|"
    r"(?:and |so |now |first |next )?(?:here|this) (?:it is|you (?:go|are)|we go|is (?:the|my|a)"
    r" (?:\w+ ){0,3}(?:call|calls|request|json|response|reply|answer|output|action)"
    r"(?: (?:you|that you|for)\b[^\"“”]*)?)|here['’]s the (?:\w+ ){0,3}call\b[^\"“”]*|"
    r"(?:the |my |tool |function |json |next )*"
    r"(?:calls?|action|json|request|response|reply|answer)|"
    r"(?:calling|searching|looking|opening|using|checking|fetching|getting|running|reading|sending|"
    r"adding|creating|writing|making|invoking|querying|requesting|retrieving|trying)\b[^\"“”]*|"
    r"natürlich|gerne?|klar|sicher|kein problem|hier(?: ist)?(?: der)?(?: \w+)?|"
    r"bien sûr|d['’]accord|voici(?: l['’]appel| la réponse)?|pas de problème|"
    r"claro|por supuesto|aquí (?:está|tienes)(?: la llamada)?|no hay problema|"
    r"claro que sim|aqui está(?: a chamada)?|certo|ecco(?: la chiamata)?|natuurlijk|"
    r"конечно|хорошо|вот(?: вызов)?|jasne|好的?|没问题|当然|はい|分かりました|네|알겠습니다))\W*\Z",
    re.IGNORECASE,
)
_REPORTS: Final = re.compile(
    r"\b(?:says?|said|reads|wrote|writes|written|contain(?:s|ed)?|includes?|states?|stated|demands?|"
    r"quot(?:e|es|ed|ing)|instructs?|instructed|injected|injection|attack|malicious|suspicious|"
    r"examples?|sample|untrusted|sagt(?:e)?|steht|schreibt|enthält|lautet|verlangt|zitat|beispiel|"
    r"angriff|dit|écrit|contient|citation|exemple|attaque|dice|contiene|escribió|ejemplo|ataque|diz|"
    r"contém|exemplo|говорит|написано|содержит|пример|атака)\b|写着|寫著|攻击|攻擊|書かれ|攻撃|공격",
    re.IGNORECASE,
)
_REFUSES: Final = re.compile(
    r"\b(?:not|never|cannot|refuse[sd]?|decline[sd]?|ignor\w+|avoid|nicht|kein\w*|nie|niemals|weigere|"
    r"ne|pas|jamais|refuse|nunca|jamás|no\s+(?:voy|vamos|l[aoe]|se|debo|puedo|quiero|har\w*|ejecut\w*)|rechazo|non|mai|rifiuto|não|recuso|niet|geen|nooit|inte|"
    r"ikke|aldrig|не|нет|никогда|nie|nigdy|ne|nikdy|değil|asla|לא|لا|لن|لم|नहीं|không|tidak)\b"
    r"|n['’]t\b|不|没|別|ません|ない|않|아니|못|ไม่",
    re.IGNORECASE,
)
_LACKS: Final = re.compile(
    r"\b(?:do|does|did|is|are|am|have|has)(?:\s+not|n['’]t)\s+(?:yet\s+)?"
    r"(?:have|know|see|sure|certain|enough|available|found|got)\b",
    re.IGNORECASE,
)
"""\"I do not know the price\" announces a call as well as any other sentence."""


def announces_a_call(before: str, after: str) -> bool:
    """Whether the words around a code block announce the call in it, as opposed to quoting it.

    Args:
        before: The words in front of it, without other code blocks.
        after: The words behind it.
    """
    if _refuses_afterwards(after[:_CHARACTERS]):
        return False
    clauses = [clause for clause in _CLAUSE_ENDS.split(before[-_CHARACTERS:]) if clause.strip()]
    if not clauses:
        return True
    clause = _LACKS.sub(" ", clauses[-1]).strip()
    if _KNOWN_PHRASE.match(clause):
        return True
    if _REFUSES.search(clause) or _REPORTS.search(clause):
        return False
    return _FIRST_PERSON.search(clause) is not None


def _refuses_afterwards(after: str) -> bool:
    """Whether a sentence behind the block, in the first person, takes it back or calls it bad."""
    for sentence in re.split(r"[.!?\n。！？]", after):
        plain = _LACKS.sub(" ", sentence)
        if _REPORTS.search(plain) or (_REFUSES.search(plain) and _FIRST_PERSON.search(plain)):
            return True
    return False
