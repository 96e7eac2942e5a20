"""What the default model is trained on: the losses of its answers, and two that help.

The helping losses' heads are dropped after the training: which thing each vision token
covers, and in which column of the picture the asked-for thing stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the name every torch program uses
from numpy.typing import NDArray

from model.vla.preprocess import patches
from model.vla.tiny import TINY_SPEC
from recorder.games.doom.things import KIND_BY_KEY
from trainer.data.forward_pass import IGNORE, Block, Sequences
from trainer.pretraining.config import Stage
from trainer.pretraining.state_ring import COLUMNS, SEEN_KEYS

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Losses = dict[str, torch.Tensor]
Batch = NDArray[np.void]


class NamedPresence(torch.nn.Module):
    """Which thing each part of the picture holds, by the likeness of its token to the name.

    A token of the picture and the mean of the name's word embeddings are compared after one
    linear map, the same for all things: what a thing looks like comes to lie where its
    words lie, which is what attention from words to pictures needs.
    """

    def __init__(self, width: int, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        names = [
            tokenizer(f" {KIND_BY_KEY[key].phrase}", add_special_tokens=False).input_ids
            for key in SEEN_KEYS
        ]
        longest = max(map(len, names))
        padded = [[*name, *[0] * (longest - len(name))] for name in names]
        share = [[1 / len(name)] * len(name) + [0.0] * (longest - len(name)) for name in names]
        self.register_buffer("names", torch.tensor(padded), persistent=False)
        self.register_buffer("shares", torch.tensor(share)[..., None], persistent=False)
        self.map = torch.nn.Linear(width, width, bias=False)
        torch.nn.init.eye_(self.map.weight)
        self.scale = torch.nn.Parameter(torch.tensor(10.0))
        self.bias = torch.nn.Parameter(torch.full((len(SEEN_KEYS),), -4.0))

    def forward(self, vision: torch.Tensor, embedding: torch.nn.Module) -> torch.Tensor:
        """Return logits B x T x things for vision tokens B x T x hidden."""
        words = (embedding(self.names) * self.shares).sum(1)
        seen = F.normalize(self.map(vision), dim=-1)
        return self.scale * seen @ F.normalize(words, dim=-1).T + self.bias


class Trainee(torch.nn.Module):
    """The model with its two helping heads."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.sequences = Sequences(model, tokenizer, TINY_SPEC)
        width = model.config.text_config.hidden_size
        self.presence = NamedPresence(width, tokenizer)
        self.column = torch.nn.Linear(width, COLUMNS + 1)

    def look(self, batch: Batch, tower: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
        """Return vision tokens of a batch's pictures, and the presence loss.

        What is made of the tokens moves the tower by ``tower`` (0 to 1) of its gradient;
        at 0 neither loss moves it.
        """
        pixels = torch.as_tensor(patches(np.ascontiguousarray(batch["image"]), TINY_SPEC))
        with torch.set_grad_enabled(tower > 0):
            vision = self.sequences.see(pixels)
        wanted = torch.as_tensor(batch["presence"].reshape(len(batch), len(SEEN_KEYS), -1))
        loss = F.binary_cross_entropy_with_logits(
            self.presence(vision, self.model.get_input_embeddings()),
            wanted.float().transpose(1, 2),
            pos_weight=torch.tensor(8.0),
        )
        return torch.lerp(vision.detach(), vision, tower), loss

    def asked(
        self, vision: torch.Tensor, batch: Batch, kind: str
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss of the answers (nats a token), and the states before them.

        ``kind`` is "action" or "pair".  The states are B x K x hidden.
        """
        starts = torch.as_tensor(batch[f"{kind}_start"].astype(np.int64))
        lengths = torch.as_tensor(batch[f"{kind}_length"].astype(np.int64))
        longest = max(1, int(lengths.max()))
        blocks = torch.as_tensor(batch[f"{kind}s"][..., :longest].astype(np.int64))
        place = torch.arange(longest)
        blocks = blocks.masked_fill(place >= lengths[..., None], self.sequences.end_id)
        hidden = self.sequences.ask(vision, blocks, lengths)
        loss = self.answer_loss(
            hidden.flatten(0, 1), blocks.flatten(0, 1), starts.flatten(), lengths.flatten()
        )
        at = (starts - 1).clamp(0)[..., None, None].expand(-1, -1, 1, hidden.shape[-1])
        return loss, hidden.gather(2, at)[:, :, 0]

    def answer_loss(
        self,
        hidden: torch.Tensor,
        ids: torch.Tensor,
        starts: torch.Tensor,
        lengths: torch.Tensor,
    ) -> torch.Tensor:
        """Return the mean loss of the answers' tokens; the questions' do not count."""
        place = torch.arange(ids.shape[1])
        inside = (place >= starts[:, None]) & (place < lengths[:, None])
        labels = ids.masked_fill(~inside, IGNORE)
        keep = labels[:, 1:] != IGNORE
        logits = self.model.lm_head(hidden[:, :-1][keep])
        return F.cross_entropy(logits, labels[:, 1:][keep])

    def actions_step(self, batch: Batch, stage: Stage) -> Losses:
        """Return the losses of what to do."""
        vision, presence = self.look(batch, stage.tower)
        action, before = self.asked(vision, batch, "action")
        there = torch.as_tensor(batch["action_length"] > 0)
        columns = torch.as_tensor(batch["column"].astype(np.int64))
        column = F.cross_entropy(self.column(before)[there], columns[there])
        losses = {"presence": presence, "column": column}
        return {"action": action, **losses} if stage.acts else losses

    def looks_step(self, batch: Batch) -> Losses:
        """Return the loss of what is where in the pictures; no words are read."""
        return {"presence": self.look(batch)[1]}

    def pictures_step(self, batch: Batch, stage: Stage) -> Losses:
        """Return the losses of questions about pictures."""
        vision, presence = self.look(batch, stage.tower)
        pair, _ = self.asked(vision, batch, "pair")
        return {"pair": pair, "presence": presence}

    def text_step(self, blocks: list[Block]) -> Losses:
        """Return the loss of questions without a picture."""
        longest = max(len(block.tokens) for block in blocks)
        ids = torch.full((len(blocks), longest), self.sequences.end_id)
        for row, block in enumerate(blocks):
            ids[row, : len(block.tokens)] = torch.tensor(block.tokens)
        starts = torch.tensor([block.start for block in blocks])
        lengths = torch.tensor([len(block.tokens) for block in blocks])
        return {"text": self.answer_loss(self.sequences.read(ids), ids, starts, lengths)}
