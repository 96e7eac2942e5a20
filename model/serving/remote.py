"""A model on a server that speaks OpenAI's protocol (vLLM, SGLang, ``transformers serve``).

Only what the person typed and the game's pictures leave the machine, and only to the server
that the person named.  The key comes from the environment or the keyring and is kept
nowhere; redirects are refused, so it goes to that server alone.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
from PIL import Image

from model.actions.codecs import CODECS, Parsed
from model.actions.tokens import ACTION_END
from model.adapters.folders import CONFIG_FILE, fingerprint
from model.language.prompts import Told, clean_instruction, spoken_turns
from model.play.policy import ActionChunk, Observation
from model.play.sampling import Sampling
from model.serving.server_keys import KEY_VARIABLE, server_key
from model.vla.play_options import PlayOptions, told_notice
from model.vla.preprocess import JARVIS_SPEC, CheckpointSpec
from recorder import json_values
from recorder.errors import ModelError
from recorder.json_values import as_dict, as_list
from recorder.types import NO_ACTION, RGBImage

QWEN_FIRST_ADDED = 151_657
_LIMIT = 4_000_000
LETTERS = 12
"""Of the hash that tells adapters of one name apart."""
_SAID = 200
"""Characters of a server's own words that a sentence repeats."""
DIALECTS = ("vllm", "transformers", "plain")
"""Where settings go that OpenAI's protocol does not have: vLLM's fields, one field of
``transformers serve``, nowhere."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server is and how patiently it is asked.

    ``url`` ends before ``/v1``; ``model`` "" takes the first that the server lists; an
    adapter that the server has loaded is a model with its own name.  ``timeout_s`` is for
    one try; a request that fails is tried ``retries`` times more.  ``codec`` is one of
    :data:`model.actions.codecs.CODECS`; ``system`` replaces the chat template's own system turn.
    """

    url: str
    model: str = ""
    timeout_s: float = 10.0
    retries: int = 2
    codec: str = "tokens"
    system: str = ""


class RefusedRequestError(ModelError):
    """The server understood and does not take a request of this form."""


def _is_address(url: str) -> bool:
    """Return whether an address is a server's and holds nothing else."""
    try:
        parts = urlsplit(url)
        bare = not (parts.username or parts.password or parts.query or parts.fragment)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and bare and parts.port != 0
        )
    except ValueError:
        # Half an IPv6 address, or a port that is no number.
        return False


class Client:
    """Asks one server; every problem is a ModelError with one sentence."""

    def __init__(
        self,
        server: Server,
        key: str | None = None,
        *,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        if not _is_address(server.url):
            raise ModelError(
                "The server's address is none (it looks like http://127.0.0.1:8000), so no "
                "model plays; correct it."
            )
        self.server = server
        self._base = server.url.rstrip("/").removesuffix("/v1")
        self._key = server_key(server.url) if key is None else key
        self._wait = wait
        # No redirect is followed: another address would get the key and the pictures.
        self._http = httpx2.Client(timeout=server.timeout_s, follow_redirects=False)

    def models(self) -> tuple[str, ...]:
        """Return the names that the server plays under: the health check."""
        found = tuple(self._listed())
        if not found:
            raise ModelError(
                f"The server at {self._where} lists no model, so nothing plays; start it with "
                "a checkpoint."
            )
        return found

    def _listed(self) -> dict[str, str]:
        """Return where each model lies that the server plays, "" if it does not say, by name."""
        listed = self._ask("/v1/models", None).get("data")
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        return {
            row["id"]: str(row.get("root") or "") for row in rows if isinstance(row.get("id"), str)
        }

    def load_adapter(self, folder: Path) -> str:
        """Let the server load an adapter's folder, which it must be able to read; return its name.

        vLLM can where it was started with ``--enable-lora`` and
        ``VLLM_ALLOW_RUNTIME_LORA_UPDATING=True``.  What it lists already under the name of
        :func:`served_name`, or says to have from this very folder, is taken as it is.
        Raises ModelError where it does not load it.
        """
        name = served_name(folder)
        rows = self._listed()
        if name in rows:
            return name
        ours = re.compile(rf"{re.escape(folder.name)}-[0-9a-f]{{{LETTERS}}}")
        for listed, root in rows.items():
            # One that was loaded from here under another hash held something else then.
            if root and Path(root) == folder and ours.fullmatch(listed) is None:
                return listed
        order: dict[str, object] = {"lora_name": name, "lora_path": str(folder)}
        try:
            self._ask("/v1/load_lora_adapter", order, plain=True)
        except ModelError as error:
            raise ModelError(
                f"The server at {self._where} does not load the adapter {folder.name!r}, so "
                f"nothing plays; start it with the adapter under the name {name}, or so that it "
                f"takes adapters while it runs (docs/minecraft.md). {error.sentence}"
            ) from error
        return name

    def complete(self, body: dict[str, object]) -> str:
        """Return the text of the first choice; raises ModelError for an empty one."""
        answer = self._ask("/v1/chat/completions", body)
        try:
            first = as_dict(as_list(answer["choices"], "choices")[0], "choice")
            text = as_dict(first["message"], "message")["content"]
            used = answer.get("usage") or {}
        except (KeyError, IndexError, ValueError) as error:
            raise ModelError(
                f"The server at {self._where} answered without a choice, so nothing plays; it "
                "must speak OpenAI's chat protocol."
            ) from error
        if text:
            return str(text)
        tokens = used.get("completion_tokens") if isinstance(used, dict) else None
        raise ModelError(
            f"The server at {self._where} wrote {tokens or 'some'} tokens and sent empty text, "
            "so no action can be read; it strips special tokens: use vLLM, which honours "
            "skip_special_tokens, or a model with text actions."
        )

    @property
    def _where(self) -> str:
        return urlsplit(self._base).netloc

    def _ask(
        self, path: str, body: dict[str, object] | None, *, plain: bool = False
    ) -> dict[str, object]:
        """Return the answer's table; ``plain`` answers have none."""
        problem = ""
        for attempt in range(self.server.retries + 1):
            if attempt:
                self._wait(0.2 * 2 ** (attempt - 1))
            try:
                answer, content = self._once(path, body)
                if answer.is_success:
                    return {} if plain else as_dict(json_values.parse(content), "its answer")
            except httpx2.TimeoutException:
                problem = f"no answer within {self.server.timeout_s:g} s"
                continue
            except (httpx2.HTTPError, OSError, ValueError) as error:
                # What answers may speak another protocol, or stop in the middle.
                problem = str(error) or type(error).__name__
                continue
            problem = self._refused(answer.status_code, content)
            if answer.status_code < 500 and answer.status_code != 429:
                break
        raise ModelError(
            f"The server at {self._where} cannot be asked ({problem}), so the agent has no plan; "
            "see whether it runs, then start again."
        )

    def _refused(self, code: int, content: bytes) -> str:
        """Return what a status means; raises ModelError for one that asking again can't mend."""
        if code in (401, 403):
            raise ModelError(
                f"The server at {self._where} refused the key, so nothing plays; set it in "
                f"{KEY_VARIABLE} or in the keyring."
            )
        said = self._words_of(content)
        problem = f"it answered {code}" + (f": {said}" if said else "")
        if code in (400, 422):
            raise RefusedRequestError(
                f"The server at {self._where} does not take the request ({problem}), so "
                "the agent has no plan; use a server that takes vLLM's settings, or a "
                "model with text actions."
            )
        return problem

    def _words_of(self, content: bytes) -> str:
        """Return what a server says of a request that failed, without the key, or ""."""
        try:
            answer = json_values.parse(content)
            said = answer.get("detail") or answer.get("message") or answer.get("error") or ""
            said = said.get("message", "") if isinstance(said, dict) else said
        except (ValueError, AttributeError):
            return ""
        words = " ".join(said.split()) if isinstance(said, str) else ""
        return (words.replace(self._key, "…") if self._key else words)[:_SAID]

    def _once(self, path: str, body: dict[str, object] | None) -> tuple[httpx2.Response, bytes]:
        """Ask once; return the answer's head and at most _LIMIT bytes of what it says."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        method = "GET" if body is None else "POST"
        with self._http.stream(method, self._base + path, json=body, headers=headers) as answer:
            content = bytearray()
            for part in answer.iter_bytes():
                content += part
                if len(content) > _LIMIT:
                    raise ValueError(f"it sent more than {_LIMIT // 1_000_000} MB")
        return answer, bytes(content)


def served_name(folder: Path) -> str:
    """Return what a server calls an adapter: its folder's name and the beginning of a hash.

    Every data folder has a "round-001"; one's must not be taken for another's.  Raises ModelError
    for a folder without weights.
    """
    digest = hashlib.sha256(fingerprint(folder).encode())
    config = folder / CONFIG_FILE
    if config.is_file():
        digest.update(config.read_bytes())
    return f"{folder.name}-{digest.hexdigest()[:LETTERS]}"


class RemotePolicy:
    """A model on a server as a policy.

    Attributes:
        sampling: how the server samples; sent with every request.
        notice: a sentence for the person: what the model is told, or "".

    """

    def __init__(
        self,
        client: Client,
        *,
        spec: CheckpointSpec = JARVIS_SPEC,
        sampling: Sampling | None = None,
        options: PlayOptions | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Ask the server what it plays; raises ModelError where it cannot be asked.

        ``options`` say how sentences are told; what else they set is in ``spec`` already.
        """
        names = client.models()
        wanted = client.server.model
        if wanted and wanted not in names:
            raise ModelError(
                f"The server plays no model called {wanted!r}, so nothing was started; choose one "
                f"of: {', '.join(names)}."
            )
        self.model = wanted or names[0]
        self.sampling = sampling or Sampling(temperature=0.7, top_p=0.99)
        self.notice = ""
        self._client = client
        self._codec = CODECS[client.server.codec]
        self._spec = spec
        self._options = options or PlayOptions()
        self._clock = clock
        self._history: deque[tuple[str, str]] = deque(maxlen=spec.history)
        self._seed: int | None = None
        self._dialect = DIALECTS[0]

    @property
    def name(self) -> str:
        """The server's name for the model."""
        return self.model

    def reset(self, instruction: str, *, seed: int | None = None) -> None:
        """Begin an episode; raises UsageError for a sentence that cannot be heard."""
        clean_instruction(instruction)
        self._history.clear()
        self._seed = seed
        self.notice = ""

    def propose(self, observation: Observation) -> ActionChunk:
        """Ask the server; an answer without an action does nothing and is counted."""
        began = self._clock()
        picture = self._picture(observation.frame.rgb)
        while len(self._history) < self._spec.history:
            self._history.append((picture, self._codec.encode([NO_ACTION])))
        said = self._options.told(self._spec.prompt, observation.instruction)
        text = self._answer(said, picture)
        parsed: Parsed = self._codec.decode(text)
        if self._spec.history:
            self._history.append((picture, text))
        took_ms = (self._clock() - began) * 1e3
        self.notice = told_notice(said, observation.instruction)
        return ActionChunk(
            parsed.actions[: self._spec.chunk],
            observation.frame.id,
            took_ms,
            None,
            parsed.invalid,
        )

    def _answer(self, said: Told, picture: str) -> str:
        """Ask in the dialect that the server speaks, found out at the first question.

        Tokens can be had in vLLM's only: they are special, and others strip them.
        """
        while True:
            try:
                return self._client.complete(self._body(said, picture))
            except RefusedRequestError:
                left = DIALECTS[DIALECTS.index(self._dialect) + 1 :]
                if self._codec.name == "tokens" or not left:
                    raise
                self._dialect = left[0]

    def _body(self, said: Told, picture: str) -> dict[str, object]:
        turns = spoken_turns(self._spec.prompt, said, len(self._history) + 1)
        pictures = [*(earlier for earlier, _ in self._history), picture]
        messages: list[dict[str, object]] = []
        if system := self._client.server.system:
            messages.append({"role": "system", "content": system})
        for number, (words, shown) in enumerate(zip(turns, pictures, strict=True)):
            parts: list[dict[str, object]] = [
                {"type": "text", "text": words},
                {"type": "image_url", "image_url": {"url": shown}},
            ]
            if self._spec.prompt == "picture":
                parts.reverse()
            messages.append({"role": "user", "content": parts})
            if number < len(self._history):
                answer = self._history[number][1]
                messages.append({"role": "assistant", "content": answer + "\n"})
        body: dict[str, object] = {
            "model": self.model,
            "messages": messages,
            "max_tokens": self._codec.tokens_per_action * self._spec.chunk,
            "temperature": self.sampling.temperature,
            # A checkpoint's own defaults (top_k 1) would silently make it greedy.
            "top_p": self.sampling.top_p,
        }
        if self._dialect == "vllm":
            body |= {"top_k": -1, "repetition_penalty": 1.0, "skip_special_tokens": False}
        elif self._dialect == "transformers":
            drawn = self.sampling.temperature > 0
            own = {"do_sample": drawn, "top_k": 0, "repetition_penalty": 1.0}
            body["generation_config"] = json.dumps(own)
        if self._codec.name == "tokens" and self._spec.chunk == 1:
            body["stop_token_ids"] = [QWEN_FIRST_ADDED + ACTION_END]
            body["include_stop_str_in_output"] = True
        if self._seed is not None:
            body["seed"] = self._seed % (1 << 31)
        return body

    def _picture(self, rgb: RGBImage) -> str:
        """Return a frame as the released client sends it: resized, JPEG, base64."""
        image = Image.fromarray(rgb)
        size = (self._spec.width, self._spec.height)
        if image.size != size:
            image = image.resize(size, Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG")
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
