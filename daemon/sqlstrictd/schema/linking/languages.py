"""The words without content of other languages than English, and which language a question is in.

Names are compared letter by letter whatever the language; this only keeps its little words from
being taken for names, and from being listed as what the schema lacks. Read by `terms.py`; the
English ones are in `vocabulary.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlstrictd.schema.linking.vocabulary import STOP_WORDS
from sqlstrictd.schema.words import text_words

_LEAST: Final = 2  # such words of a language that a question in it has

# Words as `words.py` cuts them: without accents, and without what it takes for a plural ending.
FUNCTION_WORDS: Final[dict[str, frozenset[str]]] = {
    language: frozenset(text_words(words))
    for language, words in {
        "German": """
        aber alle allem allen aller alles als am an auch auf aus bei beim bis da dann das dass dem
        den denen der deren des dessen die dies diese diesem diesen dieser doch durch ein eine
        einem einen einer eines er es fur gebe gib gibt hat hatte haben habe ihr ihre ihrem ihren
        ihrer im in ist je jede jedem jeden jeder jedes kein keine keinen keiner man mehr mein
        meiste meisten mir mit nach nicht noch nur ob oder ohne pro sein seine seinem seinen
        seiner sich sie sind so sowie uber um und uns unter viel viele vielen vom von vor wann war
        waren warum was welche welchem welchen welcher welches wenn wer werden wessen wie wieviele
        wird wo wurde wurden zeige zu zum zur zwischen
        """,
        "French": """
        a afin ai as au aucun aucune aussi autre autres aux avec avoir ayant car ce cela celle
        celles celui ces cet cette chaque chez combien comme comment d dans de des donne donner
        dont du elle elles en entre est et etaient etait ete etre eu fait il ils j je jusqu l la
        le les leur leurs liste lister lui m mais me meme mes moins mon montre n ne nos notre nous
        on ont ou par parmi pas plus pour qu quand que quel quelle quelles quels qui quoi sa sans
        se ses si son sont sous sur ta tous tout toute toutes tres trouver un une vers vos votre
        vous y
        """,
        "Spanish": """
        a al algun alguna ante antes asi cada como con cual cuales cuando cuanta cuantas cuanto
        cuantos da dame de del desde donde dos e el ella ellas ellos en entre era eran es esa ese
        eso esta estan estas este esto estos fue fueron ha haber han hasta hay la las le les lo
        los mas me menos mi muestra muy ni ningun ninguna no nos o otra otro para pero por porque
        que quien quienes se sea segun ser si sin sobre solo son su sus tambien tan tener tiene
        tienen toda todas todo todos un una unas uno unos y ya
        """,
        "Portuguese": """
        a ao aos as cada com como da das de dela dele do dos e ela elas ele eles em entre era essa
        esse esta estao este foi foram ha isso ja liste mais mas me menos mostre muito na nao nas
        nem no nos o onde os ou para pela pelas pelo pelos por qual quais quando quanta quantas
        quanto quantos que quem sao se sem ser seu seus sobre sua suas tem tambem toda todas todo
        todos um uma umas uns
        """,
        "Italian": """
        a agli ai al alla alle anche che chi ci come con cosa cui da dai dal dalla dalle degli dei
        del della delle dello di dove e ed elenca era fra gli ha hanno i il in la le lo loro ma mi
        mostra nei nel nella nelle no non o ogni per piu qual quale quali quando quanta quante
        quanti quanto questa questo se senza si sono su sua sue suo sul sulla tra trova tutte
        tutti un una uno
        """,
    }.items()
}


def language_of(words: Collection[str]) -> str:
    """Return which of the languages here the words of a question are of; empty for English.

    That is the one with the most of its little words, if English has fewer: many are in several.
    """
    counts = {
        language: sum(word in known for word in words) for language, known in FUNCTION_WORDS.items()
    }
    best = max(counts, key=lambda language: counts[language])
    n_english = sum(word in STOP_WORDS for word in words)
    return best if counts[best] >= _LEAST and counts[best] > n_english else ""
