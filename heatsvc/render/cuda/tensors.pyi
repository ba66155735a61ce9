from typing import Literal, TypeAlias

import torch

TensorDType = Literal["float32", "float16", "bfloat16", "uint8"]

Tensor: TypeAlias = torch.Tensor
Device: TypeAlias = torch.device
DType: TypeAlias = torch.dtype
