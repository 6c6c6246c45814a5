# %% [markdown]
# # Somebody else's script
# Braces survive: {{ not_a_variable }} {% if x %}

# %%
import torch

template = "{{ name }} {% for x in y %}"
tab = "	"
# cat the files first
# %s is the name
# !nvidia-smi

# %% [markdown]
# ```python
# print("{{ x }}")
# ```

# %% key="value" anything=true
print("über – 你好")
