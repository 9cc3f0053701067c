# Targets for the registry's three users. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
PIP_INSTALL := $(BIN)/python -P -m pip install -q --disable-pip-version-check --no-build-isolation

# Whatever was typed is text: it reaches the registry in the environment as it stands, so that neither make nor a shell
# reads a character of a hospital's or a file's name. A variable of make's command line would be expanded when it is
# exported ($(shell ...) in it run): each is either made a plain text by $(value ...) or not exported.
# analysis/make.py turns the texts into a command of `registry` and refuses goals and variables that there are not.
TEXTS := HOSPITAL EXTRACT EXTRACTED CHECK ACCEPT REASON ENCRYPTED PASSWORD_FILE STUDY JOURNAL INDIVIDUAL ARCHIVE FROZEN WORKSPACE REGISTRY_KEY_FILE REGISTRY_LINKAGE_KEY_FILE REGISTRY_LANG REGISTRY_STUDY REGISTRY_DEBUG PYTHON ONLY
export REGISTRY_TYPED := $(strip $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name))))
export REGISTRY_GOALS := $(MAKECMDGOALS)
$(foreach name,$(filter $(TEXTS),$(.VARIABLES)),$(eval override $(name) := $$(value $(name)))$(eval export $(name)))
unexport $(filter-out $(TEXTS),$(REGISTRY_TYPED))
MAKEOVERRIDES :=

RUN := @REGISTRY_UNDER_MAKE=yes $(BIN)/python -P -m analysis.make
TARGETS := help setup study ingest new-hospital quality analyse freeze export restore backup test nightly check wheel wheel-test docs images sbom bench mutation lock clean
export REGISTRY_TARGETS := $(TARGETS)
.PHONY: $(TARGETS)

help:  ## this list | 本列表
	@awk -F ':.*## *' 'function both(en, zh) { return l == "en" ? en : l == "zh" ? zh : en " / " zh } \
	  BEGIN { l = tolower(ENVIRON["REGISTRY_LANG"]); w = ENVIRON["WORKSPACE"]; if (w == "") w = "workspace"; \
	    print both("The HCC registry. Targets:", "肝细胞癌登记库。可用目标：") } \
	  /^[a-z-]+:.*##/ { split($$2, text, " [|] "); printf "  %-12s  %s\n", $$1, l == "zh" ? text[2] : text[1]; \
	    if (l != "en" && l != "zh") printf "  %-12s  %s\n", "", text[2] } \
	  END { print both("Everything a study owns lies in WORKSPACE (now: " w "). First time here: make study", \
	    "研究的全部内容位于 WORKSPACE（当前：" w "）。首次使用：make study") }' $(firstword $(MAKEFILE_LIST))

setup: $(RUNTIME)  ## install what the registry needs, and nothing else | 仅安装所需的软件包

study: $(RUNTIME)  ## the synthetic example study, all steps, in example/ | 合成示例研究的全部步骤，写入 example/
	$(RUN) study

ingest: $(RUNTIME)  ## HOSPITAL=x [EXTRACT=path] [EXTRACTED=date] [CHECK=yes] [ACCEPT=yes [REASON=text]]: read, validate and load one delivery | HOSPITAL=x [EXTRACT=路径] [EXTRACTED=日期] [CHECK=yes] [ACCEPT=yes [REASON=理由]]：读取、校验并载入一次提交
	$(RUN) ingest

new-hospital: $(RUNTIME)  ## HOSPITAL=x EXTRACT=path: propose a mapping and write the worksheet of what to decide | HOSPITAL=x EXTRACT=路径：提出映射建议，并生成待决定的对应表
	$(RUN) new-hospital

quality: $(RUNTIME)  ## [HOSPITAL=x]: data-quality pages and query workbooks | [HOSPITAL=x]：数据质量报告和质疑工作簿
	$(RUN) quality

analyse: $(RUNTIME)  ## [STUDY=x] [JOURNAL=yes] [FROZEN=name]: the matched comparison: results, figures, report; figures as PDF and TIFF too; from a frozen set | [STUDY=x] [JOURNAL=yes] [FROZEN=名称]：匹配后的比较：结果、图、报告；另存 PDF 和 TIFF；使用冻结数据集
	$(RUN) analyse

freeze: $(RUNTIME)  ## FROZEN=name [STUDY=x]: fix what a study reads now, before its results are looked at | FROZEN=名称 [STUDY=x]：在查看结果前冻结某研究此刻读取的数据
	$(RUN) freeze

export: $(RUNTIME)  ## ARCHIVE=folder: the whole registry as open files (Parquet, SQL, dictionary, trail) | ARCHIVE=文件夹：将整个登记库写成开放格式文件（Parquet、SQL、数据字典、操作记录）
	$(RUN) export

restore: $(RUNTIME)  ## ARCHIVE=folder or file: the database of an export, or the workspace of a backup, where there is none | ARCHIVE=文件夹或文件：由导出内容重建数据库，或由备份重建工作区
	$(RUN) restore

backup: $(RUNTIME)  ## [ARCHIVE=folder or file.tar] [CHECK=yes]: the workspace as one file, all but deliveries and key; CHECK=yes: is such a file whole | [ARCHIVE=文件夹或 .tar 文件] [CHECK=yes]：将工作区写入一个文件（不含原始提交和密钥）；CHECK=yes：检查该文件是否完整
	$(RUN) backup

test: $(DEV)  ## all tests (those of the browser skip where no Chromium is) | 全部测试（没有 Chromium 时跳过浏览器测试）
	@$(BIN)/pytest -n 2 --dist loadfile -q

nightly: $(DEV)  ## definitions and rules against their plain-Python oracles, 10,000 generated hospitals a test; 2,000 invented deliveries; 10,000 wrong and 10,000 right patients; 500 kills, 30 full disks, ten hospitals at once; 200 changes behind the registry's back; 20,000 damaged files, 1,000 deliveries of odd cells; the study without a socket | 定义与规则同独立实现对照，每项测试一万家生成的医院；另有 2000 次虚构的提交，以及错误与正确的虚构患者各 10000 名；500 次强制中止、30 种磁盘已满、十家医院同时入库、200 处暗中改动；20000 个损坏的文件、1000 次含异常单元格的提交；在禁用套接字的情况下运行示例研究
	@HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -q -n 2 --dist loadfile tests/oracle
	@PYTHONPATH=tests $(BIN)/python -P -m world 2000
	@PYTHONPATH=tests $(BIN)/python -P -m patients 10000
	@WORLD_DELIVERIES=40 $(BIN)/pytest -q -n 2 --dist load tests/world/test_by_commands.py
	@CRASH_KILLS=500 FULL_DISKS=30 WRITERS=10 WRITERS_ROUNDS=20 $(BIN)/pytest -q -s tests/crashes
	@VERIFY_CHANGES=200 VERIFY_HISTORIES=50 $(BIN)/pytest -q tests/trail
	@FUZZ_READER=20000 FUZZ_INGEST=1000 $(BIN)/pytest -q -s tests/fuzz
	@SOCKETS_STUDY=yes $(BIN)/pytest -q tests/supply/test_no_sockets.py

check: $(DEV)  ## lint, format and types | 代码检查、格式与类型
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

wheel: $(RUNTIME)  ## dist/: the registry as one file, to be installed elsewhere | dist/：可在别处安装的单个文件
	@rm -rf build dist
	@$(BIN)/python -P -m pip wheel -q --disable-pip-version-check --no-build-isolation --no-deps -w dist .

wheel-test: wheel $(DEV)  ## the wheel in an empty environment: its study is that of the checkout (about 3 minutes) | 在空环境中安装：其示例研究与本目录的完全一致（约 3 分钟）
	@$(BIN)/pytest -q tests/wheel/wheel_study.py

docs: $(DEV)  ## data dictionary, rule catalogue, page of questions and page of the results table, from the code | 由代码生成数据字典、规则目录、质疑示例和结果表说明
	$(RUN) docs

# The study first: a picture of what an earlier version gave would be no better than the one that there is.
images: study $(DEV)  ## docs/img: the documents' pictures, from the example study (needs Chromium) | docs/img：由示例研究重新生成文档插图（需要 Chromium）
	@PYTHONPATH=tests $(BIN)/python -P -m images.make_images

sbom: $(DEV)  ## NOTICE, and dist/sbom.cdx.json (CycloneDX): every locked dependency with its licence and its files' hashes | NOTICE 与 dist/sbom.cdx.json（CycloneDX）：全部锁定的依赖及其许可协议与文件校验值
	@PYTHONPATH=tests $(BIN)/python -P -m supply.write

bench: $(DEV)  ## docs/performance.md: performance, as ratios against a peer (BENCH_LARGE=1: hours) | docs/performance.md：性能，与同类软件之比
	@$(BIN)/python -m compileall -q schemas etl analysis sql
	@rm -f build/bench.jsonl && mkdir -p build
	@BENCH_RESULTS=$(CURDIR)/build/bench.jsonl $(BIN)/pytest -q -s tests/bench/bench_*.py
	@PYTHONPATH=tests $(BIN)/python -P -m bench.write_page build/bench.jsonl

mutation: $(DEV)  ## [ONLY=part of a module's name] [EVERY=3] [OFFSET=1]: how many small changes of schemas/ the tests notice (hours; EVERY=3: of a third of them, OFFSET: of another third) | [ONLY=模块名的一部分] [EVERY=3] [OFFSET=1]：测试能发现多少处对 schemas/ 的小改动（数小时；EVERY=3：仅其三分之一；OFFSET：另取一组）
	@PYTHONPATH=tests $(BIN)/python -P -m mutation.run $${ONLY:+"$$ONLY"}

lock: $(DEV)  ## resolve the dependencies again and write their hashes | 重新解析依赖并写入校验值
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --group build -o requirements-build.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:  ## remove the environment and the example (never the workspace) | 删除运行环境和示例（不删除工作区）
	rm -rf .venv example

.venv/bin/python:
	@"$$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@"$$PYTHON" -P -m venv .venv

# Nothing is fetched whose hash is not written down: what a package is built with (ours, and the one that comes as source) is
# installed first, since pip would fetch it unhashed for an isolated build.
$(RUNTIME): requirements-build.txt requirements.txt pyproject.toml | .venv/bin/python
	@echo "Setting up (once, a minute or two) ..."
	@$(PIP_INSTALL) --require-hashes -r requirements-build.txt
	@$(PIP_INSTALL) --require-hashes -r requirements.txt
	@$(PIP_INSTALL) --no-deps -e .
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

# A goal that is no target, told with the nearest there is; before the first run there is nothing to tell it with.
.DEFAULT:
	@if [ -x $(BIN)/registry ]; then REGISTRY_UNDER_MAKE=yes $(BIN)/python -P -m analysis.make; else \
	  echo "There is no such target; make alone lists them. / 没有该目标；运行 make 可列出全部。" >&2; exit 2; fi
