// SPDX-License-Identifier: Apache-2.0
// A round trip with Node 18 or later alone:
//   node examples/client.mjs photo.jpg reconstruction.png [http://localhost:8080]
import { readFile, writeFile } from "node:fs/promises";

const [photo, output, url = "http://localhost:8080"] = process.argv.slice(2);

async function post(route, body, parameters = {}) {
  const answer = await fetch(`${url}/${route}?${new URLSearchParams(parameters)}`, { method: "POST", body });
  if (!answer.ok) {
    const problem = await answer.json();
    throw new Error(`${answer.status} ${problem.title} ${problem.detail}`);
  }
  return answer;
}

const picture = await readFile(photo);

const encoded = await post("encode", picture, { dtype: "float32" });
const shape = JSON.parse(encoded.headers.get("Shape"));
const latent = new Float32Array(await encoded.arrayBuffer());
console.log("latent", shape, latent.length, "numbers");

const decoded = await post("decode", latent, { shape: shape.join(","), dtype: "float32" });
await writeFile(output, Buffer.from(await decoded.arrayBuffer()));

const { items } = await (await post("classify", picture)).json();
for (const { label, index, score } of items[0].predictions) console.log(score.toFixed(3), label ?? index);
