"""The picture of the DAG in the README is that of today's default run."""

from __future__ import annotations

import re
from html import unescape

from scriptorium.reporting.dag_picture import SUBJECTS, needed, rules
from tests.workflow.miniature import REPOSITORY, Project, copy_repository


def test_the_picture_shows_every_rule_its_jobs_and_what_it_needs(tmp_path):
    copy_repository(tmp_path)
    dag = Project(tmp_path).snakemake("--dag", "--quiet", "all").stdout
    jobs, edges = rules(dag)
    assert len(jobs) > 15
    picture = unescape((REPOSITORY / "docs/images/dag.svg").read_text(encoding="utf-8"))
    titles = set(re.findall(r"<title>(.+?)</title>", picture)) - {"default"}
    renew = "draw it again: make picture"
    assert titles == {*jobs, *(f"{a}->{b}" for a, b in needed(edges))}, renew
    counts = {int(number) for number in re.findall(r"× (\d+)", picture)}
    assert counts == {number for number in jobs.values() if number > 1}, renew
    assert not set(jobs) - {rule for own in SUBJECTS.values() for rule in own}, "a rule without a word on what it does"
