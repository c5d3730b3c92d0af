# SPDX-License-Identifier: Apache-2.0
"""The embedding in the latent: the teacher's pooled features in axes of falling weight for its classes."""

import torch

from uae_lite import model


class Embedding(torch.nn.Module):
    """`encode`: pooled features [n, 1280] to components [n, 1280]; `classify`: components to the teacher's logits.

    A latent with all components has the teacher's own logits, because the two are exact inverses. With only the first
    components, the others count as zero, their mean; the order keeps the logits' error small.
    """

    def __init__(self):
        super().__init__()
        size, classes = model.EMBEDDING, 1000
        self.register_buffer("weight", torch.zeros(size, size))
        self.register_buffer("bias", torch.zeros(size))
        self.register_buffer("class_weight", torch.zeros(classes, size))
        self.register_buffer("class_bias", torch.zeros(classes))

    def fit(self, features: torch.Tensor, teacher_weight: torch.Tensor, teacher_bias: torch.Tensor) -> None:
        """Axes that whiten the features, rotated so that the logits' variance falls from each to the next."""
        features, weight = features.double(), teacher_weight.double()
        mean = features.mean(0)
        centred = features - mean
        covariance = centred.T @ centred / len(features)
        # There are fewer photographs than axes: without this, chance would scale the remaining axes.
        covariance += 0.3 * covariance.diagonal().mean() * torch.eye(model.EMBEDDING, dtype=torch.float64)
        values, vectors = torch.linalg.eigh(covariance)
        root, inverse = (vectors * values.sqrt()) @ vectors.T, (vectors * values.rsqrt()) @ vectors.T
        # A constant added to all logits changes no class.
        relative = weight - weight.mean(0)
        _, _, axes = torch.linalg.svd(relative @ root, full_matrices=True)
        encode = model.EMBEDDING_SCALE * axes @ inverse
        self.weight.copy_(encode)
        self.bias.copy_(-encode @ mean)
        self.class_weight.copy_(weight @ root @ axes.T / model.EMBEDDING_SCALE)
        self.class_bias.copy_(teacher_bias.double() + weight @ mean)

    def encode(self, features: torch.Tensor) -> torch.Tensor:
        return features @ self.weight.T + self.bias

    def classify(self, components: torch.Tensor) -> torch.Tensor:
        return components @ self.class_weight.T + self.class_bias


def component_count(keep: int) -> int:
    """The number of components in the `keep` lowest coefficients of the latent."""
    return sum(model.SEMANTIC_CHANNELS[:keep])


def pooled(teacher, pictures: torch.Tensor, batch=16) -> torch.Tensor:
    """The teacher's features, averaged over positions, of images in [0, 1]."""
    with torch.no_grad():
        return torch.cat([teacher.features(part).mean((2, 3)) for part in pictures.split(batch)])
