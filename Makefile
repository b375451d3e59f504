# 两条命令就够了：make run（演示），make test（测试）。其余见 README.md。
# Thin on purpose: tools/bootstrap.py makes .venv, says in plain words what is missing, and starts the work.
PYTHON ?= python3
ARGS ?=

.PHONY: help run test check lint bench venv lock

help:
	@$(PYTHON) tools/bootstrap.py help

run test check lint bench venv lock:
	@$(PYTHON) tools/bootstrap.py $@ $(ARGS)
