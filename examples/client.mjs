// SPDX-License-Identifier: Apache-2.0
// Encodes, decodes and classifies a photo; needs only Node 18 or later:
//   node examples/client.mjs photo.jpg reconstruction.png [http://localhost:8080]
import { readFile, writeFile } from "node:fs/promises";

const [photo, output, url = "http://localhost:8080"] = process.argv.slice(2);

async function post(route, body, parameters = {}) {
  const response = await fetch(`${url}/${route}?${new URLSearchParams(parameters)}`, { method: "POST", body });
  if (!response.ok) {
    const problem = await response.json();
    throw new Error(`${response.status} ${problem.title} ${problem.detail}`);
  }
  return response;
}

const image = await readFile(photo);

const encoded = await post("encode", image, { dtype: "float32" });
const shape = JSON.parse(encoded.headers.get("Shape"));
const latent = new Float32Array(await encoded.arrayBuffer());
console.log("latent", shape, latent.length, "numbers");

const decoded = await post("decode", latent, { shape: shape.join(","), dtype: "float32" });
await writeFile(output, Buffer.from(await decoded.arrayBuffer()));

const { items } = await (await post("classify", image)).json();
for (const { label, index, score } of items[0].predictions) console.log(score.toFixed(3), label ?? index);
