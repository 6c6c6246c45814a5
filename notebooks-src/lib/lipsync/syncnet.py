"""SyncNet of Chung and Zisserman 2016 (syncnet_v2, MIT), from the published layers: what `score` measures with."""

FILE = "auxiliary/syncnet_v2.model"  # in its repository


def network():
    """SyncNet: two towers of convolutions that end in 1024 numbers each."""
    from torch import nn

    def tower(conv, norm, pool, layers):
        parts = []
        for kind, *given in layers:
            if kind == "pool":
                parts.append(pool(*given))
            else:
                parts += [conv(*given), norm(given[1]), nn.ReLU(inplace=True)]
        return nn.Sequential(*parts)

    def ends():
        return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))

    sound = (
        ("conv", 1, 64, 3, 1, 1), ("pool", 1, 1), ("conv", 64, 192, 3, 1, 1), ("pool", 3, (1, 2)),
        ("conv", 192, 384, 3, 1, 1), ("conv", 384, 256, 3, 1, 1), ("conv", 256, 256, 3, 1, 1), ("pool", 3, 2),
        ("conv", 256, 512, (5, 4)),
    )  # fmt: skip
    lips = (
        ("conv", 3, 96, (5, 7, 7), (1, 2, 2)), ("pool", (1, 3, 3), (1, 2, 2)),
        ("conv", 96, 256, (1, 5, 5), (1, 2, 2), (0, 1, 1)), ("pool", (1, 3, 3), (1, 2, 2), (0, 1, 1)),
        ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)), ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)),
        ("conv", 256, 256, (1, 3, 3), 1, (0, 1, 1)), ("pool", (1, 3, 3), (1, 2, 2)), ("conv", 256, 512, (1, 6, 6)),
    )  # fmt: skip

    class SyncNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.netcnnaud = tower(nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, sound)
            self.netfcaud = ends()
            self.netcnnlip = tower(nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d, lips)
            self.netfclip = ends()

        def hear(self, x):
            """(n, 1, 13, 20) -> (n, 1024)."""
            return self.netfcaud(self.netcnnaud(x).flatten(1))

        def see(self, x):
            """(n, 3, 5, 224, 224) -> (n, 1024)."""
            return self.netfclip(self.netcnnlip(x).flatten(1))

    return SyncNet().eval().requires_grad_(False)
