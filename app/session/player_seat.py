"""Who plays: the player that has the seat, and the runner that thinks for it."""

from __future__ import annotations

from app.session.wiring import AnyRunner, Judge, MakeRunner, Player


class PlayerSeat:
    """Holds one player at a time.  The control thread changes it; any thread may look."""

    def __init__(self, make_runner: MakeRunner) -> None:
        self._make_runner = make_runner
        self.player: Player | None = None
        self.runner: AnyRunner | None = None

    @property
    def name(self) -> str:
        """The policy's name, "" while nobody has the seat."""
        return "" if self.player is None else self.player.name

    @property
    def adapter_id(self) -> int | None:
        """The store's id of the adapter that plays, None for a base and for nobody."""
        return None if self.player is None else self.player.adapter_id

    def judge_of(self, sentence: str) -> Judge | None:
        """Return what judges a new attempt at a sentence that the game does not."""
        return None if self.player is None else self.player.judge_of(sentence)

    def give_to(self, player: Player | None) -> None:
        """Let another player have the seat once the one before has thought to its end."""
        self.player = None
        self.close()
        if player is not None:
            self.runner = self._make_runner(player.policy)
            self.player = player

    def close(self) -> None:
        """Stop the runner; waits for a thought that is under way."""
        runner, self.runner = self.runner, None
        if runner is not None:
            runner.close()
