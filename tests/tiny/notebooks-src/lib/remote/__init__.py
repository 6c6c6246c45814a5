"""What a platform's transport asks of its library; here only its names."""


def size(of):
    return f"{of} bytes"


def why(error):
    return str(error)


def causes(error):
    return [error]


def status(error):
    return None


def unwritable(error):
    return None


def patiently(transfer):
    return transfer()
