"""What PyTorch does on the same GPU: fused attention at the encoder's shape, and the reference model with its plain scan.

  python gpu_peer.py [--reference DIR]

One JSON object a line, each with the key `torch`.
"""
import argparse
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F


def milliseconds(run, repeats=20):
    for _ in range(3):
        run()
    times = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def say(**what):
    print(json.dumps({"torch": torch.__version__, **what}), flush=True)


def attention(cells=32, heads=8, length=769, width=64):
    shape = (4 * cells, heads, length, width)
    q, k, v = (torch.randn(shape, device="cuda", dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
    d_o = torch.randn(shape, device="cuda", dtype=torch.bfloat16)
    flops = 4 * shape[0] * heads * length * length * width
    forward = milliseconds(lambda: F.scaled_dot_product_attention(q, k, v))

    def both():
        F.scaled_dot_product_attention(q, k, v).backward(d_o)

    backward = milliseconds(both) - forward
    say(kernel="attention forward", ms=forward, tflops=flops / forward / 1e9)
    say(kernel="attention backward", ms=backward, tflops=2.5 * flops / backward / 1e9)


def model(reference, preset="small", cells=8):
    """The reference with library attention; its scan is the loop that PyTorch offers without further packages."""
    sys.path.insert(0, reference)
    import panfoma_reference as ref
    import torch_baseline

    ref.attention, ref.selective_scan = torch_baseline.attention, torch_baseline.selective_scan
    config = ref.Config(**torch_baseline.PRESETS[preset])
    params = {k: v.cuda().requires_grad_() for k, v in ref.init_params(config, 0, torch.float32).items()}
    length = config.n_chunks * config.chunk_len
    genes = torch.stack([torch.randperm(config.n_genes - 1)[:length] + 1 for _ in range(cells)]).cuda()
    target = torch.randint(0, config.n_bins, genes.shape, device="cuda")
    masked = torch.rand(genes.shape, device="cuda") < 0.4
    values = torch.where(masked, config.mask_value, target)
    optimizer = torch.optim.AdamW(params.values(), lr=1e-4, fused=True)

    def embed():
        with torch.inference_mode(), torch.autocast("cuda", dtype=torch.bfloat16):
            ref.forward(config, params, genes, values)

    def train():
        with torch.autocast("cuda", dtype=torch.bfloat16):
            loss = ref.pretrain_loss(ref.forward(config, params, genes, values), target, masked)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    for mode, run in (("embed", embed), ("train", train)):
        for name, step in ((mode, run), (f"{mode} compiled", torch.compile(run))):
            try:
                torch.cuda.synchronize()
                step()
                torch.cuda.synchronize()
                started = time.perf_counter()
                for _ in range(3):
                    step()
                torch.cuda.synchronize()
                seconds = (time.perf_counter() - started) / 3
                say(model=preset, mode=name, cells=cells, cells_per_s=cells / seconds)
            except Exception as error:  # a compiler that gives up is a result, too
                say(model=preset, mode=name, error=str(error).splitlines()[0][:200])


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--reference")
    arguments = arguments.parse_args()
    attention()
    if arguments.reference:
        try:
            model(arguments.reference)
        except ImportError as error:
            say(model="small", error=str(error))
