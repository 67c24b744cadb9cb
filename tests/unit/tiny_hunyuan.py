# SPDX-License-Identifier: GPL-3.0-or-later
"""HunyuanVideo-I2V's real classes at tiny size, saved as a folder in the layout of the published ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoImageToVideoPipeline,
    HunyuanVideoTransformer3DModel,
)
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from maskedit.models import Limits, Prediction
from maskedit.models.hunyuan import HunyuanImageToVideo

LATENT_CHANNELS = 4
PROMPT = "a red hat"
# How Llama 3 splits text before it merges bytes.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>", "<pad>")


def llama_tokenizer() -> Any:
    """Llama 3's way of splitting, with a word of its own for every word of the pipeline's template."""
    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    text = DEFAULT_PROMPT_TEMPLATE["template"].format(PROMPT)
    for token in SPECIAL:
        text = text.replace(token, "\0")
    words = sorted({word for part in text.split("\0") for word, _ in split.pre_tokenize_str(part)})
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(["<unk>", *words])}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = split
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    begin = SPECIAL[0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>")


def text_parts() -> dict[str, Any]:
    tokenizer = llama_tokenizer()
    narrow = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    # 24 x 24 patches, because the pipeline's template says 576.
    vision = CLIPVisionConfig(**narrow, num_hidden_layers=2, image_size=48, patch_size=2)
    llama = LlamaConfig(**narrow, num_hidden_layers=4, vocab_size=len(tokenizer), max_position_embeddings=1024)
    llava = LlavaConfig(
        vision_config=vision,
        text_config=llama,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    clip = CLIPTextConfig(
        **narrow, num_hidden_layers=1, vocab_size=len(words), eos_token_id=len(words) - 1, projection_dim=16
    )
    torch.manual_seed(1)
    return {
        "tokenizer": tokenizer,
        "text_encoder": LlavaForConditionalGeneration(llava),
        "image_processor": CLIPImageProcessor(
            size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48}, do_resize=True
        ),
        "tokenizer_2": CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[]),
        "text_encoder_2": CLIPTextModel(clip),
    }


def save_hunyuan(folder: Path, condition_type: str) -> Path:
    """HunyuanVideo-I2V with all its parts, tiny, in the layout of the published folders."""
    torch.manual_seed(0)
    concat = condition_type == "latent_concat"
    HunyuanVideoImageToVideoPipeline(
        **text_parts(),
        transformer=HunyuanVideoTransformer3DModel(
            in_channels=2 * LATENT_CHANNELS + 1 if concat else LATENT_CHANNELS,
            out_channels=LATENT_CHANNELS,
            num_attention_heads=2,
            attention_head_dim=10,
            num_layers=2,
            num_single_layers=2,
            num_refiner_layers=1,
            # Only the published 16-channel weights are distilled for guidance.
            guidance_embeds=not concat,
            text_embed_dim=16,
            pooled_projection_dim=16,
            rope_axes_dim=(2, 4, 4),
            image_condition_type=condition_type,
        ),
        vae=AutoencoderKLHunyuanVideo(
            latent_channels=LATENT_CHANNELS, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
    ).save_pretrained(folder)
    # The published folders name this class, which splits at spaces whatever the tokenizer's own file says.
    for path, name in (("model_index.json", None), ("tokenizer/tokenizer_config.json", "tokenizer_class")):
        content = json.loads((folder / path).read_text())
        content |= {name: "LlamaTokenizerFast"} if name else {"tokenizer": ["transformers", "LlamaTokenizerFast"]}
        (folder / path).write_text(json.dumps(content))
    return folder


def open_hunyuan(folder: Path) -> HunyuanImageToVideo:
    return HunyuanImageToVideo(
        folder,
        name=folder.name,
        fingerprint=f"test-{folder.name}",
        limits=Limits(grid_px=16, cell_px=8, temporal_factor=4, budget_px=64 * 64, max_frames=9),
        prediction=Prediction.VELOCITY,
        flow_shift=7.0,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
