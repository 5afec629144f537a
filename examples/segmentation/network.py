# mypy: allow-untyped-calls, no-warn-return-any, allow-subclassing-any
"""The network: a U-Net with two poolings, so height and width must be multiples of four."""

from __future__ import annotations

import torch
from torch import nn


def _double_conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """Normalised (N, bands, H, W) float32 in, logits (N, classes, H, W) out."""

    def __init__(self, bands: int = 4, classes: int = 5, width: int = 12) -> None:
        super().__init__()
        self.down1 = _double_conv(bands, width)
        self.down2 = _double_conv(width, 2 * width)
        self.middle = _double_conv(2 * width, 4 * width)
        self.pool = nn.MaxPool2d(2)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.join2 = _double_conv(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.join1 = _double_conv(2 * width, width)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        fine = self.down1(data)
        coarse = self.down2(self.pool(fine))
        deep = self.middle(self.pool(coarse))
        joined = self.join2(torch.cat([self.up2(deep), coarse], dim=1))
        joined = self.join1(torch.cat([self.up1(joined), fine], dim=1))
        logits: torch.Tensor = self.head(joined)
        return logits
