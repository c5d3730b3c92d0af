# SPDX-License-Identifier: Apache-2.0
"""Writes the last run's results to results/*.json, tables to docs/performance.md and charts to docs/pictures."""

import json
import shutil
from xml.sax.saxutils import escape

from harness import HERE, OUT, ROOT

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PAGE = ROOT / "docs/performance.md"
INK, OURS, PEER = "#24292f", "#1f6feb", "#a8b3bf"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def conditions(result):
    c = result["conditions"]
    packages = ", ".join(f"{name} {version}" for name, version in c["packages"].items())
    return [
        f"{c['date']}, commit {c['commit']}; {c['processor']}, {c['cores']} cores, {c['memory_gb']} GB, Linux"
        f" {c['kernel']}; {c['swift']}; Python {c['python']}, {packages}.",
        "",
    ]


def engine_lines(result):
    one, both, blas = (sorted(result["limits"][key]) for key in ("one", "all", "openblas"))
    middle = lambda values: values[len(values) // 2]
    lines = ["## Engine", "", *conditions(result)]
    lines += [
        f"Multiply-add limit {middle(one):.0f} GFLOP/s on one thread, {middle(both):.0f} on two; OpenBLAS on one thread,"
        f" 257 x 4096 x 1152: {middle(blas):.0f} ({middle(blas) / middle(one):.0%} of the limit). {result['rounds']} rounds.",
        "",
    ]
    for model in result["models"]:
        lines += [f"### {model['label']}", ""]
        rows = []
        for cell in model["cells"]:
            for index, (name, row) in enumerate(cell["rows"].items()):
                title = f"{cell['operation']}, batch {cell['batch']}" if index == 0 else ""
                rows.append([
                    title, name, f"{row['median'] * 1e3:.2f}", f"{row['spread']:.0%}", f"{row['gflops']:.0f}",
                    f"{row['share']:.0%}", "" if index == 0 else f"{row['ours_is_faster_by']:.2f}",
                    f"{cell['neighbour_cores']:.2f}" if index == 0 else "",
                ])
        head = ["operation", "engine", "ms per image", "spread", "GFLOP/s", "of the limit", "time / ours", "other load, cores"]
        lines += table(head, rows)
        if "note" in model:
            lines += [model["note"], ""]
        products = model.get("matrix_products")
        if products:
            trial = products["auto"]
            times = "" if trial["ratio"] is None else f", {trial['ratio']:.2f} times as fast in its trial"
            ratios = ", ".join(f"{name} {value:.2f}" for name, value in products["openblas_over_packed"].items())
            lines += [f"Time with OpenBLAS / time with packed: {ratios}. `auto` chooses {trial['product']}{times}.", ""]
        loading = {name: row for name, row in model["loading"].items() if row}
        lines += [
            "Load and warm-up: "
            + "; ".join(f"{name} {row['load_seconds']:.2f} + {row['warm_seconds']:.2f} s" for name, row in loading.items())
            + ". Largest difference from our result, relative to its largest value: "
            + ", ".join(f"{name} {value:.0e}" for name, value in model["differences"].items())
            + ".",
            "",
        ]
    return lines


def picture_lines(result):
    lines = ["## Image decoding", "", *conditions(result)]
    rows = [
        [name, f"{row['ours']['median']:.2f}", f"{row['turbojpeg']['median']:.2f}", f"{row['ratio']:.2f}",
         f"{row['ours']['median'] - row['turbojpeg']['median']:.2f}", f"{row['ours']['spread']:.0%}"]
        for name, row in result["pictures"].items()
    ]
    head = ["JPEG", "to the encoder's input, ms", "libjpeg-turbo alone, ms", "ratio", "difference, ms", "spread"]
    return lines + table(head, rows)


def service_lines(result):
    lines = ["## Service", "", *conditions(result)]
    lines += [f"Request: a JPEG of {result['picture_bytes']} bytes; response: a latent. {result['rounds']} rounds of"
              f" {result['seconds']} s each.", ""]
    head = ["connections", "server", "requests/s", "spread", "p50 ms", "p99 ms", "cpu ms", "errors", "ours / theirs",
            "other load, cores"]
    for title, cells in (("encode", result["encode"]), ("GET /health/live", result["probes"])):
        rows = []
        for cell in cells:
            ours = next(iter(cell["rows"].values()))["rate"]["median"]
            for index, (name, row) in enumerate(cell["rows"].items()):
                rate = row["rate"]
                rows.append([
                    str(cell["connections"]) if index == 0 else "", name, f"{rate['median']:.0f}",
                    f"{rate['spread']:.0%}", f"{row['p50_ms']['median']:.2f}", f"{row['p99_ms']['median']:.2f}",
                    f"{row['cpu_ms']['median']:.3f}", str(row["errors"]), "" if index == 0 else f"{ours / rate['median']:.2f}",
                    f"{cell['neighbour_cores']:.2f}" if index == 0 else "",
                ])
        lines += [f"### {title}", "", *table(head, rows)]
    rows = [
        [name, f"{result['start_up'][name]['median']:.2f}", f"{memory['peak_rss_mb']:.0f}", f"{memory['pss_mb']:.0f}"]
        for name, memory in result["memory"].items()
    ]
    lines += ["### Start and memory", "", *table(["server", "start to first response, s", "peak RSS, MB", "PSS, MB"], rows)]
    if "note" in result:
        lines += [result["note"], ""]
    rows = [
        [storage, f"{row['ready']['median']:.2f}", f"{row['rss_mb']:.0f}", f"{row['peak_rss_mb']:.0f}"]
        for storage, row in result["published"].items()
    ]
    lines += ["The published size (DINOv2-B + ViT-XL), page cache warm:", ""]
    lines += table(["weights", "start to ready, s", "RSS, MB", "peak RSS, MB"], rows)
    served, bare, added = (result["overhead"][key]["median"] for key in ("served_ms", "bare_ms", "added_ms"))
    return lines + [
        f"One caller: p50 {served:.2f} ms, the same work without a server {bare:.2f} ms; HTTP and batching add"
        f" {added:.2f} ms (median of the rounds' differences).",
        "",
        *saturation_lines(result["saturation"]),
    ]


def saturation_lines(row):
    return [
        f"Saturation: {row['callers']} callers that ignore `Retry-After`, a queue of {row['limit']}. p99 of admitted requests"
        f" {row['admitted_p99']:.2f} s at {row['rate']:.0f} requests/s; a full queue takes"
        f" {row['full_queue_seconds']:.2f} s ({row['admitted_p99'] / row['full_queue_seconds']:.2f} x);"
        f" {row['refused']} refusals, p50 {row['refused_p50'] * 1e3:.1f} ms, p99 {row['refused_p99'] * 1e3:.1f} ms;"
        f" {row['others']} other responses.",
        "",
    ]


def chart(title, groups, unit, path):
    """Draws horizontal bars in groups; ours are first and coloured."""
    left, width, bar, gap = 250, 360, 16, 26
    largest = max(value for _, rows in groups for _, value, _ in rows)
    y, parts = 44, []
    for name, rows in groups:
        parts.append(f'<text x="16" y="{y + 12}" font-weight="600">{escape(name)}</text>')
        y += 20
        for index, (label, value, note) in enumerate(rows):
            length = max(1, width * value / largest)
            parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
            colour = OURS if label.startswith("uae-serve") else PEER
            parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 3}" fill="{colour}"/>')
            parts.append(f'<text x="{left + length + 6:.1f}" y="{y + 12}">{escape(note)}</text>')
            y += bar
        y += gap - bar
    body = "\n".join(parts)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {y + 8}" width="760" height="{y + 8}"'
        f' font-family="sans-serif" font-size="12" fill="{INK}">\n'
        f'<rect width="760" height="{y + 8}" fill="#ffffff"/>\n'
        f'<text x="16" y="24" font-size="15" font-weight="600">{escape(title)}</text>\n'
        f'<text x="744" y="24" text-anchor="end">{escape(unit)}</text>\n{body}\n</svg>\n'
    )


def engine_chart(result):
    groups = [
        (
            f"{cell['model']}: {cell['operation']}, batch {cell['batch']}",
            [(name, row["gflops"], f"{row['gflops']:.0f} ({row['share']:.0%} of the limit)")
             for name, row in cell["rows"].items()],
        )
        for model in result["models"] for cell in model["cells"]
    ]
    chart("The same network on two cores", groups, "GFLOP/s, more is better", ROOT / "docs/pictures/bench-engine.svg")


def service_chart(result):
    groups = [
        (
            f"{cell['connections']} connection{'s' if cell['connections'] > 1 else ''}",
            [(name, row["rate"]["median"], f"{row['rate']['median']:.0f}   p99 {row['p99_ms']['median']:.0f} ms")
             for name, row in cell["rows"].items()],
        )
        for cell in result["encode"]
    ]
    chart("JPEG in, latent out, on two cores", groups, "requests/s, more is better",
          ROOT / "docs/pictures/bench-service.svg")


def main():
    (HERE / "results").mkdir(exist_ok=True)
    lines = []
    parts = {
        "engine": (engine_lines, engine_chart), "pictures": (picture_lines, None), "service": (service_lines, service_chart),
    }
    for name, (text, draw) in parts.items():
        kept = HERE / f"results/{name}.json"
        fresh = OUT / f"{name}.json"
        if fresh.exists() and not json.loads(fresh.read_text())["quick"]:
            shutil.copy(fresh, kept)
        if not kept.exists():
            continue
        result = json.loads(kept.read_text())
        lines += text(result)
        if draw:
            draw(result)
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + "\n\n" + "\n".join(lines) + END + rest.partition(END)[2])
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
