"""Rate a reader of labels: what it answered against the truth.

    pilah classify --config parcels.toml --json val/*.jpg > answers.jsonl
    python -m pilah_train.labels.rate --answers answers.jsonl --truth val/truth.csv [--markdown]

Answers are JSON, one object a line, as `pilah classify --json` prints them; a `cpu_ms` in them is preferred to the sum of
the stages. Rows of the truth without a region are pictures that must not get a lane. Several --answers and --truth are
rated together, in pairs. Pictures without an answer, or with an `error` for one, are counted apart: they got no lane, but
nothing was refused. Where lines.jsonl stands beside the truth, a postal code that stands in the sender's lines only
counts as sender taken for recipient, too.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from ..recipe import Fault, said

DIFFICULTIES = ("easy", "medium", "hard")
SAME = {"DKI JAKARTA": "DAERAH KHUSUS IBUKOTA JAKARTA", "DI YOGYAKARTA": "DAERAH ISTIMEWA YOGYAKARTA"}


def region_of(answer: dict) -> str:
    """The region that the answer's lane stands for, or nothing where it went to the exception lane."""
    if not answer.get("sorted") or answer.get("error"):
        return ""
    for name in (answer.get("class"), answer.get("lane")):
        name = (name or "").upper().replace("-", "").replace("_", "").replace(" ", "")
        if "LUARJAWA" in name:
            return "REG_LUARJAWA"
        if "JAWA" in name:
            return "REG_JAWA"
    raise Fault(f"{answer.get('file')}: lane {answer.get('lane')!r} is neither of a region nor the exception lane")


def value(answer: dict, reading: str) -> str:
    """What was read, without spaces at its ends or within a number, or nothing."""
    text = str(((answer.get("readings") or {}).get(reading) or {}).get("value") or "")
    return text.replace(" ", "") if reading in ("awb", "postal_code") else text.strip()


def cpu_ms(answer: dict) -> float | None:
    """The time that the picture took."""
    if "cpu_ms" in answer:
        return float(answer["cpu_ms"])
    stages = answer.get("stages_ms")
    return float(stages.get("total", sum(stages.values()))) if stages else None


def join(answers: Path, truth: Path) -> list[tuple[dict, dict, dict]]:
    """Truth, answer and the text of the sender's and the recipient's lines, for every picture of the truth."""
    with answers.open(encoding="utf-8") as file:
        told = {Path(answer["file"]).name: answer for answer in map(json.loads, filter(str.strip, file))}
    lines = truth.parent / "lines.jsonl"
    texts: dict[str, dict] = {}
    if lines.exists():
        for row in map(json.loads, lines.open(encoding="utf-8")):
            sides = defaultdict(str)
            for line in row["lines"]:
                sides[line["role"]] += line["text"].replace(" ", "")
            texts[Path(row["file"]).name] = sides
    with truth.open(newline="", encoding="utf-8") as file:
        rows = [(row, Path(row["file"]).name) for row in csv.DictReader(file)]
    if not any(name in told for _, name in rows):
        raise Fault(f"no picture of {truth} is among the answers in {answers}; give the answers to its pictures")
    return [(row, told.get(name, {}), texts.get(name, {})) for row, name in rows]


def answered(answer: dict) -> bool:
    """Whether the reader said anything about the picture."""
    return bool(answer) and not answer.get("error")


def sender_taken(row: dict, answer: dict, text: dict) -> bool:
    """Whether the sender was sorted instead of the recipient."""
    got = region_of(answer)
    if not got:
        return False
    code = value(answer, "postal_code")
    if text and code and code != row["recipient_postal_code"] and code in text["sender"] and code not in text["recipient"]:
        return True
    return got != row["region"] and got == row["sender_region"]


def _same_place(a: str, b: str) -> bool:
    a, b = (" ".join(name.upper().replace(".", " ").split()) for name in (a, b))
    return SAME.get(a, a) == SAME.get(b, b)


def rate(rows: list[tuple[dict, dict, dict]]) -> dict:
    """All figures; shares are None where there is nothing to count."""
    share = lambda flags: float(np.mean(flags)) if len(flags) else None  # noqa: E731
    mail = lambda row: row[0].get("layout", "").startswith("mail")  # noqa: E731
    labels = [row for row in rows if row[0]["region"] and not mail(row)]
    letters = [row for row in rows if row[0]["region"] and mail(row)]
    negatives = [row for row in rows if not row[0]["region"]]
    figures: dict = {"labels": len(labels), "negatives": len(negatives)}
    figures["unanswered"] = sum(not answered(answer) for _, answer, _ in rows)
    got = [(row, answer, text, region_of(answer)) for row, answer, text in labels]
    laned = [g for g in got if g[3]]
    figures["right_of_sorted"] = share([region == row["region"] for row, _, _, region in laned])
    figures["wrong"] = [row["file"] for row, _, _, region in laned if region != row["region"]]
    figures["sender_for_recipient"] = share([sender_taken(row, answer, text) for row, answer, text, _ in got if answered(answer)])
    for difficulty in DIFFICULTIES:
        some = [g for g in got if g[0]["difficulty"] == difficulty]
        figures[difficulty] = {
            "labels": len(some),
            "sorted": share([bool(region) for *_, region in some]),
            "wrong": sum(bool(region) and region != row["region"] for row, _, _, region in some),
            "postal_code": share(
                [
                    value(a, "postal_code") == row["recipient_postal_code"]
                    for row, a, *_ in some
                    if row["has_postal_code_text"] == "1"
                ]
            ),
            "awb": share([value(a, "awb") == row["awb"] for row, a, *_ in some if row["awb"]]),
        }
    some = [g for g in got if g[0]["difficulty"] in ("easy", "medium")]
    figures["easy_and_medium"] = {
        "sorted": share([bool(region) for *_, region in some]),
        "postal_code": share(
            [value(a, "postal_code") == row["recipient_postal_code"] for row, a, *_ in some if row["has_postal_code_text"] == "1"]
        ),
        "awb": share([value(a, "awb") == row["awb"] for row, a, *_ in some if row["awb"]]),
    }
    if letters:
        ways = [(row, answer, region_of(answer)) for row, answer, _ in letters]
        figures["mail"] = {
            "letters": len(letters),
            "five_digits": share([value(answer, "postal_code") == row["recipient_postal_code"] for row, answer, _ in ways]),
            "sorted": share([bool(region) for *_, region in ways]),
            "right_of_sorted": share([region == row["region"] for row, _, region in ways if region]),
        }
        figures["wrong"] += [row["file"] for row, _, region in ways if region and region != row["region"]]
    figures["province"] = share([_same_place(value(a, "province"), row["recipient_province"]) for row, a, *_ in got])
    figures["regency"] = share([_same_place(value(a, "regency"), row["recipient_regency"]) for row, a, *_ in got])
    kinds = defaultdict(list)
    for row, answer, _ in negatives:
        if answered(answer):
            kinds[row["note"].split(";")[0].removeprefix("negative:")].append(bool(region_of(answer)))
    figures["negatives_sorted"] = share([flag for flags in kinds.values() for flag in flags])
    figures["negatives_by_kind"] = {kind: [sum(flags), len(flags)] for kind, flags in sorted(kinds.items())}
    times = [t for _, answer, _ in rows if (t := cpu_ms(answer)) is not None]
    figures["cpu_ms"] = {f"p{p}": round(float(np.percentile(times, p)), 1) for p in (50, 95, 99)} if times else None
    reasons = defaultdict(int)
    for _, answer, _, region in got:
        if not region:
            reasons[str(answer.get("reason", "no answer"))] += 1
    figures["not_sorted_because"] = dict(sorted(reasons.items(), key=lambda item: -item[1]))
    return figures


def table(figures: dict) -> list[tuple[str, str, str]]:
    """What is asked for, the figure, and the aim."""
    percent = lambda x: "-" if x is None else f"{100 * x:.1f} %"  # noqa: E731
    both, times = figures["easy_and_medium"], figures["cpu_ms"] or {}
    rows = [
        ("labels, negatives", f"{figures['labels']}, {figures['negatives']}", ""),
        ("pictures without an answer", str(figures["unanswered"]), "0"),
        ("right lane, of labels that got one", percent(figures["right_of_sorted"]), "99.5 %"),
        ("easy and medium that got a lane", percent(both["sorted"]), "85 %"),
        *[
            (
                f"- {d}: got a lane, of them wrong",
                f"{percent(figures[d]['sorted'])}, {figures[d]['wrong']} of {figures[d]['labels']}",
                "",
            )
            for d in DIFFICULTIES
        ],
        ("sender taken for recipient", percent(figures["sender_for_recipient"]), "at most 0.3 %"),
        ("postal code exact where printed, easy and medium", percent(both["postal_code"]), "93 %"),
        ("waybill exact, easy and medium", percent(both["awb"]), "92 %"),
        *[
            (f"- {d}: postal code, waybill", f"{percent(figures[d]['postal_code'])}, {percent(figures[d]['awb'])}", "")
            for d in DIFFICULTIES
        ],
        ("province, regency", f"{percent(figures['province'])}, {percent(figures['regency'])}", ""),
        ("negatives that got a lane", percent(figures["negatives_sorted"]), "at most 1 %"),
        *[(f"- {kind}", f"{n} of {of}", "") for kind, (n, of) in figures["negatives_by_kind"].items() if n],
        (
            "ms a picture: median, 95 %, 99 %",
            ", ".join(f"{times[p]:.0f}" for p in ("p50", "p95", "p99")) if times else "-",
            "150",
        ),
    ]
    if mail := figures.get("mail"):
        rows += [
            ("mail: five digits right", f"{percent(mail['five_digits'])} of {mail['letters']}", "90 %"),
            ("mail: got a lane, of them right", f"{percent(mail['sorted'])}, {percent(mail['right_of_sorted'])}", "-, 99 %"),
        ]
    because = ", ".join(f"{reason} {n}" for reason, n in figures["not_sorted_because"].items())
    return rows + ([("no lane because", because, "")] if because else [])


@said
def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser("pilah_train.labels.rate", description=__doc__.split("\n")[0])
    parser.add_argument("--answers", type=Path, action="append", required=True, help="JSON lines of pilah classify --json")
    parser.add_argument("--truth", type=Path, action="append", required=True, help="truth.csv of the same pictures")
    parser.add_argument("--markdown", action="store_true", help="print a table for a model card")
    parser.add_argument("--json", action="store_true", help="print all figures as one JSON object, with the wrong ones' names")
    args = parser.parse_args()
    if len(args.answers) != len(args.truth):
        parser.error("give one --truth for each --answers, in the same order")
    figures = rate([row for pair in zip(args.answers, args.truth) for row in join(*pair)])
    if args.json:
        print(json.dumps(figures, indent=1))
    elif args.markdown:
        print("| what | figure | aim |\n|---|---|---|")
        print("\n".join(f"| {what} | {figure} | {aim} |" for what, figure, aim in table(figures)))
    else:
        for what, figure, aim in table(figures):
            print(f"{what:<50} {figure:<24} {aim}".rstrip())
        if figures["wrong"]:
            print("wrong lane:", " ".join(figures["wrong"][:40]))


if __name__ == "__main__":
    sys.exit(main())
