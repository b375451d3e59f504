"""The ground floor: tables, statements, ledger, migrations. Imports nothing of ours."""
