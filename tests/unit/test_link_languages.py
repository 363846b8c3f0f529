"""Questions and schemas in other languages than English: found by their letters alone."""

from __future__ import annotations

import unicodedata

import pytest
from sqlstrictd.schema.link import choose_from_sets, choose_part, nearest_names, unmatched_words
from sqlstrictd.schema.linking.languages import language_of
from sqlstrictd.schema.linking.terms import terms_of
from sqlstrictd.schema.types import Column, Schema, Table

TABLES = """
Kunden: KundenNr Nachname Straße Geburtsdatum
Bestellungen: BestellNr KundenNr Bestelldatum Gesamtbetrag
Lieferanten: LiefNr Firma
étudiants: id_étudiant prénom date_naissance
inscriptions: id_inscription id_cours
professeurs: id_prof spécialité
empleados: id_empleado sueldo fecha_contratación
departamentos: id_depto nombre_depto
ventas: id_venta importe
客户: 客户编号 姓名 城市
订单: 订单编号 总金额 日期
产品: 产品编号 名称 价格
従業員: 社員番号 氏名 部署
注文: 注文番号 合計金額
고객: 고객번호 이름
заказы: номер сумма
клиенты: номер фамилия
"""


def make_schema(n_fillers: int = 0) -> Schema:
    lines = [line.split(": ") for line in TABLES.strip().splitlines()]
    lines += [[f"ledger_{number}", f"entry_{number} posted"] for number in range(n_fillers)]
    return Schema(
        "sqlite", tuple(Table(name, tuple(map(Column, rest.split()))) for name, rest in lines)
    )


QUESTIONS = [
    ("Wie viele Kunden gibt es?", "Kunden"),
    ("Wie viel ist der Gesamtbetrag?", "Bestellungen"),
    ("Was wurde am meisten bestellt?", "Bestellungen"),
    ("In welchen Strassen wohnen sie?", "Kunden"),
    ("Welcher Lieferant ist es?", "Lieferanten"),
    ("Quel est le prenom le plus long ?", "étudiants"),
    ("Combien d'etudiants y a-t-il ?", "étudiants"),
    ("Combien de personnes sont inscrites ?", "inscriptions"),
    ("Quels professeurs ont une specialite ?", "professeurs"),
    ("¿Cuántos empleados hay?", "empleados"),
    ("¿Cuál es la fecha de contratacion?", "empleados"),
    ("importe de las ventas", "ventas"),
    ("有多少客户?", "客户"),
    ("每个订单的总金额是多少?", "订单"),
    ("价格最高的是什么", "产品"),
    ("従業員は何人いますか", "従業員"),
    ("注文の合計金額を教えてください", "注文"),
    ("고객의 이름은 무엇입니까", "고객"),
    ("сколько клиентов в базе", "клиенты"),
    ("сумма заказов", "заказы"),
]


@pytest.mark.parametrize(("question", "table"), QUESTIONS)
def test_a_question_finds_its_table_among_hundreds(question: str, table: str) -> None:
    schema = make_schema(n_fillers=400)
    assert (table,) in choose_from_sets(schema, question)[:2]
    assert choose_part(schema, question, 500).schema.table(table) is not None


@pytest.mark.parametrize(("question", "table"), QUESTIONS)
def test_the_names_nearest_to_a_question_are_of_its_table(question: str, table: str) -> None:
    (first, *_) = nearest_names(make_schema(), question)
    assert first.name.partition(".")[0] == table


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_may_be_left_out_on_either_side_and_composed_either_way(form: str) -> None:
    schema = make_schema()
    asked = unicodedata.normalize("NFC" if form == "NFD" else "NFD", "étudiants")
    for text in (asked, "etudiants"):
        (first, *_) = nearest_names(schema, text)
        assert (first.name, first.score) == ("étudiants", 1.0)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Wie viele Kunden gibt es in jeder Straße?", ()),
        ("Welche Kunden haben einen Führerschein?", ("Führerschein",)),
        ("Quels étudiants n'ont pas d'inscription ?", ()),
        ("Quels étudiants ont un ordinateur ?", ("ordinateur",)),
        ("¿Cuántos empleados hay en cada departamento?", ()),
        ("¿Cuántos empleados tienen una bicicleta?", ("bicicleta",)),
        ("每个订单的总金额是多少?", ()),  # pairs of characters that are no words are not listed
    ],
)
def test_little_words_are_not_what_the_schema_lacks(question: str, words: tuple[str, ...]) -> None:
    unmatched = unmatched_words(make_schema(), question)
    assert unmatched.words == words
    assert (unmatched.share > 0.3) == bool(words)


def test_of_a_question_without_blanks_that_nothing_resembles_everything_is_missing() -> None:
    assert unmatched_words(make_schema(), "天气怎么样").share == 1.0


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("How many students die in the war?", ""),
        ("List the names of all artists in Des Moines", ""),
        ("Wie viele Artikel sind in den Lagern?", "German"),
        ("Combien de clients y a-t-il dans chaque ville ?", "French"),
        ("¿Cuáles son los nombres de las tiendas?", "Spanish"),
        ("Quantos clientes existem em cada uma das cidades?", "Portuguese"),
        ("Quanti clienti ci sono in ogni città?", "Italian"),
        ("customers", ""),
        ("", ""),
    ],
)
def test_little_words_tell_the_language(question: str, language: str) -> None:
    assert language_of([term.word for term in terms_of(question)]) == language
