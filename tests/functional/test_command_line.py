"""What is mistyped is told in both languages with exit code 2, through `registry` and through `make`, and nothing is made."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import clinic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from analysis import cli
from etl.delivery.read import read_delivery
from etl.errors import InternalError, RegistryError

ROOT = Path(__file__).parents[2]
GROUP = get_command(cli.commands)
SLIPS = [
    ([], "Usage"),
    (["Ingest", "nanfang"], "Did you mean ingest?"),
    (["ingset"], "Did you mean ingest?"),
    ([""], "There is no command ''"),
    (["--verison"], "Did you mean --version?"),
    (["--extract", "x", "ingest"], "no option '--extract'"),
    (["ingest"], "No hospital is named"),
    (["ingest", ""], "empty"),
    (["ingest", "nanfnag"], "Did you mean nanfang?"),
    (["ingest", "xiangya"], "registry new-hospital xiangya --extract path/to/delivery"),
    (["ingest", "nanfang", "hunan"], "a word too many: 'hunan'"),
    (["ingest", "nanfang", "——check"], "Did you mean --check?"),
    (["ingest", "nanfang", "--extrakt", "x"], "Did you mean --extract?"),
    (["ingest", "nanfang", "-check"], "Did you mean --check?"),
    (["ingest", "nanfang", "--check=yes"], "'--check' takes no value"),
    (["ingest", "nanfang", "--extract"], "'--extract' needs a value"),
    (["ingest", "nanfang", "--extract="], "empty"),
    (["ingest", "nanfang", "--extract", ""], "empty"),
    (["ingest", "nanfang", "--extract", "--check"], "'--check' is an option"),
    (["ingest", "nanfang", "--extract", "a", "--extract", "b"], "given twice"),
    (["new-hospital", "a/b", "--extract", "x"], "cannot name a hospital"),
    (["new-hospital", "xiangya\n", "--extract", "x"], "cannot name a hospital"),
    (["new-hospital", "..", "--extract", "x"], "cannot name a hospital"),
    (["new-hospital", "xiangya"], "Which delivery?"),
    (["quality", "--hospital", ""], "empty"),
    (["quality", "--hospital", "../x"], "no hospital called"),
    (["revert"], "No hospital is named"),
    (["analyse", "--study", "len_vs_soar"], "Did you mean len_vs_sora?"),
    (["analyse", "--study", "../len_vs_sora"], "no study called"),
    (["analyse", "--study", "[/red]"], "no study called '[/red]'"),
    (["study", "--workspace", "/proc/x"], "The system refused '/proc/x'"),
    (["study", "surplus"], "a word too many"),
    (["ingest", "\x1b[31mred"], r"'\x1b[31mred'"),
    (["ingest", "nanfang", "--extract", os.fsdecode(b"\xc4\xcf.xlsx")], "not in UTF-8"),
]  # fmt: skip
MAKE_SLIPS = [
    (["ingset", "HOSPITAL=nanfang"], "Did you mean ingest?"),
    (["ingest", "nanfang"], "no target 'nanfang'"),
    (["ingest", "HOSPTIAL=nanfang"], "Did you mean HOSPITAL?"),
    (["ingest", "HOSPITAL=nanfang", "CHEK=yes"], "Did you mean CHECK?"),
    (["ingest", "hospital=nanfang"], "Did you mean HOSPITAL?"),
    (["ingest", "HOSPITAL=nanfang", "CHECK=ja"], "CHECK is 'ja'; it can be yes"),
    (["ingest", "HOSPITAL=nanfang", "ACCEPT=$(shell touch made)"], "ACCEPT is '$(shell touch made)'"),
    (["ingest", "HOSPITAL=nanfang", "EXTRACT="], "EXTRACT is empty"),
    (["ingest"], "No hospital is named"),
    (["ingest", "HOSPITAL=-h"], "no hospital called '-h'"),
    (["ingest", "HOSPITAL=nanfnag"], "make new-hospital HOSPITAL=nanfnag EXTRACT=path/to/delivery"),
    (["ingest", "HOSPITAL=`touch made`", "HOSPTIAL=$(shell touch made)"], "takes no HOSPTIAL"),
    (["new-hospital", "HOSPITAL=a/b", "EXTRACT=x"], "cannot name a hospital"),
    (["analyse", "HOSPITAL=nanfang"], "make analyse takes no HOSPITAL"),
    (["analyse", "STUDY=$(shell touch made)"], "no study called '$(shell touch made)'"),
    (["quality", "WORKSPACE=$(shell touch made) `touch made`"], "Nothing has been loaded in '$(shell touch made) `touch made`'"),
    (["study", "WORKSPACE=/proc/x"], "The system refused '/proc/x'"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to stand in, with no setting of whoever runs the tests."""
    for name in ("WORKSPACE", "REGISTRY_KEY_FILE", "REGISTRY_UNDER_MAKE", "REGISTRY_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REGISTRY_LANG", "en")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize(("words", "told"), SLIPS)
def test_a_slip_is_told_and_makes_nothing(folder, capsys, words, told):
    code = cli.run(lambda: words)
    message = capsys.readouterr()
    assert code == 2
    assert told in message.err
    assert "\x1b" not in message.err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(("words", "told"), SLIPS[1:])
def test_a_slip_is_told_in_chinese(folder, monkeypatch, capsys, words, told):
    monkeypatch.setenv("REGISTRY_LANG", "zh")
    cli.run(lambda: words)
    message = capsys.readouterr().err
    assert re.match("错误: .*[\u4e00-\u9fff]{2}", message, re.DOTALL)
    assert "Error" not in message


@pytest.mark.parametrize(("words", "told"), MAKE_SLIPS)
def test_a_slip_through_make_is_told_and_makes_nothing(make_folder, words, told):
    done = make_folder.make(*words)
    assert told in done.stderr
    assert "registry: exit 2\n" in done.stderr
    assert done.returncode == 2
    assert make_folder.list_made() == []


def test_variables_of_the_environment_are_texts_too(make_folder):
    done = make_folder.make("ingest", HOSPITAL="$(shell touch made)`touch made`")
    assert "no hospital called '$(shell touch made)`touch made`'" in done.stderr
    done = make_folder.make("ingest", HOSPITAL="nanfang", CHECK="ja")
    assert "CHECK is 'ja'" in done.stderr
    assert make_folder.list_made() == []


def test_make_prints_the_registrys_own_exit_code_last(make_folder):
    done = make_folder.make("ingest", "HOSPITAL=nanfang")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2:-1] == ["registry: exit 3"]


@pytest.mark.parametrize(("language", "word", "other"), [("en", "this list", "本列表"), ("zh", "本列表", "this list")])
def test_makes_help_speaks_the_chosen_language(make_folder, language, word, other):
    for done in (make_folder.make(REGISTRY_LANG=language), make_folder.make(f"REGISTRY_LANG={language}")):
        assert word in done.stdout
        assert other not in done.stdout
        assert done.returncode == 0


def test_the_makefile_takes_every_argument_of_its_commands_as_text():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = re.search(r"^TEXTS := (.*)$", makefile, re.MULTILINE)[1].split()
    targets = re.findall(r"^\t\$\(RUN\) ([a-z-]+)$", makefile, re.MULTILINE)
    assert len(targets) == 10
    for target in targets:
        assert {param.name.upper() for param in GROUP.commands[target].params} <= set(texts)
    recipes = [line for line in makefile.splitlines() if line.startswith("\t")]
    assert not [line for line in recipes for text in texts if f"$({text})" in line]
    documented = re.findall(r"^([a-z-]+):.*## .+ \| .*[\u4e00-\u9fff]", makefile, re.MULTILINE)
    assert documented == [*re.search(r"^TARGETS := (.*)$", makefile, re.MULTILINE)[1].split()]


@pytest.mark.parametrize("name", ["", *GROUP.commands])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_speaks_both_languages(folder, monkeypatch, capsys, name, option):
    shown = {}
    for language in ("en", "zh"):
        monkeypatch.setenv("REGISTRY_LANG", language)
        assert cli.run(lambda: [*([name] if name else []), option]) == 0
        shown[language] = capsys.readouterr().out
    command = GROUP.commands[name] if name else GROUP
    assert not re.search("[\u4e00-\u9fff]", shown["en"])
    assert len(re.findall("[\u4e00-\u9fff]{2}", shown["zh"])) >= len(command.params) + 2
    for param in command.params:
        assert param.opts[0] in shown["en"] or param.metavar in shown["en"]


def test_version(folder, capsys):
    assert cli.run(lambda: ["--version"]) == 0
    assert re.fullmatch(r"hcc-registry \d+\.\d+\.\d+\n", capsys.readouterr().out)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_characters="\x00", exclude_categories=()), min_size=1, max_size=12))
def test_no_name_ends_in_a_fault_of_the_registry(folder, capsys, name):
    for words in (
        ["ingest", name], ["ingest", "nanfang", f"--extract={name}.xlsx"], ["new-hospital", name], ["revert", name],
        ["quality", f"--hospital={name}"], ["analyse", f"--study={name}"], ["analyse", f"--frozen={name}"], ["freeze", name],
        ["export", name], ["restore", name], ["backup", name], ["backup", "--check", name], [name],
    ):  # fmt: skip
        assert cli.run(lambda words=words: words) in (0, 2, 3), words
        assert not [c for c in capsys.readouterr().err if ord(c) < 32 and c != "\n"]
    assert not list(folder.iterdir())


def test_an_internal_fault_names_the_last_line_of_our_own(folder, monkeypatch, capsys):
    (folder / "x.csv").write_text("a\n1\n")
    monkeypatch.setattr("etl.ingest.read_delivery", lambda path: read_delivery(path / {}["patient 007"]))
    assert cli.run(lambda: ["ingest", "nanfang", "--extract", "x.csv"]) == InternalError.exit_code
    message = capsys.readouterr().err
    assert re.search(r"KeyError in etl\.ingest, line \d+", message)
    assert "007" not in message


def test_a_reader_that_goes_away_a_closed_stream_and_a_poor_terminal_stop_nothing(folder):
    registry = Path(sys.executable).with_name("registry")
    for line, code in [
        ("{r} hospitals | head -0; exit ${{PIPESTATUS[0]}}", 0), ("{r} hospitals | true; exit ${{PIPESTATUS[0]}}", 0),
        ("{r} hospitals <&- >&- 2>&-", 0), ("{r} foo >&- 2>&-", 2), ("{r} hospitals > /dev/full", 2),
        ("PYTHONIOENCODING=ascii {r} foo", 2), ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {r} foo", 2),
    ]:  # fmt: skip
        environment = {**os.environ, "REGISTRY_LANG": "both"}
        environment.pop("PYTHONUNBUFFERED", None)  # what waits in a buffer is written when Python ends
        done = subprocess.run(
            ["bash", "-c", line.format(r=registry)], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (line, done.stderr)
        assert "Traceback" not in done.stderr
        assert "itself failed" not in done.stderr
        assert "Exception ignored" not in done.stderr


def test_the_example_stays_out_of_a_folder_of_real_patients(desk, folder, capsys):
    clinic.write_delivery(desk.extracts / "a")
    desk.ingest()
    before = sorted(desk.settings.workspace.rglob("*"))
    assert cli.run(lambda: ["study", "--workspace", str(desk.settings.workspace)]) == 7
    assert "holds real patients" in capsys.readouterr().err
    assert sorted(desk.settings.workspace.rglob("*")) == before


def test_the_page_of_commands_names_every_command_option_and_exit_code():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    for name, command in GROUP.commands.items():
        assert f"registry {name}" in page
        for option in (option for param in command.params for option in param.opts if option.startswith("--")):
            assert option in page, option
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    by_signal = {128 + number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    assert codes == {0, *by_signal, *(kind.exit_code for kind in RegistryError.__subclasses__())}
