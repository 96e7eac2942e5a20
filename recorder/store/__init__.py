"""The memory of what was seen and done: one SQLite file, one writer, readers anywhere."""

from recorder.data_folder import adapters_path, database_path, default_data_folder, logs_path
from recorder.store.query import EVERY_EPISODE, EpisodeQuery, of_game, parse_query
from recorder.store.reader import Reader
from recorder.store.rows import (
    Activation,
    AdapterRow,
    EpisodeKind,
    EpisodeRow,
    EvaluationRow,
    InstructionRow,
    LabelSource,
    NewAdapter,
    RoundEnd,
    RoundRow,
    RoundStatus,
    SegmentRow,
    Split,
    Stepping,
    StoreHealth,
    TickRow,
    Wish,
)
from recorder.store.store import Store

__all__ = [
    "EVERY_EPISODE",
    "Activation",
    "AdapterRow",
    "EpisodeKind",
    "EpisodeQuery",
    "EpisodeRow",
    "EvaluationRow",
    "InstructionRow",
    "LabelSource",
    "NewAdapter",
    "Reader",
    "RoundEnd",
    "RoundRow",
    "RoundStatus",
    "SegmentRow",
    "Split",
    "Stepping",
    "Store",
    "StoreHealth",
    "TickRow",
    "Wish",
    "adapters_path",
    "database_path",
    "default_data_folder",
    "logs_path",
    "of_game",
    "parse_query",
]
