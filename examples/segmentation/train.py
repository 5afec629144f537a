# mypy: allow-untyped-calls, no-warn-return-any
"""Step 2: train the network, and say how good it is on scenes it never saw.

Same machine, same packages, same weights: seeds, thread count and algorithms are fixed. Another processor may round
sums otherwise, and then the weights differ in their last digits.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from network import UNet
from numpy.typing import NDArray
from recipe import BUILD, THREADS, TORCH_SEED, Normalisation, load_normalisation, load_stack, tensor_of, write_json
from scenes import CLASSES, DONTCARE, Scene
from torch.nn import functional

EPOCHS = 18
BATCH = 8
PEAK_RATE = 8e-3

Confusion = NDArray[np.int64]


def fit(scenes: Scene, normalisation: Normalisation) -> UNet:
    """A network trained on `scenes`; pixels without data do not count."""
    torch.manual_seed(TORCH_SEED)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    inputs = torch.from_numpy(tensor_of(scenes.image, normalisation))
    labels = torch.from_numpy(scenes.labels.astype(np.int64))
    model = UNet(classes=len(CLASSES)).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=1e-3)
    steps = EPOCHS * -(-len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=steps)
    for epoch in range(EPOCHS):
        losses = []
        for batch in torch.randperm(len(inputs)).split(BATCH):
            x, y = _turned(inputs[batch], labels[batch])
            loss = functional.cross_entropy(model(x), y, ignore_index=DONTCARE)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        if epoch % 3 == 2:
            print(f"epoch {epoch + 1}/{EPOCHS}: loss {np.mean(losses):.4f}", flush=True)
    return model.eval()


def _turned(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The batch in one of its eight orientations."""
    quarter_turns, mirror = int(torch.randint(4, ())), bool(torch.randint(2, ()))
    images, labels = (torch.rot90(t, quarter_turns, (-2, -1)) for t in (images, labels))
    return (images.flip(-1), labels.flip(-1)) if mirror else (images, labels)


def confusion(truth: NDArray[np.uint8], found: NDArray[np.uint8]) -> Confusion:
    """Rows are true classes, columns found ones; pixels without data are left out."""
    valid = truth != DONTCARE
    pairs = truth[valid].astype(np.int64) * len(CLASSES) + found[valid]
    return np.bincount(pairs, minlength=len(CLASSES) ** 2).reshape(len(CLASSES), len(CLASSES))


def scores(matrix: Confusion) -> dict[str, Any]:
    """Overall accuracy, intersection over union per class (don't-care left out) and its mean."""
    hits = np.diag(matrix)
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - hits
    per_class = {name: round(float(hits[i] / union[i]), 4) for i, name in enumerate(CLASSES) if i != DONTCARE}
    return {
        "accuracy": round(float(hits.sum() / matrix.sum()), 4),
        "mean_iou": round(float(np.mean(list(per_class.values()))), 4),
        "iou": per_class,
    }


def network_labels(model: UNet, image: NDArray[np.uint16], normalisation: Normalisation) -> NDArray[np.uint8]:
    with torch.inference_mode():
        logits = model(torch.from_numpy(tensor_of(image, normalisation)))
    labels: NDArray[np.uint8] = logits.argmax(dim=1).numpy().astype(np.uint8)
    return labels


def pixel_baseline(train: Scene, test: Scene) -> NDArray[np.uint8]:
    """What one gets without looking at neighbours: a Gaussian per class over all five bands, most likely wins."""
    pixels = test.image.transpose(0, 2, 3, 1).reshape(-1, test.image.shape[1]) / 1e4
    found = np.full((len(CLASSES), len(pixels)), -np.inf)
    for c in range(1, len(CLASSES)):
        known = train.image.transpose(0, 2, 3, 1)[train.labels == c] / 1e4
        away, covariance = pixels - known.mean(axis=0), np.cov(known.T)
        distance = np.einsum("ij,jk,ik->i", away, np.linalg.inv(covariance), away)
        share = np.log(len(known) / (train.labels > 0).sum())
        found[c] = share - 0.5 * (distance + np.linalg.slogdet(covariance)[1])
    labels: NDArray[np.uint8] = found.argmax(axis=0).reshape(test.labels.shape).astype(np.uint8)
    return labels


def main() -> None:
    train, test, normalisation = load_stack("train"), load_stack("test"), load_normalisation()
    started = time.monotonic()
    model = fit(train, normalisation)
    seconds = time.monotonic() - started
    torch.save(model.state_dict(), BUILD / "weights.pt")
    results = {
        "held-out": scores(confusion(test.labels, network_labels(model, test.image, normalisation))),
        "training": scores(confusion(train.labels, network_labels(model, train.image, normalisation))),
        "held-out, pixel by pixel": scores(confusion(test.labels, pixel_baseline(train, test))),
    }
    write_json(BUILD / "scores.json", results)
    print(f"trained in {seconds:.0f} s")
    for name, result in results.items():
        print(f"{name}: accuracy {result['accuracy']:.4f}, mean IoU {result['mean_iou']:.4f}, {result['iou']}")


if __name__ == "__main__":
    main()
