#!/usr/bin/env bash
# What the constants of the structural loss do to training: one short run each on ShanghaiTech B, the rest equal.
#
#   benchmarks/constants.sh DATA/ShanghaiTech tf_efficientnet_lite0.safetensors runs/constants
#
# Half resolution, crops 192 x 256, three epochs; prints the validation MAE after every epoch. Ten minutes on a core.
set -euo pipefail
data=$1 weights=$2 out=$3
common=(
    --set "data.root=$data" --set "model.options.encoder_weights=$weights"
    --set data.long_side_max=512 --set data.sigma=8.0 --set data.crop=[192,256]
    --set run.epochs=3 --set run.validate_every=1
)
short() {
    local name=$1
    shift
    crowdkit train examples/recipes/part_b_lite.toml "${common[@]}" "$@" --run "$out/$name" --quiet >/dev/null
    python - "$name" "$out/$name/metrics.jsonl" <<'PY'
import json, sys
name, path = sys.argv[1:]
rows = [json.loads(line) for line in open(path)]
rows = [row for row in rows if row["kind"] == "validation"]
print(f"{name:24s}", *(f"MAE {r['mae']:6.1f} r_bg {r['background_ratio']:.3f}" for r in rows), sep="  ", flush=True)
PY
}
short "squared-x50"
short "literal-x50" --set loss.options.c1=0.01 --set loss.options.c2=0.03
short "literal-x1000" --set loss.options.c1=0.01 --set loss.options.c2=0.03 --set loss.options.expansion=1000.0
short "squared-x50-no-BL" --set loss.options.background_weight=0.0
short "mse-x1000" --set loss.name=mse --set loss.options.expansion=1000.0
