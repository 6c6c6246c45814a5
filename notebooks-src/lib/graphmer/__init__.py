"""GraphMERT (arXiv 2510.09580) on Python code: knowledge graph, leafy chains, model, training, honest evaluation.

Nothing is imported here, so `import graphmer.knowledge` never pays for torch.
"""
