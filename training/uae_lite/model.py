# SPDX-License-Identifier: Apache-2.0
"""UAE-Lite: a latent whose coefficients, lowest first, hold the components of the embedding and of the image."""

import math

import torch
import torch.nn.functional as F
from torch import nn

SIDE = 224
GRID = 14
CHANNELS = 192
COEFFICIENTS = GRID * GRID
EMBEDDING = 1280
# Channels that hold the embedding, for each coefficient in zigzag order; all other slots hold the image.
SEMANTIC_CHANNELS = [176] + [69] * 16
PICTURE_SLOTS = CHANNELS * COEFFICIENTS - EMBEDDING
# Scale of the embedding in the latent: the mean of a channel over the grid is one component.
EMBEDDING_SCALE = float(GRID)
MEAN, DEVIATION = 0.5, 0.25
assert sum(SEMANTIC_CHANNELS) == EMBEDDING


def dct_matrix(n: int) -> torch.Tensor:
    """The orthonormal DCT-II as a matrix: coefficients = D @ samples."""
    k, i = torch.arange(n, dtype=torch.float64)[:, None], torch.arange(n, dtype=torch.float64)[None]
    matrix = torch.cos(math.pi * (i + 0.5) * k / n) * math.sqrt(2 / n)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def zigzag(n: int) -> list[tuple[int, int]]:
    """The service's order of the coefficients (row, column) of an n x n grid, lowest first."""
    return sorted(
        ((u, v) for u in range(n) for v in range(n)),
        key=lambda place: (place[0] + place[1], place[0] if (place[0] + place[1]) % 2 == 0 else -place[0]),
    )


def picture_slot_count(keep: int) -> int:
    """The number of the image's coefficients in the `keep` lowest coefficients of the latent."""
    return CHANNELS * keep - sum(SEMANTIC_CHANNELS[:keep])


class Packing(nn.Module):
    """The image's DCT coefficients over its whole area, by falling mean energy: the order of the slots.

    `colours` [3, 3] turns RGB into three planes, orthonormal; `order` [PICTURE_SLOTS] holds indices into
    [3, SIDE, SIDE]; `decay` [3, 2] describes how a plane's coefficients fall with their distance r from the constant
    one: their deviation is about exp(decay[0] + decay[1] log(r + 2)).
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("colours", torch.eye(3))
        self.register_buffer("order", torch.arange(PICTURE_SLOTS))
        self.register_buffer("decay", torch.zeros(3, 2))
        self.register_buffer("rank", torch.zeros(3, SIDE, SIDE, dtype=torch.int64), persistent=False)
        self.register_buffer("deviation", torch.ones(3, SIDE, SIDE), persistent=False)
        self.register_buffer("dct", dct_matrix(SIDE), persistent=False)

    def fit(self, crops) -> None:
        """Learns colours and order from an iterable of batches [n, 3, SIDE, SIDE] in [0, 1]."""
        batches = [(batch - MEAN) / DEVIATION for batch in crops]
        centred = torch.cat([(b - b.mean((2, 3), keepdim=True)).permute(1, 0, 2, 3).reshape(3, -1) for b in batches], 1)
        _, vectors = torch.linalg.eigh(centred.double() @ centred.double().T)
        vectors = vectors.flip(1).T
        self.colours.copy_(vectors * torch.sign(vectors.sum(1, keepdim=True)))
        energy = torch.zeros(3, SIDE, SIDE, dtype=torch.float64)
        for batch in batches:
            energy += self.coefficients(batch).double().square().sum(0)
        self.fit_decay(energy / sum(len(batch) for batch in batches))
        self.order.copy_(torch.argsort(smooth(energy).flatten(), descending=True, stable=True)[:PICTURE_SLOTS])
        self.prepare()

    def fit_decay(self, energy: torch.Tensor) -> None:
        """Fits a line to the logarithms, with about equal weight for each distance."""
        distance = distances()
        far = distance > 3
        columns = torch.stack([torch.ones(int(far.sum())), torch.log(distance[far] + 2)], 1)
        weight = (distance[far] + 1).rsqrt()[:, None]
        for plane in range(3):
            target = 0.5 * torch.log(energy[plane][far].float() + 1e-9)[:, None]
            self.decay[plane] = torch.linalg.lstsq(columns * weight, target * weight).solution[:, 0]

    def prepare(self) -> None:
        """Computes the derived buffers; call it after loading."""
        rank = torch.full((3 * SIDE * SIDE,), 3 * SIDE * SIDE)
        rank[self.order] = torch.arange(PICTURE_SLOTS)
        self.rank.copy_(rank.reshape(3, SIDE, SIDE))
        self.deviation.copy_(torch.exp(self.decay[:, :1, None] + self.decay[:, 1:, None] * torch.log(distances() + 2)))

    def coefficients(self, planes: torch.Tensor) -> torch.Tensor:
        """[n, 3, SIDE, SIDE], standardised RGB, to DCT coefficients of the colour planes."""
        return self.dct @ torch.einsum("dc,nchw->ndhw", self.colours, planes) @ self.dct.T

    def picture(self, coefficients: torch.Tensor) -> torch.Tensor:
        """The inverse of `coefficients`."""
        return torch.einsum("dc,ndhw->nchw", self.colours, self.dct.T @ coefficients @ self.dct)

    def held(self, keep: torch.Tensor) -> torch.Tensor:
        """Which of the image's coefficients the `keep` [n] lowest coefficients of a latent hold."""
        counts = torch.tensor([picture_slot_count(int(count)) for count in keep])
        return self.rank < counts[:, None, None, None]


def distances() -> torch.Tensor:
    """Each coefficient's distance from the constant one."""
    index = torch.arange(SIDE, dtype=torch.float32)
    return (index[:, None].square() + index.square()).sqrt()


def smooth(energy: torch.Tensor) -> torch.Tensor:
    """Mean energies with less noise: averaged over neighbours and over both sides of the diagonal."""
    logs = torch.log(energy + 1e-12)
    logs = (logs + logs.transpose(1, 2)) / 2
    padded = F.pad(logs[None], (2, 2, 2, 2), mode="replicate")
    return F.avg_pool2d(padded, 5, 1)[0].exp()


class Refinement(nn.Module):
    """A small U-Net over 4 x 4 squares that predicts the coefficients that the latent does not hold.

    Its input is the whitened image: every frequency is divided by its usual deviation, so that the highest held
    frequencies, which say most about those above, weigh as much as the lowest. Its output is scaled back in the same
    way. Held coefficients do not change. There are no biases: twice the contrast gives twice the output, and a blank
    image gives none.
    """

    def __init__(self, width=64, inner=128, depth=4):
        super().__init__()
        self.enter = convolution(48, width)
        self.down = nn.Conv2d(width, inner, 2, stride=2, bias=False)
        self.inner = nn.ModuleList(
            nn.ModuleList([convolution(inner, inner), convolution(inner, inner)]) for _ in range(depth // 2)
        )
        self.up = nn.Conv2d(inner, 4 * width, 1, bias=False)
        self.outer = nn.ModuleList([convolution(width, width), convolution(width, width)])
        self.leave = convolution(width, 48)
        nn.init.zeros_(self.leave.weight)

    def draw(self, planes: torch.Tensor) -> torch.Tensor:
        """Whitened images [n, 3, h, w] to whitened predictions of the same shape."""
        x = F.relu(self.enter(F.pixel_unshuffle(planes, 4)))
        y = F.relu(self.down(x))
        for first, second in self.inner:
            y = y + second(F.relu(first(y)))
        x = x + F.pixel_shuffle(self.up(y), 2)
        first, second = self.outer
        x = x + second(F.relu(first(x)))
        return F.pixel_shuffle(self.leave(x), 4)

    def forward(self, packing: Packing, coefficients: torch.Tensor, held: torch.Tensor) -> torch.Tensor:
        """The image's coefficients [n, 3, SIDE, SIDE]; those that are not `held` are predicted."""
        white = packing.dct.T @ (coefficients * held / packing.deviation) @ packing.dct
        drawn = self.draw(white.contiguous(memory_format=torch.channels_last))
        return torch.where(held, coefficients, packing.deviation * (packing.dct @ drawn @ packing.dct.T))


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def psnr(result: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """PSNR of each image in dB, from standardised planes clamped to the displayable range."""
    error = ((result * DEVIATION + MEAN).clamp(0, 1) - (target * DEVIATION + MEAN)).square().mean((1, 2, 3))
    return -10 * torch.log10(error.clamp_min(1e-10))


def slots() -> tuple[torch.Tensor, torch.Tensor]:
    """Flat positions in [CHANNELS, GRID * GRID] of the embedding's components and of the image's coefficients."""
    semantic, picture = [], []
    for index, (u, v) in enumerate(zigzag(GRID)):
        count = SEMANTIC_CHANNELS[index] if index < len(SEMANTIC_CHANNELS) else 0
        places = torch.arange(CHANNELS) * COEFFICIENTS + u * GRID + v
        semantic.append(places[:count])
        picture.append(places[count:])
    return torch.cat(semantic), torch.cat(picture)


def latent(packing: Packing, components: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    """The latent [n, CHANNELS, GRID, GRID] of embeddings [n, EMBEDDING] and coefficients [n, 3, SIDE, SIDE]."""
    semantic, picture = slots()
    spectrum = torch.zeros(len(components), CHANNELS * COEFFICIENTS)
    spectrum[:, semantic] = components
    spectrum[:, picture] = coefficients.flatten(1)[:, packing.order]
    matrix = dct_matrix(GRID)
    return matrix.T @ spectrum.reshape(-1, CHANNELS, GRID, GRID) @ matrix


def low_pass(latents: torch.Tensor, keep: int) -> torch.Tensor:
    """The latents with only their `keep` lowest coefficients."""
    mask = torch.zeros(GRID, GRID)
    for u, v in zigzag(GRID)[:keep]:
        mask[u, v] = 1
    matrix = dct_matrix(GRID)
    return matrix.T @ ((matrix @ latents @ matrix.T) * mask) @ matrix
