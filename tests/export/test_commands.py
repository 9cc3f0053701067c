"""What a person reads and types: the commands in both languages, their slips, and make's variables for them."""

import pytest
from export.conftest import copy_workspace

from analysis import cli
from analysis.make import GOALS, TARGETS, TYPED, read_arguments


@pytest.fixture
def run(kept, tmp_path, monkeypatch, capsys):
    """A function that runs a command in a copy of the workspace and returns exit code and what was printed."""
    settings = copy_workspace(kept, tmp_path / "workspace")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REGISTRY_KEY_FILE", str(settings.key_file))
    monkeypatch.setattr("etl.archive_commands.pay", lambda *_: None)

    def run_words(*words, language="en", workspace="workspace"):
        monkeypatch.setenv("WORKSPACE", workspace)
        monkeypatch.setenv("REGISTRY_LANG", language)
        code = cli.run(lambda: list(words))
        told = capsys.readouterr()
        return code, told.out + told.err

    return run_words


def test_a_registry_goes_out_and_comes_back(run, tmp_path):
    code, told = run("export", "out")
    assert code == 0
    assert "Synthetic patients - not real" in told
    assert "data of single patients under pseudonyms; only your account may read it" in told
    code, told = run("restore", "out", workspace="new")
    assert code == 0
    assert "Restored as it was exported at" in told
    assert "5 ingests" in told
    assert "pseudonym key is in no export" in told
    code, told = run("restore", "out", workspace="new", language="zh")
    assert code == 2
    assert "此处已有数据库" in told
    (tmp_path / "out" / "columns.csv").unlink()
    code, told = run("restore", "out", workspace="another")
    assert (code, "missing: columns.csv" in told) == (17, True)


def test_a_workspace_is_backed_up_checked_and_made_again(run, tmp_path):
    code, told = run("backup", ".", language="zh")
    assert code == 0
    assert "假名密钥" in told
    (file,) = tmp_path.glob("registry_*.tar")
    code, told = run("backup", "--check", file.name)
    assert (code, "Whole: " in told, "Nothing has happened" in told) == (0, True, True)
    assert run("freeze", "lock1", "--study", "everybody")[0] == 0
    code, told = run("backup", "--check", file.name)
    assert "It is older than 'workspace/registry.duckdb', in which happened since: freeze 1." in told
    code, told = run("restore", file.name, workspace="new")
    assert (code, "Deliveries are not in a backup" in told) == (0, True)
    code, told = run("backup", file.name)
    assert (code, "is there already" in told) == (2, True)


def test_freezing_says_what_is_on_record(run):
    code, told = run("freeze", "lock1", "--study", "everybody")
    assert code == 0
    assert "Frozen for the study everybody: workspace/frozen/lock1 (ingests: hunan 4, nanfang 1, sysu 3)." in told
    assert "the trail begins on" in told
    assert "analyse --frozen lock1" in told
    code, told = run("trail", "--kind", "freeze")
    assert (code, "data frozen" in told, "name lock1" in told) == (0, True, True)


@pytest.mark.parametrize(
    ("words", "told", "told_zh"),
    [
        (["export"], "It takes a new or empty folder", "未指明新文件夹"),
        (["restore"], "It takes the folder of an export or the file of a backup", "未指明导出的文件夹"),
        (["backup", "--check"], "It takes the file that is to be checked", "未指明要检查的文件"),
        (["freeze"], "Give the frozen set a name", "请为冻结数据集命名"),
        (["export", "out", "more"], "a word too many: 'more'", "多出一个词"),
        (["freeze", "a b"], "cannot name a frozen set", "不能作为冻结数据集的名称"),
        (["analyse", "--frozen", "lock9"], "no frozen set called 'lock9'", "没有名为“lock9”的冻结数据集"),
        (["restore", "nothing"], "no manifest.json", "其中没有 manifest.json"),
        (["backup", "nothing/x.tar"], "neither a folder", "既不是已有的文件夹"),
        (["exprot", "out"], "Did you mean export?", "是不是 export"),
    ],
)
def test_slips_are_told_in_both_languages(kept, tmp_path, monkeypatch, capsys, words, told, told_zh):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKSPACE", str(kept.workspace))
    monkeypatch.setattr("analysis.cli.pay", lambda *_: None)
    for language, expected in (("en", told), ("zh", told_zh)):
        monkeypatch.setenv("REGISTRY_LANG", language)
        assert cli.run(lambda: list(words)) == 2
        assert expected in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("target", "variables", "words"),
    [
        ("export", {"ARCHIVE": "my out"}, ["export", "--", "my out"]),
        ("restore", {"ARCHIVE": "-out"}, ["restore", "--", "-out"]),
        ("backup", {}, ["backup"]),
        ("backup", {"ARCHIVE": "x.tar", "CHECK": "yes"}, ["backup", "--check", "--", "x.tar"]),
        ("freeze", {"FROZEN": "lock1", "STUDY": "x"}, ["freeze", "--study=x", "--", "lock1"]),
        ("analyse", {"FROZEN": "lock1"}, ["analyse", "--frozen=lock1"]),
    ],
)
def test_make_hands_its_variables_over(target, variables, words):
    environ = {GOALS: target, TARGETS: target, TYPED: " ".join(variables), **variables}
    assert read_arguments(target, environ) == words
