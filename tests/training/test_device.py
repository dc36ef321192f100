"""Devices and precisions by name."""

import pytest
import torch

from semimetric.training import choose_device, choose_precision

CPU = torch.device("cpu")


def test_the_processor_is_always_there():
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_fastest_there_is(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == expected


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:-1", "cpu:1", "mps:0", ""])
def test_unknown_devices_are_refused(device):
    with pytest.raises(ValueError, match=f"device must be one of auto, cpu, cuda, mps or 'cuda:N', got '{device}'"):
        choose_device(device)


@pytest.mark.parametrize(("device", "count"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)])
def test_devices_the_machine_lacks_are_refused(monkeypatch, device, count):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(ValueError, match=f"device '{device}' was asked for, but PyTorch finds {count} CUDA devices"):
        choose_device(device)


def test_an_apple_gpu_the_machine_lacks_is_refused(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device 'mps' was asked for, but PyTorch finds no Apple GPU"):
        choose_device("mps")


def test_the_last_cuda_device_counts(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("avx512", "amx", "convolutional", "expected"),
    [
        (True, False, True, "bfloat16"),
        (False, True, True, "bfloat16"),
        (False, False, True, "float32"),
        (True, True, False, "float32"),
    ],
)
def test_auto_takes_bfloat16_where_convolutions_gain_by_it(monkeypatch, avx512, amx, convolutional, expected):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert choose_precision("auto", CPU, convolutional) == expected
    assert choose_precision("float32", CPU, convolutional) == "float32"
    assert choose_precision("bfloat16", CPU, convolutional) == "bfloat16"


def test_unknown_precisions_are_refused():
    with pytest.raises(ValueError, match="precision must be one of auto, float32, bfloat16, got 'float16'"):
        choose_precision("float16", CPU, True)


def test_several_devices_must_be_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("cpu", 16) == CPU
    assert choose_device("auto", 2) == torch.device("cuda")
    with pytest.raises(ValueError, match="devices=3 were asked for, but PyTorch finds 2 of type 'cuda'"):
        choose_device("cuda", 3)
    with pytest.raises(ValueError, match="devices=2 were asked for, but PyTorch finds 1 of type 'mps'"):
        choose_device("mps", 2)
    with pytest.raises(ValueError, match="device 'cuda:1' is one device: for devices=2 say 'cuda'"):
        choose_device("cuda:1", 2)
