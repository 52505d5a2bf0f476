"""What to do about a fault, by its code: one short text, said once however many rows it hits."""

_KEEP = "Change nothing by hand, and keep a copy of the database as it is. "
_RESTORE = (
    "Restore the last backup that verifies into a new place; the tills send again what it lacks, "
    "and the bank's file and the gateway tell again what they brought."
)
_PAPER = "Then hold the row against {}, and put right by a new entry what is missing."

ADVICE: dict[str, str] = {
    "audit": _KEEP + "Compare the log with the last backup: what differs is what somebody altered.",
    "balance": _KEEP
    + "Where only a balance is wrong, its postings tell the right one. " + _RESTORE,
    "bank_payment": _KEEP + _RESTORE + " " + _PAPER.format("the bank's statement"),
    "batch": _KEEP + _RESTORE,
    "birthday": _KEEP + _RESTORE,
    "cash_diff": _KEEP + _RESTORE + " " + _PAPER.format("the shift's count"),
    "chain": _KEEP + _RESTORE + " Run `dafan verify --till` on that till's file: it has the entry.",
    "clearing": _KEEP + _RESTORE + " Settle no month between these two bodies until then.",
    "closing": _KEEP + _RESTORE + " Until then the printed closing of the day is what counts.",
    "day_sums": "Run `dafan server make-sums --again`: sums of days are made from the books, and "
    "reports are right again. No money is wrong by this alone.",
    "expiry": _KEEP + _RESTORE,
    "kind": _KEEP + "Was the database used by a later version? Then run that one. " + _RESTORE,
    "line": _KEEP + _RESTORE + " Hold the tray's session against its sale: 自选称重线, 托盘记录.",
    "mark": _KEEP + _RESTORE + " Stop that till until then: it would hold its entries for sent.",
    "online_order": _KEEP + _RESTORE + " " + _PAPER.format("the gateway's page of this order"),
    "opening": _KEEP + _RESTORE + " " + _PAPER.format("the table that was imported"),
    "pay_out": _KEEP + _RESTORE + " " + _PAPER.format("the signed pay-out"),
    "plate": _KEEP + _RESTORE + " No money is wrong by this alone: correct the points by hand.",
    "receipt": _KEEP + _RESTORE + " " + _PAPER.format("the printed receipt"),
    "receipt_gap": _KEEP + _RESTORE + " " + _PAPER.format("the day's printed receipts"),
    "refund": _KEEP + _RESTORE,
    "rescue": _KEEP + _RESTORE,
    "reversal": _KEEP + _RESTORE + " " + _PAPER.format("the reversed receipt"),
    "sample_early": "Say so to the inspector yourself: who threw it away, when and why.",
    "sample_held": "Say so to the inspector yourself: who threw it away, when and why.",
    "sample_missing": "Write down why no sample was kept, with two names, and close the alarm so.",
    "sample_review": _KEEP + "Let another person look at the sample and write down what he sees.",
    "sample_slot": _KEEP + "Look which container stands in that place, and write it down.",
    "sale_entry": _KEEP + _RESTORE + " No till has reported this sale.",
    "sale_lines": _KEEP + _RESTORE + " Refund nothing of this sale until then.",
    "sale_money": _KEEP + _RESTORE,
    "settlement": _KEEP + _RESTORE + " " + _PAPER.format("the payment between the two bodies"),
    "stock": _KEEP + "Count that lot, and book the difference by a stocktake. " + _RESTORE,
    "subsidy_run": _KEEP + _RESTORE,
    "till_entry": _KEEP + _RESTORE + " Run `dafan verify --till` on that till's file.",
    "till_file": "Keep a copy of the till's file, and replace the till: docs/replace-a-till.md.",
    "transfer": _KEEP + _RESTORE,
}  # fmt: skip
"""Code of a fault → what a person does now."""
