"""Distinguish a call that a model announces from one that it quotes, by the words before it.

Models wrap what they call in a code block ("Sure, here it is:"), and they quote in code blocks what
a page asked them to call ("The page says:", "I will not do this:"). A block counts as a call only
where the clause in front announces it: with an intention in the first person, or a phrase that is
known. What is not announced is text, because a call that is lost does less harm than one that a
page has made.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_CHARACTERS: Final = 300
"""How much of the text on either side of a code block is looked at."""

_CLAUSE_ENDS: Final = re.compile(r"[.!?;:,\n。！？；：，、…]+|\s[-–—]\s")
_TAG: Final = re.compile(r"<\|?/?[\w:-]{1,40}/?\|?>")
_MARKUP: Final = re.compile(r"[*_#>`~|]+|\[[ x]\]")

_LEADING: Final = re.compile(r"\A\W+|\s+(?=\s)")

_DO: Final = (
    r"(?:search|look|call|use|check|fetch|open|read|run|query|get|find|add|send|writ|creat|invok|"
    r"execut|request|retriev|updat|delet|list|calculat|comput|ask|try|visit|brows|load|start|mak|"
    r"perform|retry|sav|book|play|plan|review|analyz|process|proceed|continu|begin)"
)
_INTENDS: Final = (
    r"\b(?:i|we)(?:['’]ll|\s+will|\s+shall|['’]m\s+going|\s+am\s+going|['’]re\s+going|['’]m|\s+am|"
    r"\s+(?:need|want|have)\s+to|\s+(?:should|must|can)|\s+now)\s+(?:\w+\s+){0,2}?(?!not\b)"
    rf"(?:to\s+)?{_DO}\w*|\b(?:i|we)\s+(?:now\s+|first\s+|then\s+)?{_DO}(?:e|s|up)?\b|"
    rf"\blet(?:['’]s|\s+me|\s+us)\s+(?!not\b)(?:\w+\s+){{0,1}}?{_DO}\w*|"
    # The first person, or the future, of the languages that are written most.
    r"\b(?:ich\s+(?:werde|suche|rufe|prüfe|schaue|öffne|lese|nutze|verwende|hole|frage|führe)|"
    r"(?:suche|rufe|prüfe|öffne|lese|schaue)\s+ich|lass\w*\s+mich|"
    r"je\s+(?:vais|cherche|consulte|vérifie|lance|appelle|utilise|lis|regarde|recherche)|"
    r"(?:voy|vamos)\s+a|déjame|busco|buscaré|llamo|llamaré|consulto|usaré|reviso|"
    r"vou|deixe-me|pesquiso|procuro|chamo|vado\s+a|cerco|cercherò|chiamo|chiamerò|fammi|"
    r"ik\s+(?:zoek|ga|roep|gebruik|lees|open|haal|kijk)|laat\s+me|jag\s+(?:söker|ska|anropar|kollar)|"
    r"я\s+(?:ищу|поищу|вызову|вызываю|сейчас|буду|найду|проверю|выполню)|ищу|вызываю|найду|поищу|"
    r"проверю|выполняю|szukam|wyszukam|wywołuję|sprawdzę|hledám|vyhledám|arıyorum|arayacağım|"
    r"çağırıyorum|saya\s+akan|tôi\s+sẽ|سوف|سأ\w+|دعني)\b|"
    r"मैं\s+(?:खोज|देख|बुला|करूँगा|करूंगा)|"
    r"我(?:来|將|将|会|會|先|去|需要|现在|正在)|(?<![人面它页頁])(?:让我|讓我)|正在(?:搜索|调用|查询|查找)|我搜索|我查|"
    r"(?:検索|調べ|呼び出|確認|実行|使用|取得)(?:し|して|)*(?:み)?(?:ます|ましょう)|"
    r"(?:검색|호출|조회|확인|실행|사용)(?:해|하|을|를)?\s?(?:보)?(?:겠습니다|할게요|볼게요|합니다)"
)
_KNOWN_PHRASE: Final = (
    r"\s*(?:\W*|ok(?:ay)?|sure|certainly|of course|absolutely|alright|all right|great|perfect|yes|"
    r"now|next|first|then|finally|(?:please )?wait|hold on|one moment|no problem|done|got it|"
    r"understood|thanks|as requested|voilà|my apologies|sorry|output|assistant|searching|"
    r"(?:next )?step(?: \d+)?(?: \w+)?|(?:use|call) the (?:\w+ ){0,2}tool|"
    r"(?:and |so |now |first |next )?here (?:it is|you (?:go|are)|we go)|"
    r"(?:and |so |now |first |next )?(?:here|this|below)(?:['’]s| is| are)"
    r"(?: (?:the|my|a|your|our))?"
    r"(?: (?:tool|function|json|next|first|api|final|correct|required|search)){0,2}"
    r" (?:calls?|requests?|json|responses?|reply|answer|output|actions?|invocations?)"
    r"(?: (?:you (?:asked|requested|wanted)|for (?:that|this|you|it))(?: for)?)?|"
    r"(?:the |my |tool |function |json |next )*"
    r"(?:calls?|action|json|response|reply|answer)(?: \w+)?|"
    rf"{_DO}e?|{_DO}\w*ing\b"
    r"(?:(?!\b(?:shows?|showed|returned|returns|says?|said|would|page has)\b).)*|"
    r"natürlich|gerne?|klar|sicher|kein problem|"
    r"hier(?: ist)?(?: (?:der|die|das))?(?: (?:aufruf|antwort|json))?|"
    r"bien sûr|d['’]accord|voici(?: (?:l['’]appel|la réponse)(?: \w+ \w+)?)?|pas de problème|"
    r"claro(?: que sim)?|por supuesto|aquí (?:está|tienes)(?: la (?:llamada|respuesta))?|"
    r"no hay problema|pesquisando|buscando|aqui está(?: a (?:chamada|resposta))?|certo|"
    r"ecco(?: la (?:chiamata|risposta))?|natuurlijk|конечно|хорошо|вот(?: вызов(?: инструмента)?)?|"
    r"ответ|jasne|好的?|没问题|以下是(?:工具)?(?:调用|函数调用)|当然|はい|分かりました|네|알겠습니다)\W*\Z"
)
_REPORTS: Final = (
    r"\b(?:says?|said|reads|wrote|writes|written|contain(?:s|ed)?|includes?|states?|stated|demands?|"
    r"asks?|asked|tells|told|wants?|wanted|shows?|showed|returned|found|blocked|rejected|skipped|"
    r"quot(?:e|es|ed|ing)|instructs?|instructed|injected|injection|attack|malicious|suspicious|"
    r"dangerous|examples?|sample|untrusted|sagt(?:e)?|steht|schreibt|enthält|lautet|verlangt|zitat|"
    r"gefunden|beispiel|angriff|dit|écrit|contient|trouvé|citation|exemple|attaque|dice|contiene|"
    r"escribió|pide|ejemplo|ataque|diz|contém|pede|exemplo|говорит|написано|содержит|пример|атака)\b"
    r"|有人|页面|网页|说|說|写着|寫著|要求|让我执行|攻击|攻擊|書かれ|求め|要求|攻撃|공격"
)
_REFUSES: Final = (
    r"\b(?:not|never|cannot|refus\w+|declin\w+|reject\w*|ignor\w+|avoid|block\w*|warn|would|could|"
    r"nicht|kein\w*|nie|niemals|weigere|lehne|pas|jamais|nunca|jamás|rechaz\w+|non|mai|rifiut\w+|não|"
    r"recus\w+|no\s+(?:voy|vamos|l[aoe]|se|debo|puedo|quiero|har\w*|ejecut\w*)|niet|geen|nooit|inte|"
    r"vägrar|ikke|aldrig|не|нет|никогда|отказ\w+|nigdy|nikdy|değil|asla|لا|لن|لم|नहीं|không|từ chối|"
    r"tidak|menolak)\b|n['’]t\b|不|没|別|拒|ません|ない|않|아니|못|거부|ไม่"
)
_NOT_DONE: Final = (
    r"(?:will|would|did|do|does|can|should|must|is)(?:\s+not|n['’]t)\s+(?:be\s+)?"
    r"(?:run|execute|call|do|follow|use|obey|comply|act)\w*\b|"
    r"\bwon['’]t\s+(?:run|execute|call|do|follow|use|obey|comply)\b|"
    r"\b(?:refuse|decline|reject|ignor(?:e|ed|ing)|malicious|suspicious|attack|injection|untrusted|"
    r"dangerous|beware|only if you (?:confirm|agree)|should i (?:run|call|do|execute))\b|"
    r"nicht (?:aus|ausführen|folgen|tun)|führe (?:ich )?(?:das|dies|es) nicht|ignoriere|"
    r"(?:ne|n['’])\s?(?:vais|le|la|l['’])\s?.{0,20}pas|"
    r"no (?:lo|la|voy)|não (?:vou|o|a)|non (?:lo|la)|"
    r"не буду|игнорир|не выполн|不会|不执行|忽略|攻击|実行しません|無視|攻撃|실행하지|무시|공격"
)
_NAMES_A_SOURCE: Final = (
    r"\b(?:page|website|webpage|site|readme|document|email|file|comment|above|"
    r"seite|webseite|datei|dokument|página|pagina|archivo|correo|fichier|courriel|documento|arquivo|"
    r"pagina|bestand|sida|sidan|страниц\w*|сайт\w*|файл\w*|stron\w*|plik\w*|stránk\w*|sayfa\w*)\b|"
    r"页|頁|网站|網站|文件|文档|ページ|サイト|ファイル|페이지|파일|الصفحة|—\s*from"
)
_LACKS: Final = (
    r"\b(?:do|does|did|is|are|am|have|has|can|could)(?:\s+not|n['’]t)\s+(?:yet\s+)?(?:already\s+)?"
    r"(?:have|know|see|sure|certain|enough|available|found|got|tell|answer|there)\b"
)
"""\"I do not know the price\" announces a call as well as any other sentence."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern at its first use: together they take longer than importing the package."""
    return re.compile(pattern, re.IGNORECASE)


def announces_a_call(before: str, after: str) -> bool:
    """Whether the words around a code block announce the call in it, as opposed to quoting it.

    Args:
        before: The words in front of it, without other code blocks.
        after: The words behind it.
    """
    if _compiled(_NOT_DONE).search(after[:_CHARACTERS]):
        return False
    words = _MARKUP.sub(" ", _TAG.sub("\n", before[-_CHARACTERS:]))
    clauses = [clause for clause in _CLAUSE_ENDS.split(words) if re.search(r"\w", clause)]
    if not clauses:
        return not _compiled(_NAMES_A_SOURCE).search(after[:_CHARACTERS])
    clause = clauses[-1]
    if _compiled(_KNOWN_PHRASE).match(_LEADING.sub("", clause)):
        return True
    if reports_or_refuses(clause):
        return False
    return (
        _compiled(_INTENDS).search(clause) is not None
        or _compiled(_INTENDS).search(words) is not None
    )


def takes_back(words: str) -> bool:
    """Whether words behind a call refuse it, or name where it is quoted from."""
    return not announces_a_call("", words) or _compiled(_REFUSES).search(words) is not None


def reports_or_refuses(words: str) -> bool:
    """Whether words in front of a call report what somebody else wrote, or refuse it."""
    clauses = [clause for clause in _CLAUSE_ENDS.split(words) if clause.strip()]
    clause = _compiled(_LACKS).sub(" ", clauses[-1]) if clauses else ""
    if not (_compiled(_REFUSES).search(clause) or _compiled(_REPORTS).search(clause)):
        return False
    intends = _compiled(_INTENDS).search(clause)
    # "Let me check what the README says:" announces, "I will not run what it says:" does not.
    return intends is None or bool(_compiled(_REFUSES).search(clause[: intends.end()]))
