"""The same study on a Ray cluster of two machines, one of which goes away; run for run as the local engine's."""

import pytest

from semimetric.runs import RunDirectory, execute
from semimetric.studies import Settings, expand, run_study

pytestmark = pytest.mark.slow

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")


@pytest.fixture
def cluster():
    """A head that computes nothing, and two machines of one core each."""
    made = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    ray.shutdown()
    made.shutdown()


def test_a_study_on_two_machines_survives_the_loss_of_one_and_equals_the_local_engine_s(cluster, study, tmp_path):
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    cluster.wait_for_nodes()
    small = study(seeds=2, base={"epochs": 60, "patience": None})
    tasks = expand(small)
    assert len(tasks) == 8
    seen = {"most": 0, "removed_at": None}

    def watch(standing):
        under_way = list((tmp_path / "ray").glob("runs/*/checkpoint/last.pt"))
        seen["most"] = max(seen["most"], len(under_way))
        if len(under_way) == 2 and standing.done >= 1 and seen["removed_at"] is None:
            cluster.remove_node(nodes[1], allow_graceful=False)
            seen["removed_at"] = standing.done

    on_ray = run_study(small, tmp_path / "ray", Settings(engine="ray", address=cluster.address), watch)
    assert seen["most"] == 2  # both machines were at work
    assert 1 <= seen["removed_at"] < 8
    assert [result.status for result in on_ray] == ["done"] * 8
    assert not any((tmp_path / "ray" / "failed").glob("*"))

    local = run_study(small, tmp_path / "local", Settings(workers=2))
    assert [(r.place, r.metrics) for r in on_ray] == [(r.place, r.metrics) for r in local]
    for task in tasks:
        for name in ("metrics.json", "history.csv"):
            one, two = (tmp_path / engine / "runs" / task.key / name for engine in ("ray", "local"))
            assert one.read_bytes() == two.read_bytes()
    undisturbed = execute(tasks[0].config, RunDirectory(tmp_path / "undisturbed"))
    history = (tmp_path / "ray" / "runs" / tasks[0].key / "history.csv").read_bytes()
    assert (tmp_path / "undisturbed" / "history.csv").read_bytes() == history
    assert len(undisturbed.history) == 60
