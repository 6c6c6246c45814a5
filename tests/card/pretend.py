"""A card that is not there: tensors with their data on the processor that say they are on `CARD`.

Contract: inside `Pretend()` whatever is made on or moved to CARD becomes such a tensor, operations on it run on the
processor, and an operation that mixes it with tensors that were left behind is an error, as it is on a real card; so is
`.numpy()`. What it cannot show: speed, memory, kernels, 16-bit arithmetic of a card.

CARD is a second processor by name, since torch's autograd knows that kind of device in every build.
"""

import threading

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

CARD = torch.device("cpu:1")
_THERE = torch.Tensor.cpu, torch.Tensor.numpy, torch.nn.Module.to, threading.Thread.run
# these may take tensors of both sides: copies, and indices, which a card takes from the processor as well
_MIXED = {"aten.copy_", "aten._to_copy", "aten.index", "aten.index_put", "aten.index_put_", "aten._index_put_impl_"}
_IN_PLACE = {"aten.copy_", "aten.index_put_", "aten._index_put_impl_"}


class OnCard(torch.Tensor):
    """A tensor on CARD; `held` has its data."""

    @staticmethod
    def __new__(cls, held: torch.Tensor):
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device=CARD, requires_grad=held.requires_grad,
        )  # fmt: skip
        made.held = held
        return made

    def __repr__(self):
        return f"OnCard({self.held!r})"

    def __deepcopy__(self, memo):
        return OnCard(self.held.clone())

    def tolist(self):
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), named=None):
        return _run(function, arguments, named or {})


def is_card(device) -> bool:
    """Whether this is CARD, or its name."""
    try:
        return isinstance(device, str | torch.device) and torch.device(device) == CARD
    except RuntimeError:  # another string, such as the name of a layout
        return False


def _run(function, arguments, named):
    name = str(function).rpartition(".")[0]
    tensors = [t for t in tree_flatten((arguments, named))[0] if isinstance(t, torch.Tensor)]
    there = [t for t in tensors if isinstance(t, OnCard)]
    behind = [t for t in tensors if not isinstance(t, OnCard) and t.dim()]
    if there and behind and (name not in _MIXED or (name == "aten.index" and behind[0] is arguments[0])):
        shapes = [[tuple(t.shape) for t in side] for side in (there, behind)]
        raise RuntimeError(f"{name} of tensors on the card {shapes[0]} and not {shapes[1]}")
    wanted = named.get("device")
    if wanted is not None:
        to_card, named = is_card(wanted), {**named, "device": "cpu"}
    else:
        to_card = isinstance(arguments[0], OnCard) if name in _IN_PLACE else bool(there)
    plain = tree_map(lambda t: t.held if isinstance(t, OnCard) else t, (arguments, named))
    result, same = function(*plain[0], **plain[1]), {id(t.held): t for t in there}

    def placed(t):
        if not to_card or not isinstance(t, torch.Tensor):
            return t
        return same[id(t)] if id(t) in same else OnCard(t)  # what was changed in place stays the object it was

    Pretend.operations += bool(there)
    return tree_map(placed, result)


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        return _run(function, arguments, named or {})


class Pretend:
    """While it lasts CARD is there, in every thread that begins; `operations` counts what ran on it."""

    operations = 0

    def __enter__(self):
        self.before = {name: getattr(torch, name) for name in ("tensor", "as_tensor", "inference_mode")}
        self.new_tensor = torch.Tensor.new_tensor
        # torch.tensor ignores a processor's number, inference mode its dispatch: without these two the card is not seen
        torch.tensor, torch.as_tensor = _made(torch.tensor), _made(torch.as_tensor)
        torch.inference_mode = torch.no_grad
        torch.Tensor.new_tensor = _new_tensor
        torch.Tensor.cpu, torch.Tensor.numpy, torch.nn.Module.to = _cpu, _numpy, _to
        threading.Thread.run = _in_thread
        self.mode = _Mode()
        self.mode.__enter__()
        return self

    def __exit__(self, *error):
        self.mode.__exit__(*error)
        for name, function in self.before.items():
            setattr(torch, name, function)
        torch.Tensor.new_tensor = self.new_tensor
        torch.Tensor.cpu, torch.Tensor.numpy, torch.nn.Module.to, threading.Thread.run = _THERE


def _made(function):
    def made(*arguments, device=None, **named):
        result = function(*arguments, **named)
        return result if device is None else result.to(device)

    return made


def _new_tensor(self, data, dtype=None, device=None, **_):
    return torch.tensor(data, dtype=dtype or self.dtype, device=device or self.device)


def _cpu(self, *arguments, **named):
    return self.held.detach().clone() if isinstance(self, OnCard) else _THERE[0](self, *arguments, **named)


def _numpy(self, *arguments, **named):
    if isinstance(self, OnCard):
        raise TypeError("a tensor on the card has no numpy array: use .cpu() first")
    return _THERE[1](self, *arguments, **named)


def _to(self, *arguments, **named):
    """Module.to; parameters that several modules share stay shared on the card."""
    if not any(map(is_card, (*arguments, *named.values()))):
        return _THERE[2](self, *arguments, **named)
    others = [a for a in arguments if not is_card(a)]
    more = {name: value for name, value in named.items() if not is_card(value)}
    if others or more:
        _THERE[2](self, *others, **more)
    moved: dict[int, torch.nn.Parameter] = {}
    for module in self.modules():
        for name, p in list(module._parameters.items()):
            if p is not None and not isinstance(p, OnCard):
                if id(p) not in moved:
                    moved[id(p)] = torch.nn.Parameter(OnCard(p.data), requires_grad=p.requires_grad)
                setattr(module, name, moved[id(p)])
        for name, b in module._buffers.items():
            if b is not None and not isinstance(b, OnCard):
                module._buffers[name] = OnCard(b)
    return self


def _in_thread(self):
    with _Mode():
        _THERE[3](self)
