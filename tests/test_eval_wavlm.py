"""The official speaker network on a small random config, in the official file's layout."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import WavLMConfig

from eval.audio import AudioError
from eval.metrics.similarity import WavlmEncoder, encoder_identity, load_speaker_encoder, wavlm_path
from eval.metrics.wavlm import (
    SpeakerCheckpointError,
    SpeakerConfig,
    SpeakerNet,
    load_speaker_net,
    sinc_resample,
    to_official,
)
from tiny import speech_like

HEAD = {"channels": 16, "pooled_channels": 24, "bottleneck": 8, "embedding_size": 12}


def small_config() -> SpeakerConfig:
    wavlm = WavLMConfig(
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        conv_dim=(16,) * 7,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        num_buckets=32,
        max_bucket_distance=80,
    )
    return SpeakerConfig(wavlm=wavlm, **HEAD)


def small_net() -> SpeakerNet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = SpeakerNet(small_config())
        # Away from their first values, which would hide a mix-up.
        for parameter in net.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
        for name, buffer in net.named_buffers():
            if name.endswith("running_mean"):
                buffer += 0.1 * torch.randn_like(buffer)
    return net.eval()


def save_official(net: SpeakerNet, path: Path, rename: dict[str, str] | None = None) -> None:
    state = to_official(net.state_dict())
    state = {(rename or {}).get(name, name): tensor for name, tensor in state.items()}
    # What the file holds besides: the classes of its training, and a record.
    state["loss_calculator.projection.weight"] = torch.zeros(7, HEAD["embedding_size"])
    torch.save({"model": state, "best_valid_eer": 100.0}, path)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wavlm") / "small.pth"
    save_official(small_net(), path)
    return path


def test_names_of_the_published_sizes():
    with torch.device("meta"):
        state = to_official(SpeakerNet(SpeakerConfig()).state_dict())
    # The file holds 711 tensors, one of them for training only.
    assert len(state) == 710
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    layer = "feature_extract.model.encoder.layers"
    for name, shape in {
        "feature_weight": (25,),
        "feature_extract.model.mask_emb": (1024,),
        "feature_extract.model.feature_extractor.conv_layers.0.0.weight": (512, 1, 10),
        "feature_extract.model.feature_extractor.conv_layers.6.2.1.bias": (512,),
        "feature_extract.model.layer_norm.weight": (512,),
        "feature_extract.model.post_extract_proj.weight": (1024, 512),
        "feature_extract.model.encoder.pos_conv.0.weight_g": (1, 1, 128),
        "feature_extract.model.encoder.pos_conv.0.weight_v": (1024, 64, 128),
        "feature_extract.model.encoder.layer_norm.bias": (1024,),
        f"{layer}.0.self_attn.relative_attention_bias.weight": (320, 16),
        f"{layer}.23.self_attn.grep_linear.weight": (8, 64),
        f"{layer}.23.self_attn.grep_a": (1, 16, 1, 1),
        f"{layer}.23.self_attn.out_proj.bias": (1024,),
        f"{layer}.23.self_attn_layer_norm.weight": (1024,),
        f"{layer}.23.final_layer_norm.weight": (1024,),
        f"{layer}.23.fc1.weight": (4096, 1024),
        f"{layer}.23.fc2.weight": (1024, 4096),
        "layer1.conv.weight": (512, 1024, 5),
        "layer2.Conv1dReluBn1.bn.running_var": (512,),
        "layer3.Res2Conv1dReluBn.convs.6.weight": (64, 64, 3),
        "layer4.Conv1dReluBn2.conv.bias": (512,),
        "layer4.SE_Connect.linear2.weight": (512, 128),
        "conv.weight": (1536, 1536, 1),
        "pooling.linear1.weight": (128, 1536, 1),
        "bn.num_batches_tracked": (),
        "linear.weight": (256, 3072),
    }.items():
        assert shapes[name] == shape, name


def test_loading_keeps_every_tensor(checkpoint: Path):
    loaded, original = load_speaker_net(checkpoint, small_config()), small_net()
    for name, tensor in original.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=0, atol=0)
    assert not any(t.is_meta for t in [*loaded.parameters(), *loaded.buffers()])
    wav = torch.from_numpy(speech_like(1.0, 16000))[None]
    with torch.inference_mode():
        torch.testing.assert_close(loaded(wav), original(wav))


def test_layers_are_what_enters_each_and_the_encoders_output():
    net = small_net()
    wav = torch.from_numpy(speech_like(1.0, 16000))[None]
    seen: list[torch.Tensor] = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        for layer in net.wavlm.encoder.layers
    ]
    with torch.inference_mode():
        normed = (wav - wav.mean()) / torch.sqrt(wav.var(unbiased=False) + 1e-5)
        last = net.wavlm(normed).last_hidden_state
        inputs = list(seen)
        net.feature_weight.zero_()  # equal weights: the plain mean of four
        features = net.features(wav)
    for hook in hooks:
        hook.remove()
    expected = torch.stack([*inputs, last]).mean(dim=0).transpose(1, 2) + 1e-6
    torch.testing.assert_close(features, expected)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("feature_extract.model.encoder.layers.1.self_attn.grep_a", "grep_b"),
        ("layer3.SE_Connect.linear1.weight", "layer3.SE_Connect.linear3.weight"),
        ("feature_weight", "weight_of_features"),
    ],
)
def test_a_renamed_key_fails_loudly(tmp_path: Path, name: str, wrong: str):
    save_official(small_net(), tmp_path / "renamed.pth", {name: wrong})
    with pytest.raises(SpeakerCheckpointError) as caught:
        load_speaker_net(tmp_path / "renamed.pth", small_config())
    assert name in str(caught.value)
    assert wrong in str(caught.value)


def test_other_sizes_and_broken_files_fail_loudly(checkpoint: Path, tmp_path: Path):
    narrow = SpeakerConfig(wavlm=small_config().wavlm, **{**HEAD, "embedding_size": 10})
    with pytest.raises(SpeakerCheckpointError, match=r"linear\.bias \(12,\) instead of \(10,\)"):
        load_speaker_net(checkpoint, narrow)
    half = tmp_path / "half.pth"
    half.write_bytes(checkpoint.read_bytes()[:2000])
    with pytest.raises(SpeakerCheckpointError, match="cannot read"):
        load_speaker_net(half, small_config())
    torch.save({"state": {}}, tmp_path / "other.pth")
    with pytest.raises(SpeakerCheckpointError, match="under 'model'"):
        load_speaker_net(tmp_path / "other.pth", small_config())


class _Dangerous:
    def __reduce__(self):
        return (Path.touch, (Path("was-executed"),))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": _Dangerous()}, tmp_path / "bad.pth")
    with pytest.raises(SpeakerCheckpointError, match="cannot read"):
        load_speaker_net(tmp_path / "bad.pth", small_config())
    assert not (tmp_path / "was-executed").exists()


def test_encoder(checkpoint: Path):
    encoder = WavlmEncoder(checkpoint, config=small_config())
    wav = speech_like(1.0, 24000)
    embedding = encoder.embed(wav, 24000)
    assert embedding.shape == (12,)
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_array_equal(embedding, encoder.embed(wav, 24000))
    # Layer-normed: the level of the recording does not matter.
    np.testing.assert_allclose(embedding, encoder.embed(wav / 4, 24000), atol=1e-3)
    assert encoder.name == encoder_identity(f"wavlm:{checkpoint}")
    assert "sha256" in encoder.name
    with pytest.raises(AudioError, match="silent"):
        encoder.embed(np.zeros(24000, np.float32), 24000)


def test_from_a_url_it_is_fetched_once(checkpoint: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "source.pth"
    source.write_bytes(checkpoint.read_bytes())
    fetched = wavlm_path(source.as_uri())
    source.unlink()
    assert wavlm_path(source.as_uri()) == fetched
    assert fetched.read_bytes() == checkpoint.read_bytes()
    with pytest.raises(ValueError, match=r"cannot fetch .*wavlm_large_finetune"):
        wavlm_path((tmp_path / "none.pth").as_uri())
    assert not list(tmp_path.rglob("*.part"))


def test_missing_checkpoint_says_what_to_fetch(tmp_path: Path):
    for name in (f"wavlm:{tmp_path / 'none.pth'}", "wavlm:"):
        with pytest.raises(ValueError, match=r"fetch wavlm_large_finetune\.pth"):
            load_speaker_encoder(name)


@pytest.mark.parametrize("rates", [(24000, 16000), (44100, 16000), (8000, 16000)])
def test_sinc_resampling_keeps_a_tone(rates: tuple[int, int]):
    source, target = rates
    num = source + 7
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(num) / source)
    out = sinc_resample(tone, source, target)
    assert out.numel() == -(-num * target // source)
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(out.numel()) / target)
    inner = slice(200, -200)
    assert (out - expected)[inner].abs().max() < 5e-3
    # Above the new band nothing is left.
    if target < source:
        high = torch.sin(2 * torch.pi * 0.46 * source * torch.arange(num) / source)
        assert sinc_resample(high, source, target)[inner].abs().max() < 0.02
