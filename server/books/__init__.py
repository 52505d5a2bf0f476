"""Double entry: accounts, transfers, and what moves money: sales, top-ups, subsidies.

Amounts are signed: a credit is positive, a debit negative. A wallet's balance is what the house
owes the diner; revenue grows positive; the cash in a drawer and what was paid out as subsidy stand
below zero. All accounts of a site together are zero.
"""
