"""How a model other than the practice model is played: number format, chance, prompt."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QGridLayout, QSpinBox, QWidget

from app.backend.models.choice import HOTTEST, MAX_CHUNK, MAX_HISTORY, ModelChoice
from app.backend.models.ports import ModelFacts
from app.backend.readable import spoken_size
from app.gui.style.theme import GRID
from app.gui.style.widgets import label, set_role
from model.actions.codecs import CODECS
from model.language.prompts import PROMPT_FORMS
from model.vla.memory import PRECISIONS

FORMATS = {"": "Playteach chooses", "bf16": "16 bits", "8bit": "8 bits", "4bit": "4 bits"}
WRITTEN = {"tokens": "Action tokens (JARVIS-VLA)", "text": "Words (OpenHA)"}
FORMS = {
    "": "As the checkpoint says",
    "jarvis": "JARVIS-VLA",
    "jarvis-recipe": "JARVIS-VLA with recipes, for crafting",
    "jarvis-simple": "JARVIS-VLA, the task's words only",
    "plain": "Instruction, then picture",
    "picture": "Picture, then instruction",
}


def amount(count: int) -> str:
    """Return bytes as a person compares memory: "16.6 GB", "10 MB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else spoken_size(count)


class ModelOptions(QWidget):
    """The options; :meth:`applied_to` puts them into a choice."""

    def __init__(self, choice: ModelChoice) -> None:
        super().__init__()
        self._precisions = ("", *PRECISIONS)
        self._forms = ("", *PROMPT_FORMS)
        self.precision = QComboBox()
        self.memory = label("", "caption", wrap=True)
        self.temperature = QDoubleSpinBox()
        self.prompt = QComboBox()
        self.history = QSpinBox()
        self.chunk = QSpinBox()
        self.written = QComboBox()
        self.rewrite = QCheckBox("Put my sentence into the words that the model was taught")
        self._precision_words = label("Numbers")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("How it plays", "strong"), 0, 0, 1, 2)
        self.precision.addItems([FORMATS[name] for name in self._precisions])
        self.precision.setCurrentIndex(self._precisions.index(choice.precision))
        self.precision.setAccessibleName("Number format")
        grid.addWidget(self._precision_words, 1, 0)
        grid.addWidget(self.precision, 1, 1)
        grid.addWidget(self.memory, 2, 1)
        self.temperature.setRange(0, HOTTEST)
        self.temperature.setSingleStep(0.1)
        self.temperature.setDecimals(2)
        self.temperature.setValue(choice.temperature)
        self.temperature.setAccessibleName("Temperature")
        grid.addWidget(label("Temperature"), 3, 0)
        grid.addWidget(self.temperature, 3, 1, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(
            label(
                "0 always takes the likeliest action and may get stuck; published settings are 0.6 "
                "for mining, 0.8 for fighting, 0.9 for crafting.",
                "caption",
                wrap=True,
            ),
            4,
            1,
        )
        self._add_prompt(grid, choice)
        # One below the least stands for what the checkpoint says.
        _set_up(self.history, -1, MAX_HISTORY, choice.history, "Earlier pictures")
        grid.addWidget(label("Earlier pictures"), 6, 0)
        grid.addWidget(self.history, 6, 1)
        _set_up(self.chunk, 0, MAX_CHUNK, choice.chunk, "Actions an answer")
        self.chunk.setToolTip("Two play faster than one, after a round that taught them.")
        grid.addWidget(label("Actions an answer"), 7, 0)
        grid.addWidget(self.chunk, 7, 1)
        self._codecs = tuple(CODECS)
        self._actions_words = label("Its actions")
        self._add_actions(grid, choice)
        self.rewrite.setChecked(choice.rewrite)
        grid.addWidget(self.rewrite, 9, 0, 1, 2)
        self._facts: ModelFacts | None = None
        self.precision.currentIndexChanged.connect(lambda _index: self._show_memory())

    def _add_prompt(self, grid: QGridLayout, choice: ModelChoice) -> None:
        self.prompt.addItems([FORMS[name] for name in self._forms])
        self.prompt.setCurrentIndex(self._forms.index(choice.prompt))
        self.prompt.setAccessibleName("Prompt")
        grid.addWidget(label("Prompt"), 5, 0)
        grid.addWidget(self.prompt, 5, 1)

    def _add_actions(self, grid: QGridLayout, choice: ModelChoice) -> None:
        self.written.addItems([WRITTEN[name] for name in self._codecs])
        self.written.setCurrentIndex(self._codecs.index(choice.actions))
        self.written.setAccessibleName("How its actions are written")
        grid.addWidget(self._actions_words, 8, 0)
        grid.addWidget(self.written, 8, 1)

    def applied_to(self, choice: ModelChoice) -> ModelChoice:
        """Return a choice with the options as they stand."""
        history = self.history.value()
        return replace(
            choice,
            precision=self._precisions[self.precision.currentIndex()],
            temperature=round(self.temperature.value(), 2),
            prompt=self._forms[self.prompt.currentIndex()],
            history=None if history < 0 else history,
            chunk=self.chunk.value() or None,
            rewrite=self.rewrite.isChecked(),
            actions=self._codecs[self.written.currentIndex()],
        )

    def show_facts(self, facts: ModelFacts | None, *, server: bool) -> None:
        """Show what each number format needs; on a server that is the server's affair."""
        self._facts = facts
        for widget in (self._precision_words, self.precision):
            widget.setVisible(not server)
        for widget in (self._actions_words, self.written):
            # On this machine only models that write tokens are played.
            widget.setVisible(server)
        self.memory.setVisible(not server and facts is not None and bool(facts.needs))
        model = self.precision.model()
        for index, name in enumerate(self._precisions):
            need = next((n for n in facts.needs if n.precision == name), None) if facts else None
            text = FORMATS[name] + (f": {amount(need.need)}" if need else "")
            self.precision.setItemText(index, text)
            item = model.item(index) if isinstance(model, QStandardItemModel) else None
            if item is not None:
                item.setEnabled(need is None or not need.problem or name == "")
        self._show_memory()

    def _show_memory(self) -> None:
        facts = self._facts
        name = self._precisions[self.precision.currentIndex()]
        need = next((n for n in facts.needs if n.precision == name), None) if facts else None
        if facts is None or need is None:
            self.memory.setText("")
            return
        set_role(self.memory, tone="bad" if need.problem else "")
        others = [FORMATS[n.precision] for n in facts.needs if n.precision and not n.problem]
        fits = f" What fits: {' or '.join(others)}." if need.problem and others else ""
        self.memory.setText(
            need.problem + fits
            if need.problem
            else f"Needs {amount(need.need)} of {amount(facts.free)} that are free."
        )


def _set_up(box: QSpinBox, unset: int, most: int, value: int | None, name: str) -> None:
    """Give a box for a count its bounds; ``unset`` leaves it to the checkpoint."""
    box.setRange(unset, most)
    box.setSpecialValueText("As the checkpoint says")
    box.setValue(unset if value is None else value)
    box.setAccessibleName(name)
